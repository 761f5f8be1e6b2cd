"""The plan of a restore into a lake in use: what a run would change in one table, found without copying its rows.

A run compares all columns of the rows that it takes (lake/difference.py). The plan comes to the same operations by key,
end and content hash; it reads the other columns only of live rows whose content hash differs.
"""

from __future__ import annotations

from sync_platform.backup.conflict import END, TAKE, Conflict, StoredTable, choice_of
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.lake.versions import any_differs
from sync_platform.storage.temporary_tables import TemporaryTables

_COMPARE = "compare"


def planned_operations(
    scratch: TemporaryTables, table: TrackedTable, backup: StoredTable, current: StoredTable, conflict: Conflict
) -> str:
    """A relation of the key and the operation of each row that a run would change.

    The backup has every column of the table, and no value that an erasure would replace.
    """
    keys = ", ".join(f'coalesce(i."{name}", c."{name}") AS "{name}"' for name in table.key)
    operations = scratch.create(
        "planned",
        f"""SELECT * FROM (
            SELECT {keys}, CASE {choice_of(table, conflict)} WHEN '{END}' THEN 'remove'
                WHEN '{TAKE}' THEN {_operation(table)} END AS operation
            FROM {backup.relation} i FULL JOIN {current.relation} c ON {table.same_key("i", "c")}
        ) WHERE operation IS NOT NULL""",
    )
    if not scratch.session.execute(f"FROM {operations} WHERE operation = '{_COMPARE}' LIMIT 1").fetchone():
        return operations
    using = f"USING ({table.key_list})"
    compared = scratch.create(
        "compared",
        f"""SELECT {table.key_list}, CASE WHEN {any_differs(table.lasting)} THEN 'update'
                WHEN {_is_refreshed(table)} THEN 'refresh' END AS operation
        FROM (SELECT {table.key_list} FROM {operations} WHERE operation = '{_COMPARE}') d
            JOIN {backup.relation} i {using} JOIN {current.relation} c {using}""",
    )
    return f"""(FROM {operations} WHERE operation <> '{_COMPARE}'
        UNION ALL FROM {compared} WHERE operation IS NOT NULL)"""


def _operation(table: TrackedTable) -> str:
    """SQL: the operation of a row that is taken from the backup; NULL for none."""
    may_differ = "i.content_hash <> c.content_hash" if table.is_landed else "true"
    return f"""CASE WHEN c."{table.key[0]}" IS NULL THEN 'insert' WHEN c.removed_at IS NOT NULL THEN 'restore'
        WHEN {may_differ} THEN '{_COMPARE}' WHEN {_is_refreshed(table)} THEN 'refresh' END"""


def _is_refreshed(table: TrackedTable) -> str:
    """SQL: true if only what has no history changes: volatile columns, and the end of staleness."""
    volatile = any_differs(column for column in table.columns if column.name in table.volatile)
    return f"({volatile} OR c.stale_since IS NOT NULL)" if table.is_landed else f"({volatile})"
