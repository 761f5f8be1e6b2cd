"""The data subjects of a person who is to be erased: on each platform, under each name that the platform has for them.

What belongs here: from an id on a platform to data subject ids, and the other ids of the same person. An id is a keyed
hash of what a platform names the person by.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import partial

import duckdb
import sqlalchemy as sa

from sync_platform.errors import UsageError
from sync_platform.lake.subject_rows import personal_tables
from sync_platform.lake.tracked_table import dataset_table
from sync_platform.privacy.searched_installation import sealed_paths
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.relational import transaction
from sync_platform.vault.blank_identifiers import names_somebody
from sync_platform.vault.erased_values import erased_subjects
from sync_platform.vault.identifiers import Identifier, normalised
from sync_platform.vault.identifiers import find_subjects as find_identified
from sync_platform.vault.personal_fields import PersonalKind
from sync_platform.vault.seal import Vault
from sync_platform.vault.sealed_values import ERASED, PREFIX
from sync_platform.vault.subject_keys import subject_keys
from sync_platform.vault.subject_names import (
    IN_SEVERAL_SPELLINGS,
    OWN_ID,
    kind_of_name,
    other_spellings,
)
from sync_platform.vault.tombstones import tombstones


def find_subjects(vault: Vault, platforms: Mapping[str, Platform], named: str) -> list[str]:
    """The data subjects that `PLATFORM:ID` or a data subject id names, erased ones too, in order of their ids.

    UsageError for an unknown platform, and where nobody of that name is known.
    """
    platform, colon, value = named.partition(":")
    if not colon:
        candidates = {named}
    elif platform in platforms:
        paths = {path for each in platforms[platform].datasets if each.personal for path in each.personal.subject}
        candidates = {vault.subject_id(platform, path, value) for path in (*paths, OWN_ID)}
    else:
        raise UsageError(f"{platform!r} is no platform: write PLATFORM:ID with one of {', '.join(sorted(platforms))}")
    subjects = _known(vault, candidates)
    if not subjects:
        raise UsageError(f"nobody is known as {named!r}: no personal value of such a person is stored")
    return sorted(subjects)


def _known(vault: Vault, candidates: Set[str]) -> set[str]:
    """Those that have a key in the vault, or a tombstone."""
    with transaction(vault.engine) as connection:
        return {
            subject
            for table in (subject_keys, tombstones)
            for subject in connection.execute(
                sa.select(table.c.subject_id).where(table.c.subject_id.in_(candidates))
            ).scalars()
        }


def other_subjects(
    session: duckdb.DuckDBPyConnection, vault: Vault, platforms: Mapping[str, Platform], subjects: Set[str]
) -> set[str]:
    """The other ids of the same persons on the same platform.

    A platform may name a person by an e-mail address or, where a record has none, by a phone number. So a later record
    that has only the number, or has it in another spelling, would bring an erased person back under another id.
    """
    known = subjects - erased_subjects(vault.engine)
    return {
        subject
        for platform, dataset in personal_tables(session, platforms)
        for path, kind, column in _naming_columns(dataset)
        for names in [_NamesInColumn(session, vault, platform, dataset, path, column)]
        for text in names.of(known)
        if names_somebody(kind, text)  # else everyone whose record has it would be erased
        for subject in names.subjects_of(Identifier(kind, text))
    } - subjects


@dataclass(frozen=True)
class _NamesInColumn:
    """The column of a field by which a dataset names persons."""

    session: duckdb.DuckDBPyConnection
    vault: Vault
    platform: Platform
    dataset: Dataset
    path: str
    column: str

    def of(self, subjects: Set[str]) -> list[str]:
        """The values in the rows of these persons."""
        sealed = _values_of(self.session, self.platform, self.dataset, self.column, subjects)
        return [str(self.vault.unseal(self.platform.name, self.path, each)) for each in sealed]

    def subjects_of(self, name: Identifier) -> set[str]:
        """The data subjects of a name: by this spelling, by the one spelling, and by others in the stored rows."""
        subject_id, vault = partial(self.vault.subject_id, self.platform.name), self.vault
        ids = {subject_id(self.path, name.value), *other_spellings(subject_id, self.path, name.kind, name.value)}
        if name.kind not in IN_SEVERAL_SPELLINGS or not (spelling := normalised(name)):
            return ids
        found = {each.subject_id for each in find_identified(vault.engine, vault.identifiers, name)} - ids
        others = [text for text in self.of(found) if normalised(Identifier(name.kind, text)) == spelling]
        return ids | ({subject_id(self.path, text) for text in others} & found)  # not whom another field names


def _naming_columns(dataset: Dataset) -> Iterable[tuple[str, PersonalKind, str]]:
    """The fields by which a dataset names persons, with their kinds and columns; none where it has one such field only,
    which has one spelling."""
    personal = dataset.personal
    if not personal:
        return []
    columns = {field: column for column, field in sealed_paths(dataset).items()}
    naming = [(path, kind_of_name(personal, path), columns[path]) for path in personal.subject if path in columns]
    return [each for each in naming if len(personal.subject) > 1 or each[1] in IN_SEVERAL_SPELLINGS]


def _values_of(
    session: duckdb.DuckDBPyConnection, platform: Platform, dataset: Dataset, column: str, subjects: Set[str]
) -> list[str]:
    is_theirs = " OR ".join(f"""starts_with("{column}", '{PREFIX}{subject}:')""" for subject in sorted(subjects))
    if not is_theirs:
        return []
    table = f"{LAKE}.{dataset_table(platform.name, dataset).sql}"
    rows = session.execute(
        f"""SELECT DISTINCT "{column}" FROM {table} WHERE ({is_theirs}) AND NOT ends_with("{column}", ':{ERASED}')"""
    ).fetchall()
    return [value for (value,) in rows]
