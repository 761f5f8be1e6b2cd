"""Compaction: merges a table's many small files into few, and checks that the content is the same.

DuckLake merges files without changing what any snapshot reads, and leaves the old files on the disk until a later
clean-up. So a wrong compaction is found before anything is deleted, and is undone in the catalog. Files with deleted
rows cannot be merged; they are first rewritten without those rows.
"""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sync_platform.errors import StorageError
from sync_platform.lake.digest import Digest, digest_table
from sync_platform.lake.syncs import describe_commit
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.temporary_tables import TemporaryTables

CATALOG = f"__ducklake_metadata_{LAKE}"
"""The database under which DuckDB attaches the tables of the catalog."""
WORTH_REWRITING = 0.3
"""A file is rewritten once this share of its rows is deleted; a large file is not rewritten for a few rows."""
MAX_WITH_DELETES = 50
"""If a table has more files with deleted rows than this, all of them are rewritten."""
FILE_LISTS = (
    "ducklake_data_file",
    "ducklake_delete_file",
    "ducklake_file_column_stats",
    "ducklake_file_partition_value",
)


@dataclass(frozen=True)
class LakeTable:
    """A table of the lake: its number in the catalog, and its name."""

    number: int
    schema: str
    name: str

    @property
    def sql(self) -> str:
        return f'"{self.schema}"."{self.name}"'

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True)
class TableFiles:
    """The data files of a table in the newest snapshot, and how many could be rewritten or merged."""

    count: int
    size_bytes: int
    with_deletes: int
    mergeable: int  # files without deleted rows, in a folder with another such file


def list_tables(session: duckdb.DuckDBPyConnection) -> list[LakeTable]:
    """Every table of the lake's newest snapshot, sorted by name."""
    rows = session.execute(
        f"""SELECT t.table_id, s.schema_name, t.table_name
        FROM {CATALOG}.ducklake_table t JOIN {CATALOG}.ducklake_schema s USING (schema_id)
        WHERE t.end_snapshot IS NULL AND s.end_snapshot IS NULL ORDER BY ALL"""
    ).fetchall()
    return sorted((LakeTable(*row) for row in rows), key=str)


def table_files(session: duckdb.DuckDBPyConnection, table: LakeTable) -> TableFiles:
    """The files of a table in the newest snapshot."""
    row = session.execute(
        f"""WITH live AS (
            SELECT f.file_size_bytes AS size, d.data_file_id IS NOT NULL AS has_deletes,
                count(*) FILTER (d.data_file_id IS NULL) OVER (PARTITION BY parse_dirpath(f.path)) AS whole_in_folder
            FROM {CATALOG}.ducklake_data_file f
            LEFT JOIN {CATALOG}.ducklake_delete_file d ON d.data_file_id = f.data_file_id AND d.end_snapshot IS NULL
            WHERE f.table_id = {table.number} AND f.end_snapshot IS NULL
        )
        SELECT count(*), coalesce(sum(size), 0), count(*) FILTER (has_deletes),
            count(*) FILTER (NOT has_deletes AND whole_in_folder > 1) FROM live"""
    ).fetchall()[0]
    return TableFiles(*row)


def newest_snapshot(session: duckdb.DuckDBPyConnection) -> int:
    """The snapshot that a query reads now; within a transaction, the snapshot with which it began."""
    snapshot: int = session.execute(f"SELECT id FROM {LAKE}.current_snapshot()").fetchall()[0][0]
    return snapshot


def compact_table(lake: Lake, table: LakeTable, run_id: str) -> tuple[TableFiles, TableFiles]:
    """Rewrite and merge the table's files where it helps; returns the files before and after.

    Raises StorageError naming the table if its content changed. The compaction is then undone in the catalog, unless a
    later commit builds on the new files.
    """
    with lake.session() as session:
        before = after = table_files(session, table)
        if before.with_deletes:
            threshold = 0.0 if before.with_deletes > MAX_WITH_DELETES else WORTH_REWRITING
            call = f"ducklake_rewrite_data_files('{LAKE}', $table, schema => $schema, delete_threshold => {threshold})"
            _Compaction(lake, session, table, run_id, call).run()
            after = table_files(session, table)
        if after.mergeable:
            call = f"ducklake_merge_adjacent_files('{LAKE}', $table, schema => $schema)"
            _Compaction(lake, session, table, run_id, call).run()
            after = table_files(session, table)
    return before, after


@dataclass(frozen=True)
class _UncompactedTable:
    """A table before a compaction: the snapshot, the content's digest, and temporary tables with copies of FILE_LISTS.

    `lists`: the temporary table of each catalog table.
    """

    snapshot: int
    digest: Digest
    lists: dict[str, str]


@dataclass(frozen=True)
class _Compaction:
    """One call of a DuckLake function, with a digest before and after.

    On PostgreSQL other writers may commit meanwhile. Each digest is of one named snapshot, so their rows never appear
    as a difference.
    """

    lake: Lake
    session: duckdb.DuckDBPyConnection
    table: LakeTable
    run_id: str
    call: str

    def run(self) -> None:
        with TemporaryTables(self.session) as scratch:
            before = in_one_transaction(self.lake, self.session, lambda: self._compact(scratch))
            if before is None:
                return
            own: int = self.session.execute(f"SELECT id FROM {LAKE}.last_committed_snapshot()").fetchall()[0][0]
            problem = self._problem(before, own)
            if not problem:
                return
            is_undone = in_one_transaction(self.lake, self.session, lambda: self._undo(scratch, before, own))
        outcome = "its files are listed as they were" if is_undone else "a later commit builds on the new files"
        raise StorageError(f"compaction changed the content of {self.table}; {outcome}: {problem}")

    def _compact(self, scratch: TemporaryTables) -> _UncompactedTable | None:
        """Compact within the caller's transaction; returns the state before, or None where no file was written."""
        snapshot = newest_snapshot(self.session)
        lists = {
            name: scratch.create(
                name, f"SELECT * FROM {CATALOG}.{name} WHERE table_id = $number", {"number": self.table.number}
            )
            for name in FILE_LISTS
        }
        before = _UncompactedTable(snapshot, self._digest(snapshot), lists)
        values = {"table": self.table.name, "schema": self.table.schema}
        if not self.session.execute(f"CALL {self.call}", values).fetchall():
            return None
        describe_commit(self.session, self.run_id, f"{self.table}: files compacted")
        return before

    def _problem(self, before: _UncompactedTable, own: int) -> str | None:
        """Describe how the content changed; None if it did not.

        The snapshot before the compaction must still read the same, and the compaction's own snapshot `own` must read
        the same as the one directly before it.
        """
        try:
            if (digest := self._digest(before.snapshot)) != before.digest:
                return f"snapshot {before.snapshot} had {before.digest}, has {digest}"
            former = before.digest if own == before.snapshot + 1 else self._digest(own - 1)
            if (digest := self._digest(own)) != former:
                return f"snapshot {own - 1} has {former}, {own} has {digest}"
        except duckdb.Error as error:
            return f"it cannot be read: {error}"
        return None

    def _digest(self, snapshot: int) -> Digest:
        return digest_table(self.session, self.table.sql, snapshot)

    def _undo(self, scratch: TemporaryTables, before: _UncompactedTable, own: int) -> bool:
        """List the old files again instead of the new ones; False if a later commit deleted rows of the new files."""
        execute, is_of_table = self.session.execute, f"table_id = {self.table.number}"
        old_files = before.lists["ducklake_data_file"]
        new_files = scratch.create(
            "new_files",
            f"""SELECT data_file_id FROM {CATALOG}.ducklake_data_file
            WHERE {is_of_table} AND data_file_id NOT IN (SELECT data_file_id FROM {old_files})
            AND (begin_snapshot <= {before.snapshot} OR begin_snapshot = {own})""",
        )
        is_new = f"data_file_id IN (SELECT data_file_id FROM {new_files})"
        if execute(f"SELECT 1 FROM {CATALOG}.ducklake_delete_file WHERE {is_new}").fetchall():
            return False
        for name, old in before.lists.items():
            table, key = f"{CATALOG}.{name}", "delete_file_id" if name == "ducklake_delete_file" else "data_file_id"
            execute(f"DELETE FROM {table} WHERE {is_new}")
            execute(f"INSERT INTO {table} SELECT * FROM {old} WHERE {key} NOT IN (SELECT {key} FROM {table})")
        for name in ("ducklake_data_file", "ducklake_delete_file"):
            execute(f"UPDATE {CATALOG}.{name} SET end_snapshot = NULL WHERE {is_of_table} AND end_snapshot = {own}")
        was_listed = f"data_file_id IN (SELECT data_file_id FROM {old_files})"
        execute(f"DELETE FROM {CATALOG}.ducklake_files_scheduled_for_deletion WHERE {was_listed}")
        return True
