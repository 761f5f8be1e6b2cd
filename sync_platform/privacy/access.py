"""Access: collects everything that is stored about chosen persons, and unseals it for the answer to their request.

What belongs here: tables, history, quarantine and landed pages. Other persons' values in the same places stay sealed.
Backups have copies of the same and are not read.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import orjson

from sync_platform.lake.corrected_times import corrected_history
from sync_platform.lake.schema import table_name
from sync_platform.privacy.access_answer import (
    AccessAnswer,
    CorrectedValue,
    DatasetAnswer,
    PersonChange,
    PersonRecord,
    ReceivedRecord,
    RecordState,
    RetentionDays,
)
from sync_platform.privacy.landed_lines import landed_objects
from sync_platform.privacy.person_rows import require_subject_id, source_ids_of
from sync_platform.privacy.person_search import Candidate
from sync_platform.privacy.searched_installation import SearchedInstallation, contexts_of, sealed_paths
from sync_platform.quality.quarantine import describe_problems
from sync_platform.settings import Settings
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table
from sync_platform.storage.operation_step import OnStep, ignore_step
from sync_platform.storage.sql_text import sql_text
from sync_platform.vault.sealed_values import PREFIX
from sync_platform.vault.unsealing import Unsealer

KEPT = ("first_seen_at", "last_changed_at", "removed_at")


def collect_answer(
    installation: SearchedInstallation,
    persons: Sequence[Candidate],
    settings: Settings,
    on_step: OnStep = ignore_step,
) -> AccessAnswer:
    """Everything stored about the persons; StorageError where a store cannot be read."""
    subjects = sorted({require_subject_id(each.subject_id) for each in persons})
    ciphers = installation.vault.ciphers(subjects)
    platforms, datasets, unsealed = {each.platform for each in persons}, [], 0
    for platform, dataset in installation.personal_datasets():
        if platform.name in platforms:
            on_step(f"{platform.name}.{dataset.name}")
            unsealing = Unsealer(ciphers, contexts_of(platform, dataset))
            answer = _Collection(installation, platform, dataset, subjects, unsealing).collect()
            unsealed += unsealing.unsealed
            if not answer.is_empty:
                datasets.append(answer)
    kept_for = RetentionDays(
        settings.landing_retention_days, settings.lineage_retention_days, settings.backup_retention_days
    )
    return AccessAnswer(
        datetime.now(UTC), settings.organisation, settings.contact, persons, datasets, kept_for, unsealed
    )


class _Collection:
    """What one dataset has of the persons."""

    def __init__(
        self,
        installation: SearchedInstallation,
        platform: Platform,
        dataset: Dataset,
        subjects: list[str],
        unsealing: Unsealer,
    ) -> None:
        self._installation, self._platform, self._dataset = installation, platform, dataset
        self._subjects, self._unsealing = subjects, unsealing
        self._paths = sealed_paths(dataset)

    def collect(self) -> DatasetAnswer:
        records: list[PersonRecord] = []
        changes: list[PersonChange] = []
        received, lines = self._received()
        if self._installation.lake is not None:
            with self._installation.lake.session() as session:
                records = self._records(session)
                changes = self._changes(session, [each.source_id for each in records])
                self._add_problems(session, lines)
        corrections = self._corrections({each.source_id for each in records})
        return DatasetAnswer(self._platform, self._dataset, records, changes, received, corrections)

    def _corrections(self, source_ids: Set[str]) -> list[CorrectedValue]:
        """What was corrected in these records."""
        return [
            CorrectedValue(
                each.source_id,
                each.column,
                self._in_clear(each.column, each.wrong),
                self._in_clear(each.column, each.right),
                each.corrected_at,
                request.passed_on.get(each.number),
                request.lifted_at,
            )
            for request in self._installation.requests
            for each in request.corrections
            if (each.platform, each.dataset) == (self._platform.name, self._dataset.name)
            and each.source_id in source_ids
        ]

    def _in_clear(self, column: str, value: str | None) -> Any:
        return self._clear({column: value})[column]

    def _records(self, session: duckdb.DuckDBPyConnection) -> list[PersonRecord]:
        table = table_name(self._platform.name, self._dataset.name)
        if not self._paths or not has_table(session, table):
            return []
        ids = source_ids_of(session, table, self._dataset, self._subjects)
        if not ids:
            return []
        cursor = session.execute(
            f"SELECT * FROM {LAKE}.{table} WHERE source_id IN ({_sql_literals(ids)}) ORDER BY source_id"
        )
        names = [each[0] for each in cursor.description or ()]
        rows = [dict(zip(names, map(_json_value, row), strict=True)) for row in cursor.fetchall()]
        columns = [*(column.name for column in columns_of(self._dataset.row)), *KEPT]
        return [
            PersonRecord(
                row["source_id"], _state(row), self._clear({name: row[name] for name in columns if name in row})
            )
            for row in rows
        ]

    def _changes(self, session: duckdb.DuckDBPyConnection, source_ids: list[str]) -> list[PersonChange]:
        """Changes of the records, and those of other records that had values of the persons once."""
        history = self._installation.history
        if not has_table(session, history):
            return []
        marks = [f"{PREFIX}{subject}:" for subject in self._subjects]
        named = [
            f"contains({side}::VARCHAR, '{mark}')" for mark in marks for side in ("before", "after")
        ]  # a subject id has no quotation mark
        owned = [f"entity_id IN ({_sql_literals(source_ids)})"] if source_ids else []
        rows = session.execute(
            f"""SELECT entity_id, operation, observed_at, before::VARCHAR, after::VARCHAR
            FROM {corrected_history(session, history)}
            WHERE platform = '{self._platform.name}' AND dataset = '{self._dataset.name}'
                AND ({" OR ".join([*owned, *named])})
            ORDER BY observed_at, committed_at, entity_id"""
        ).fetchall()
        return [
            PersonChange(source_id, operation, observed_at, self._side(before), self._side(after))
            for source_id, operation, observed_at, before, after in rows
        ]

    def _received(self) -> tuple[list[ReceivedRecord], dict[tuple[str, int], ReceivedRecord]]:
        """Every distinct version as received; and by landing object and line, which version it has."""
        marks = [f"{PREFIX}{subject}:".encode() for subject in self._subjects]
        versions: dict[bytes, ReceivedRecord] = {}
        lines: dict[tuple[str, int], ReceivedRecord] = {}
        for key, body in landed_objects(self._installation.open_landing(), self._platform, self._dataset):
            if not any(mark in body for mark in marks):
                continue
            for number, line in enumerate(body.splitlines(), 1):
                if any(mark in line for mark in marks):
                    if line not in versions:
                        record = self._unsealing.value(orjson.loads(line), self._platform.name)
                        versions[line] = ReceivedRecord(record)
                    versions[line].landing_objects.append(key)
                    lines[key, number] = versions[line]
        return list(versions.values()), lines

    def _add_problems(self, session: duckdb.DuckDBPyConnection, lines: dict[tuple[str, int], ReceivedRecord]) -> None:
        """Say of the received records in quarantine why they are there."""
        if not lines or not has_table(session, "quality.quarantine"):
            return
        objects = _sql_literals({key for key, _ in lines})
        rows = session.execute(
            f"""SELECT landing_object, landing_line, paths, problems FROM {LAKE}.quality.quarantine
            WHERE landing_object IN ({objects}) ORDER BY committed_at"""
        ).fetchall()
        for key, line, paths, problems in rows:
            version = lines.get((key, line))
            words = describe_problems(paths, problems)
            if version is not None and words not in version.problems:
                version.problems.append(words)

    def _side(self, text: str | None) -> dict[str, Any]:
        return self._clear(orjson.loads(text)) if text else {}

    def _clear(self, values: dict[str, Any]) -> dict[str, Any]:
        """The values of columns, those of the persons in clear."""
        return {
            name: self._unsealing.value(value, f"{self._platform.name}.{self._paths.get(name, name)}")
            for name, value in values.items()
        }


def _state(row: dict[str, Any]) -> RecordState:
    if row.get("removed_at") is None:
        return "live"
    return "past" if row.get("is_past") else "removed"


def _json_value(value: Any) -> Any:
    """The value as JSON can have it: an amount is a number."""
    return float(value) if isinstance(value, Decimal) else value


def _sql_literals(texts: Iterable[str]) -> str:
    """SQL: the texts as literals. A parameter would make DuckDB import pandas."""
    return ", ".join(map(sql_text, texts))
