"""Conflict modes: which rows a restore into a lake in use takes from the backup, and which current rows it ends.

What belongs here: the choice of rows, as one comparison of two tables by key. Writing them belongs to the ordinary
commit path (restore_into_lake.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sync_platform.errors import StorageError
from sync_platform.lake.incoming import IncomingRows
from sync_platform.lake.schema import KEPT_COLUMNS
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.lake.versions import any_differs
from sync_platform.storage.temporary_tables import TemporaryTables

SLICE_ROWS = 20_000
TAKE, END = "take", "end"
_LANDED = tuple(column for column in KEPT_COLUMNS if column.name in ("content_hash", "landing_object", "landing_line"))


class Conflict(StrEnum):
    """Which version of a row is kept if the backup and the lake differ. A removed row keeps its history."""

    overwrite = "overwrite"
    """Exactly the rows of the backup: rows that differ are changed back, and rows that it does not have are removed."""
    merge = "merge"
    """The later change wins; rows that the lake never had are added."""
    skip = "skip"
    """Only rows that are missing or removed are restored; live rows stay as they are."""


@dataclass(frozen=True)
class StoredTable:
    """A tracked table in one of the two lakes: a SQL relation with all of its columns.

    `missing`: columns that this lake's table does not have; they are NULL in the relation. `exists`: False where the
    lake has no such table; the relation is empty then.
    """

    relation: str
    missing: frozenset[str]
    exists: bool


def stored_table(scratch: TemporaryTables, catalog: str, table: TrackedTable) -> StoredTable:
    """A table as it is in a lake. StorageError where a column has another type there than it is declared with."""
    wanted = {column.name: column.sql_type for column in table.every_column}
    stored = dict(
        scratch.session.execute(
            """SELECT column_name, data_type FROM duckdb_columns()
            WHERE database_name = ? AND schema_name = ? AND table_name = ?""",
            [catalog, table.schema, table.name],
        ).fetchall()
    )
    if not stored:
        columns = ", ".join(f'"{name}" {sql_type}' for name, sql_type in wanted.items())
        return StoredTable(scratch.create_empty("no_rows", columns), frozenset(wanted), exists=False)
    _require_types(scratch, catalog, table, wanted, stored)
    column_list = ", ".join(
        f'"{name}"' if name in stored else f'NULL::{sql_type} AS "{name}"' for name, sql_type in wanted.items()
    )
    relation = f"(SELECT {column_list} FROM {catalog}.{table.sql})"
    return StoredTable(relation, frozenset(wanted.keys() - stored.keys()), exists=True)


def choose_rows(
    scratch: TemporaryTables, table: TrackedTable, backup: StoredTable, current: StoredTable, conflict: Conflict
) -> IncomingRows:
    """The incoming rows of a restore: rows to take from the backup, and current rows to end (`deleted`)."""
    keys = ", ".join(f'coalesce(i."{name}", c."{name}") AS "{name}"' for name in table.key)
    chosen = scratch.create(
        "chosen",
        f"""SELECT * FROM (
            SELECT {keys}, {choice_of(table, conflict)} AS choice
            FROM {backup.relation} i FULL JOIN {current.relation} c ON {table.same_key("i", "c")}
        ) WHERE choice IS NOT NULL""",
    )
    taken = [f'{"c" if name in backup.missing else "i"}."{name}" AS "{name}"' for name in _incoming_columns(table)]
    ended = [f'c."{name}" AS "{name}"' for name in _incoming_columns(table)]
    using = f"USING ({table.key_list})"
    rows = f"""(SELECT {", ".join(taken)}, false AS deleted FROM {chosen} d JOIN {backup.relation} i {using}
            LEFT JOIN {current.relation} c {using} WHERE d.choice = '{TAKE}'
            UNION ALL
            SELECT {", ".join(ended)}, true AS deleted FROM {chosen} d JOIN {current.relation} c {using}
            WHERE d.choice = '{END}')"""
    number = f"((row_number() OVER () - 1) // {SLICE_ROWS})::INTEGER AS slice"
    return IncomingRows(scratch.create("incoming", f"SELECT *, {number} FROM {rows}"))


def choice_of(table: TrackedTable, conflict: Conflict) -> str:
    """SQL: what to do with a row of the backup `i` and the current row `c`; NULL for nothing."""
    key = table.key[0]
    in_backup, is_live = (f'({side}."{key}" IS NOT NULL AND {side}.removed_at IS NULL)' for side in ("i", "c"))
    missing = f"{in_backup} AND NOT {is_live}"
    if conflict is Conflict.skip:
        return f"CASE WHEN {missing} THEN '{TAKE}' END"
    if conflict is Conflict.overwrite:
        return f"""CASE WHEN {missing} OR {in_backup} AND ({_differs(table)}) THEN '{TAKE}'
            WHEN NOT {in_backup} AND {is_live} THEN '{END}' END"""
    is_later = f'(i."{key}" IS NOT NULL AND {_changed_at("i")} > {_changed_at("c")})'
    return f"""CASE WHEN c."{key}" IS NULL AND {in_backup} THEN '{TAKE}'
        WHEN {is_later} AND {in_backup} THEN '{TAKE}'
        WHEN {is_later} AND {is_live} THEN '{END}' END"""


def _differs(table: TrackedTable) -> str:
    """SQL: true if the content of two live rows may differ; the commit path compares the columns again."""
    volatile = [column for column in table.columns if column.name in table.volatile]
    if table.is_landed:
        return f"i.content_hash IS DISTINCT FROM c.content_hash OR {any_differs(volatile)}"
    return any_differs([*table.lasting, *volatile])


def _changed_at(side: str) -> str:
    """SQL: when a row last changed, its end included."""
    return f"greatest({side}.last_changed_at, {side}.removed_at)"


def _incoming_columns(table: TrackedTable) -> Iterable[str]:
    return [column.name for column in (*table.columns, *(_LANDED if table.is_landed else ()))]


def _require_types(
    scratch: TemporaryTables, catalog: str, table: TrackedTable, wanted: dict[str, str], stored: dict[str, str]
) -> None:
    names = [name for name in wanted if name in stored]
    types = ", ".join(f"typeof(NULL::{wanted[name]})" for name in names)
    declared = scratch.session.execute(f"SELECT {types}").fetchall()[0]
    for name, sql_type in zip(names, declared, strict=True):
        if stored[name] != sql_type:
            raise StorageError(
                f"{table.schema}.{table.name}: column {name} is {stored[name]} in {catalog}, and {sql_type} here: "
                "a table whose types have changed cannot be restored into a lake in use; restore into a fresh home"
            )
