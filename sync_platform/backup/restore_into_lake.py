"""Restore into a lake in use: the difference to a backup becomes a new commit. The lake is never set back.

The rows go through the ordinary commit path: history, chain and table, with a run of their own. The watermarks of
incremental syncs go back in the same transaction, because those syncs would miss what changed in between. Unified
restaurants follow with their next run.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import duckdb

from sync_platform.backup.conflict import Conflict, StoredTable, choose_rows, stored_table
from sync_platform.backup.restore_difference import TableDifference, difference_of
from sync_platform.backup.restore_plan import planned_operations
from sync_platform.lake.chain import BATCHES, chain_changes
from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.corrected_values import NO_CORRECTIONS, Corrections, correct_incoming
from sync_platform.lake.difference import find_difference
from sync_platform.lake.erased_rows import erase_incoming, has_ciphertext, sealed_columns
from sync_platform.lake.history import HistoryWriter
from sync_platform.lake.incoming import IncomingRows
from sync_platform.lake.observations import recorded_syncs
from sync_platform.lake.restore_records import RestoreRecord, write_restore
from sync_platform.lake.restricted_records import add_restricted
from sync_platform.lake.schema import ensure_sync_tables, ensure_tables
from sync_platform.lake.syncs import describe_commit
from sync_platform.lake.table_writer import update_table
from sync_platform.lake.tampered_rows import repair_tampered_rows
from sync_platform.lake.tracked_table import TrackedTable, dataset_table
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.lake.watermarks import return_cursor
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.sources.period import current_period
from sync_platform.storage.lake_connection import BESIDE, LAKE, Lake
from sync_platform.storage.lake_tables import tables_of
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform.unified.tables import DECISIONS, SCHEMA, ensure_unified
from sync_platform.vault.erased_values import ReadErased, nobody_erased


@dataclass(frozen=True)
class RestoredBackup:
    """The backup whose rows are restored: its id, and the commit in it."""

    backup_id: str
    snapshot: int


@dataclass(frozen=True)
class RestoreIntoLake:
    """A restore of the lake that lies beside `lake` into `lake`.

    `platforms`: whose tables are restored. `erased`: the persons whose rows get the erased form. `corrections`: the
    values that are wrong at the source. `restricted`: the persons whose rows no reader is shown. `with_decisions`:
    restore people's decisions on matches too.
    """

    lake: Lake
    history: str
    platforms: Mapping[str, Platform]
    backed_up: RestoredBackup
    conflict: Conflict
    erased: ReadErased = nobody_erased
    corrections: Corrections = NO_CORRECTIONS
    restricted: ReadErased = nobody_erased
    with_decisions: bool = True

    def plan(self) -> list[TableDifference]:
        """What `run` would do now, by table; nothing is written."""
        with self.lake.session() as session:
            return [self._plan_table(session, table) for table in self._tables(session)]

    def run(self, run_id: str) -> list[TableDifference]:
        """Restore in one transaction; returns what was done, by table. A kill before its end changes nothing."""
        with self.lake.session() as session:
            return in_one_transaction(self.lake, session, lambda: self._write(session, run_id))

    def _tables(self, session: duckdb.DuckDBPyConnection) -> list[TrackedTable]:
        """The tables that the backup has, in order of their names."""
        present = set(tables_of(session, BESIDE))
        of_platforms = [
            dataset_table(platform.name, dataset)
            for platform in self.platforms.values()
            for dataset in platform.datasets
        ]
        every = [*of_platforms, *([DECISIONS] if self.with_decisions else [])]
        return sorted((each for each in every if (each.schema, each.name) in present), key=lambda table: table.sql)

    def _plan_table(self, session: duckdb.DuckDBPyConnection, table: TrackedTable) -> TableDifference:
        with TemporaryTables(session) as scratch:
            backup, current = self._sides(scratch, table)
            if not backup.missing and not self._has_replaced(scratch, table, backup):
                operations = planned_operations(scratch, table, backup, current, self.conflict)
                return difference_of(scratch, table, operations, backup.relation, current.relation)
            incoming = self._chosen(scratch, table, backup, current)
            operations = find_difference(scratch, table, incoming, current.relation).operations
            return difference_of(scratch, table, operations, incoming.rows, current.relation)

    def _has_replaced(self, scratch: TemporaryTables, table: TrackedTable, backup: StoredTable) -> bool:
        """True if the backup has rows of erased persons in this table, or if a value of the table is corrected."""
        dataset, erased = self._personal(table), self.erased()
        if dataset is None:
            return False
        if self.corrections.read(table.schema, dataset.name):
            return True
        if not erased or not sealed_columns(dataset):
            return False
        is_theirs = has_ciphertext(scratch, sealed_columns(dataset), erased)
        return scratch.session.execute(f"FROM {backup.relation} WHERE {is_theirs} LIMIT 1").fetchone() is not None

    def _sides(self, scratch: TemporaryTables, table: TrackedTable) -> tuple[StoredTable, StoredTable]:
        return stored_table(scratch, BESIDE, table), stored_table(scratch, LAKE, table)

    def _chosen(
        self, scratch: TemporaryTables, table: TrackedTable, backup: StoredTable, current: StoredTable
    ) -> IncomingRows:
        """The rows to restore; those of erased persons have the erased form, and corrected values are right."""
        incoming = choose_rows(scratch, table, backup, current, self.conflict)
        if dataset := self._personal(table):
            erase_incoming(scratch, incoming.rows, dataset, self.erased)
            correct_incoming(scratch, incoming.rows, dataset, self.corrections.read(table.schema, dataset.name))
        return incoming

    def _personal(self, table: TrackedTable) -> Dataset | None:
        """The dataset of a table, if it has personal data."""
        if table.schema == SCHEMA:
            return None
        dataset = self.platforms[table.schema].dataset(table.name)
        return dataset if dataset.personal is not None else None

    def _write(self, session: duckdb.DuckDBPyConnection, run_id: str) -> list[TableDifference]:
        """Write everything within the caller's transaction, which may be repeated."""
        self._ensure_tables(session)
        now = datetime.now(UTC)
        restore_id = new_sync_id(now)
        done = [self._restore_table(session, table, restore_id, run_id, now) for table in self._tables(session)]
        changes = sum(each.in_history for each in done)
        describe_commit(session, run_id, f"restore of {self.backed_up.backup_id}: {changes:,} rows changed")
        return done

    def _ensure_tables(self, session: duckdb.DuckDBPyConnection) -> None:
        """Create what this lake does not have of the tables that the backup has."""
        for table in self._tables(session):
            if table.schema == SCHEMA:
                ensure_unified(session)
            else:
                platform = self.platforms[table.schema]
                ensure_tables(session, self.history, platform.name, platform.dataset(table.name))
        ensure_sync_tables(session)

    def _restore_table(
        self, session: duckdb.DuckDBPyConnection, table: TrackedTable, restore_id: str, run_id: str, now: datetime
    ) -> TableDifference:
        context = self._context(session, table, restore_id, run_id, now)
        with TemporaryTables(session) as scratch:
            writer = HistoryWriter(scratch, self.history)
            incoming = self._chosen(scratch, table, *self._sides(scratch, table))
            if dataset := self._personal(table):
                add_restricted(scratch, incoming.rows, table.schema, dataset, self.restricted())
            difference = update_table(scratch, writer, table, incoming, context)
            done = difference_of(scratch, table, difference.operations, incoming.rows, difference.old)
            if not done.changes_nothing:
                if table.is_landed:
                    repair_tampered_rows(scratch, self.history, table, difference, context.committed_at)
                chain_changes(writer, context, lambda key: None)  # the manifests of its rows were chained with them
                write_restore(session, self._record(done, context))
                return replace(done, watermark=return_cursor(session, context, BESIDE))
        return done

    def _context(
        self, session: duckdb.DuckDBPyConnection, table: TrackedTable, restore_id: str, run_id: str, now: datetime
    ) -> CommitContext:
        """The context of a table's changes: later than every observation and every commit of the table."""
        name = (table.schema, table.name)
        last = _last_batch(session, *name)
        recorded = recorded_syncs(session, *name)
        commits = [each for each in (recorded.last_commit, last) if each]
        committed_at = max([now, *(each + timedelta(microseconds=1) for each in commits)])
        observed_at = max(committed_at, recorded.newest) if recorded.newest else committed_at
        cadence = self.platforms[table.schema].cadence if table.schema != SCHEMA else "monthly"
        partition = current_period(cadence, observed_at).key
        return CommitContext(*name, partition, restore_id, run_id, observed_at, committed_at)

    def _record(self, done: TableDifference, context: CommitContext) -> RestoreRecord:
        return RestoreRecord(
            restore_id=context.sync_id,
            run_id=context.run_id,
            backup_id=self.backed_up.backup_id,
            backup_snapshot=self.backed_up.snapshot,
            conflict=self.conflict.value,
            platform=context.platform,
            dataset=context.dataset,
            observed_at=context.observed_at,
            committed_at=context.committed_at,
            inserted=done.inserted,
            updated=done.updated,
            removed=done.removed,
            restored=done.restored,
        )


def _last_batch(session: duckdb.DuckDBPyConnection, platform: str, dataset: str) -> datetime | None:
    query = f"SELECT max(committed_to) FROM {LAKE}.{BATCHES} WHERE platform = ? AND dataset = ?"
    committed_at: datetime | None = session.execute(query, [platform, dataset]).fetchall()[0][0]
    return committed_at
