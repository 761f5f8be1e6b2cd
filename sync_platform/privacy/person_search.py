"""The search for a person: candidates on every platform, for an operator to choose from.

Two candidates may be one person or two. That is never decided here, because a wrong choice shows one person's data to
another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from sync_platform.errors import UsageError
from sync_platform.lake.schema import table_name
from sync_platform.privacy.identifier_index import read_identifiers
from sync_platform.privacy.person_question import PersonQuestion
from sync_platform.privacy.person_rows import source_ids_of
from sync_platform.privacy.searched_installation import SearchedInstallation
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table
from sync_platform.storage.operation_step import OnStep, ignore_step
from sync_platform.storage.sql_text import sql_text
from sync_platform.vault.identifiers import FoundSubject, find_subjects, known_subjects
from sync_platform.vault.subject_names import OWN_ID


@dataclass(frozen=True)
class Candidate:
    """A person on one platform, in one dataset.

    `found_by`: what matched, such as `email`. `records`: rows of the table, with those that are gone; `live`: those
    that are not. Without a row, the person is in quarantine, in landed pages or in the history only.
    """

    subject_id: str
    platform: str
    dataset: str
    found_by: tuple[str, ...]
    records: int = 0
    live: int = 0
    first_seen_at: datetime | None = None
    last_changed_at: datetime | None = None


@dataclass(frozen=True)
class _PersonRows:
    """What a table has of a person."""

    records: int = 0
    live: int = 0
    first_seen_at: datetime | None = None
    last_changed_at: datetime | None = None


def candidates(
    installation: SearchedInstallation, question: PersonQuestion, on_step: OnStep = ignore_step
) -> list[Candidate]:
    """Everyone whom the question finds and who is not erased; those that match in most ways come first.

    The first search of an installation of an earlier version reads the identifiers from what is stored. UsageError for
    an unknown platform, and for a value that is no identifier of its kind.
    """
    read_identifiers(installation, lambda step: on_step(f"reading the identifiers of {step}"))
    ways_by_subject: dict[FoundSubject, list[str]] = defaultdict(list)
    if question.subject:
        for subject in _named(installation, question.subject):
            ways_by_subject[subject].append("subject")
    for identifier in question.identifiers():
        for subject in find_subjects(installation.vault.engine, installation.vault.identifiers, identifier):
            ways_by_subject[subject].append(identifier.kind.name)
    rows = _rows_of(installation, ways_by_subject)
    listed = [
        Candidate(
            found_subject.subject_id,
            found_subject.platform,
            found_subject.dataset,
            tuple(ways),
            **vars(rows.get(found_subject, _PersonRows())),
        )
        for found_subject, ways in ways_by_subject.items()
    ]
    return sorted(
        listed,
        key=lambda candidate: (-len(candidate.found_by), candidate.platform, candidate.dataset, candidate.subject_id),
    )


def _named(installation: SearchedInstallation, subject: str) -> list[FoundSubject]:
    """The persons that `PLATFORM:ID` or a subject id names."""
    platform, colon, value = subject.partition(":")
    if not colon:
        return known_subjects(installation.vault.engine, [subject])
    if platform not in installation.platforms:
        known = ", ".join(sorted(installation.platforms))
        raise UsageError(f"{platform!r} is no platform: write PLATFORM:ID with one of {known}")
    datasets = [each for each in installation.platforms[platform].datasets if each.personal]
    paths = dict.fromkeys(path for each in datasets if each.personal for path in each.personal.subject)
    ids = [installation.vault.subject_id(platform, path, value) for path in (*paths, OWN_ID)]
    return known_subjects(installation.vault.engine, ids)


def _rows_of(
    installation: SearchedInstallation, found_subjects: Iterable[FoundSubject]
) -> dict[FoundSubject, _PersonRows]:
    by_dataset: dict[tuple[str, str], list[FoundSubject]] = defaultdict(list)
    for each in found_subjects:
        by_dataset[each.platform, each.dataset].append(each)
    counted: dict[FoundSubject, _PersonRows] = {}
    if installation.lake is None or not by_dataset:
        return counted
    with installation.lake.session() as session:
        for platform, dataset in installation.personal_datasets():
            if subjects := by_dataset.get((platform.name, dataset.name)):
                rows = _count(session, platform, dataset, [each.subject_id for each in subjects])
                counted |= {each: rows[each.subject_id] for each in subjects if each.subject_id in rows}
    return counted


def _count(
    session: duckdb.DuckDBPyConnection, platform: Platform, dataset: Dataset, subjects: list[str]
) -> dict[str, _PersonRows]:
    table = table_name(platform.name, dataset.name)
    if not has_table(session, table):
        return {}
    source_ids = source_ids_of(session, table, dataset, subjects)
    if not source_ids:
        return {}
    owners = ", ".join(f"({sql_text(source_id)}, '{subject}')" for source_id, subject in source_ids.items())
    rows = session.execute(
        f"""SELECT subject, count(*), count(*) FILTER (removed_at IS NULL), min(first_seen_at), max(last_changed_at)
        FROM (VALUES {owners}) p (source_id, subject) JOIN {LAKE}.{table} USING (source_id)
        WHERE source_id IN (SELECT source_id FROM (VALUES {owners}) p (source_id, subject))
        GROUP BY subject"""
    ).fetchall()
    return {subject: _PersonRows(*row) for subject, *row in rows}


def as_document(candidate: Candidate) -> dict[str, Any]:
    """The candidate as JSON has it."""
    return {**vars(candidate), "found_by": list(candidate.found_by)}
