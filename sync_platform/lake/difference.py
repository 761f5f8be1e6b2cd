"""The difference between incoming and stored rows, found in SQL and kept in temporary tables.

Its operations: `insert`, `update`, `restore`, `remove` and `expire` go into the history. `refresh` only updates
volatile columns. `stale` marks a row whose new version is in quarantine. A live row that a full list does not show is
past (`expire`) if it is before the window that the source lists (`TrackedTable.window`); the list need not be complete.
A row of the window's first day (`leaving`) is past only where the list is proven and not empty, and the shrink guard
accepts it.
Otherwise it is either retired (`remove`), or stays live and is listed as not retired: lake/coverage.py says which rows
the list covers, and lake/retirement.py decides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

import duckdb

from sync_platform.lake.confirmation import UNCONFIRMED
from sync_platform.lake.incoming import IncomingRows
from sync_platform.lake.retirement import NO_LIST, Retirement
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.lake.versions import any_differs
from sync_platform.storage.temporary_tables import TemporaryTables


@dataclass(frozen=True)
class Difference:
    """The rows that change, as names of temporary tables, and their number per operation.

    `operations`: the key of each row that changes, and its `operation`. `old`: those rows as stored. `unretired`: the
    keys of live rows that a full list did not show and that stay live; `not_retired` is their number, and `unconfirmed`
    that of those which await confirmation (lake/confirmation.py). `reason`: why the shrink guard retired none of them.
    `accepted`: the operator's reason, where rows were retired only because of it.
    """

    operations: str
    old: str
    unretired: str
    insert: int = 0
    update: int = 0
    restore: int = 0
    remove: int = 0
    expire: int = 0
    refresh: int = 0
    stale: int = 0
    not_retired: int = 0
    unconfirmed: int = 0
    reason: str | None = None
    accepted: str | None = None

    @property
    def in_history(self) -> int:
        """The number of changes that go into the history."""
        return self.insert + self.update + self.restore + self.remove + self.expire

    @property
    def is_empty(self) -> bool:
        return not (self.in_history or self.refresh or self.stale)


def find_difference(
    scratch: TemporaryTables,
    table: TrackedTable,
    incoming: IncomingRows,
    stored: str,
    retirement: Retirement = NO_LIST,
    *,
    day: date | None = None,
    is_replayed: bool = False,
    returning: str | None = None,
) -> Difference:
    """Compare the incoming rows with the relation `stored`, which has the table's columns.

    `day`: the day in Hong Kong on which the source was observed: the window of a full list depends on it.
    `is_replayed`: `stored` is a replay in the middle of a splice. Its `content_hash` is the last change's and may not
    match its columns, so the columns are compared instead. Volatile columns and staleness describe the present only,
    and are ignored. `returning`: keys of incoming rows that are restored with all columns, whatever differs.
    """
    session, keys = scratch.session, table.key_list
    covered = retirement.coverage.rows(scratch, stored, keys) if retirement.list_is_full else None
    query = _query(table, incoming, stored, retirement, covered, day, is_replayed, returning)
    operations = scratch.create("operations", query)
    if retirement.list_is_full and retirement.coverage.unidentified:
        retirement.coverage.unidentified.hold_back(scratch, operations)
    counts = Counter(dict(session.execute(f"SELECT operation, count(*) FROM {operations} GROUP BY ALL").fetchall()))
    unseen, not_covered, leaving = (counts.pop(name, 0) for name in ("unseen", "not_covered", "leaving"))
    first_day = "<="
    if leaving and not _count(session, incoming.rows):  # an empty list says nothing of any row
        session.execute(f"UPDATE {operations} SET operation = 'unseen' WHERE operation = 'leaving'")
        unseen, leaving, first_day = unseen + leaving, 0, "<"
    in_window = f"c.removed_at IS NULL AND NOT {table.is_past('c', day, by=first_day)}"
    decision = retirement.decide(unseen, lambda: _count(session, f"{stored} c WHERE {in_window}"))
    if leaving and decision.reason is None and retirement.confirmation is None:
        session.execute(f"UPDATE {operations} SET operation = 'expire' WHERE operation = 'leaving'")
        counts["expire"], leaving = counts["expire"] + leaving, 0
    unconfirmed = 0
    if decision.is_retired:
        unconfirmed = retirement.hold_back(scratch, stored, operations, keys)
        session.execute(f"UPDATE {operations} SET operation = 'remove' WHERE operation = 'unseen'")
        counts["remove"] += unseen - unconfirmed
    is_unretired = f"operation IN ('unseen', 'not_covered', 'leaving', '{UNCONFIRMED}')"
    unretired = scratch.create(
        "unretired",
        f"SELECT {keys}, operation = '{UNCONFIRMED}' AS awaits_confirmation FROM {operations} WHERE {is_unretired}",
    )
    not_retired = not_covered + leaving + (unconfirmed if decision.is_retired else unseen)
    if not_retired:
        session.execute(f"DELETE FROM {operations} WHERE {is_unretired}")
    return Difference(
        operations,
        scratch.create("old", f"SELECT c.* FROM {stored} c SEMI JOIN {operations} USING ({keys})"),
        unretired,
        not_retired=not_retired,
        unconfirmed=unconfirmed,
        reason=decision.reason,
        accepted=decision.accepted,
        **counts,
    )


def slices_of(
    session: duckdb.DuckDBPyConnection, table: TrackedTable, incoming: IncomingRows, difference: Difference
) -> list[tuple[str, int]]:
    """The operations of a difference, each with the slices of incoming rows that it concerns, sorted by slice."""
    return session.execute(
        f"""SELECT DISTINCT d.operation, i.slice
        FROM {difference.operations} d JOIN {incoming.rows} i USING ({table.key_list}) ORDER BY i.slice"""
    ).fetchall()


def _query(
    table: TrackedTable,
    incoming: IncomingRows,
    stored: str,
    retirement: Retirement,
    covered: str | None,
    day: date | None,
    is_replayed: bool,
    returning: str | None,
) -> str:
    """SQL: key and operation of every row that changes, or that a full list does not show."""
    by_hash = table.is_landed and not is_replayed
    changed = f"({any_differs(table.lasting)})"
    if by_hash:  # a hash of an earlier version of the program may differ although no column does
        changed = f"(i.content_hash <> c.content_hash AND {changed})"
    volatile = [column for column in table.columns if column.name in table.volatile]
    refreshed = "false" if is_replayed else any_differs(volatile)
    is_stale, was_stale = "false", "false"
    if by_hash:
        is_stale, was_stale = "c.removed_at IS NULL AND c.stale_since IS NULL", "c.stale_since IS NOT NULL"
    keys = ", ".join(f'coalesce(i."{name}", c."{name}") AS "{name}"' for name in table.key)
    key = table.key[0]
    is_only_quarantined = f'h."{key}" IS NOT NULL' if incoming.only_quarantined else "false"
    is_covered = f'c."{key}" IN (SELECT "{key}" FROM {covered})' if covered else "true"
    unlisted = f"""CASE WHEN {table.is_past("c", day)} THEN 'expire' WHEN NOT {is_covered} THEN 'not_covered'
                WHEN {table.is_past("c", day, by="<=")} THEN 'leaving' ELSE 'unseen' END"""
    is_returning = f'r."{key}" IS NOT NULL' if returning else "false"
    # stored rows without an incoming row matter only where the incoming rows are landed records
    joined = (
        f"""{incoming.rows} i {"FULL" if table.is_landed else "LEFT"} JOIN {stored} c ON {table.same_key("i", "c")}"""
    )
    if incoming.only_quarantined:
        joined += f" LEFT JOIN {incoming.only_quarantined} h ON {table.same_key('h', 'c')}"
    if returning:
        joined += f" LEFT JOIN {returning} r ON {table.same_key('r', 'i')}"
    return f"""SELECT {keys},
            CASE WHEN {is_only_quarantined} THEN 'stale'
                 WHEN i."{key}" IS NULL THEN {unlisted}
                 WHEN {is_returning} THEN 'restore'
                 WHEN i.deleted THEN 'remove'
                 WHEN c."{key}" IS NULL THEN 'insert'
                 WHEN c.removed_at IS NOT NULL THEN 'restore'
                 WHEN {changed} THEN 'update'
                 ELSE 'refresh' END AS operation
        FROM {joined}
        WHERE CASE WHEN {is_only_quarantined} THEN {is_stale}
                   WHEN i."{key}" IS NULL THEN {"c.removed_at IS NULL" if retirement.list_is_full else "false"}
                   WHEN i.deleted THEN c."{key}" IS NOT NULL AND c.removed_at IS NULL
                   ELSE {is_returning} OR c."{key}" IS NULL OR c.removed_at IS NOT NULL OR {changed}
                        OR {refreshed} OR {was_stale} END"""


def _count(session: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(session.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])
