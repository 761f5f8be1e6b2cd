"""The difference between what came and what is stored, found in SQL and kept in temporary tables.

Operations of the difference: insert, update, restore and remove go into the history. `refresh` only brings volatile
columns up to date. `stale` marks a row whose new version is in quarantine. A live row that a full list does not show
is retired (`remove`), or it stays live and is listed as not retired: lake/retirement.py decides.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date

import duckdb

from sync_platform.lake.incoming import Incoming
from sync_platform.lake.retirement import NO_LIST, Retirement
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.lake.versions import any_differs
from sync_platform.storage.temporary_tables import TemporaryTables


@dataclass(frozen=True)
class Difference:
    """Which rows change, as names of temporary tables, and how many by operation.

    `operations`: the key of each row that changes, and its `operation`. `old`: those rows as stored. `unretired`: the
    keys of live rows that a full list did not show and that stay live; they are `not_retired` many. `reason`: why none
    was retired, if that is a reason of its own. `accepted`: the operator's reason, where rows were retired only because
    of it.
    """

    operations: str
    old: str
    unretired: str
    insert: int = 0
    update: int = 0
    restore: int = 0
    remove: int = 0
    refresh: int = 0
    stale: int = 0
    not_retired: int = 0
    reason: str | None = None
    accepted: str | None = None

    @property
    def in_history(self) -> int:
        """How many of the changes go into the history."""
        return self.insert + self.update + self.restore + self.remove

    @property
    def is_empty(self) -> bool:
        return not (self.in_history or self.refresh or self.stale)


def find_difference(
    scratch: TemporaryTables,
    table: TrackedTable,
    incoming: Incoming,
    stored: str,
    retirement: Retirement = NO_LIST,
    *,
    day: date | None = None,
    is_replayed: bool = False,
    returning: str | None = None,
) -> Difference:
    """Compare what came with the relation `stored`, which has the table's columns.

    `day`: when the source was observed, in Hong Kong; a full list begins with that day (`table.listed_from`).
    `is_replayed`: columns are compared, because a row replayed half-way through a splice has the hash of the last
    change to it, which need not be that of its columns. Volatile columns and staleness are of the present, not of the
    past, and are left aside. `returning`: keys of incoming rows that are restored whole, whatever differs.
    """
    session, keys = scratch.session, table.key_list
    query = _query(table, incoming, stored, retirement, day, is_replayed, returning)
    operations = scratch.create("operations", query)
    counts = Counter(dict(session.execute(f"SELECT operation, count(*) FROM {operations} GROUP BY ALL").fetchall()))
    unseen = counts.pop("unseen", 0)
    decision = retirement.decide(unseen, lambda: _count(session, f"{stored} c WHERE {_is_listed(table, day)}"))
    unretired = scratch.create("unretired", f"SELECT {keys} FROM {operations} WHERE operation = 'unseen'")
    if unseen and decision.is_retired:
        session.execute(f"DELETE FROM {unretired}")
        session.execute(f"UPDATE {operations} SET operation = 'remove' WHERE operation = 'unseen'")
        counts["remove"] += unseen
    elif unseen:
        session.execute(f"DELETE FROM {operations} WHERE operation = 'unseen'")
    return Difference(
        operations,
        scratch.create("old", f"SELECT c.* FROM {stored} c SEMI JOIN {operations} USING ({keys})"),
        unretired,
        not_retired=0 if decision.is_retired else unseen,
        reason=decision.reason,
        accepted=decision.accepted,
        **counts,
    )


def slices_of(
    session: duckdb.DuckDBPyConnection, table: TrackedTable, incoming: Incoming, difference: Difference
) -> list[tuple[str, int]]:
    """The operations of a difference, with the slices of incoming rows that each concerns, in order of the slices."""
    return session.execute(
        f"""SELECT DISTINCT d.operation, i.slice
        FROM {difference.operations} d JOIN {incoming.rows} i USING ({table.key_list}) ORDER BY i.slice"""
    ).fetchall()


def _query(
    table: TrackedTable,
    incoming: Incoming,
    stored: str,
    retirement: Retirement,
    day: date | None,
    is_replayed: bool,
    returning: str | None,
) -> str:
    """SQL: key and operation of every row that changes or, of a full list, is not shown."""
    names = [column.name for column in table.columns if column.name not in table.key]
    by_hash = table.is_landed and not is_replayed
    changed = "i.content_hash <> c.content_hash" if by_hash else any_differs(table.lasting)
    refreshed = "false" if is_replayed else any_differs(name for name in names if name in table.volatile)
    is_stale, was_stale = "false", "false"
    if by_hash:
        is_stale, was_stale = "c.removed_at IS NULL AND c.stale_since IS NULL", "c.stale_since IS NOT NULL"
    keys = ", ".join(f'coalesce(i."{name}", c."{name}") AS "{name}"' for name in table.key)
    key = table.key[0]
    is_held_back = f'h."{key}" IS NOT NULL' if incoming.held_back else "false"
    is_returning = f'r."{key}" IS NOT NULL' if returning else "false"
    # rows that did not come matter only where what came is a list of records
    joined = (
        f"""{incoming.rows} i {"FULL" if table.is_landed else "LEFT"} JOIN {stored} c ON {table.same_key("i", "c")}"""
    )
    if incoming.held_back:
        joined += f" LEFT JOIN {incoming.held_back} h ON {table.same_key('h', 'c')}"
    if returning:
        joined += f" LEFT JOIN {returning} r ON {table.same_key('r', 'i')}"
    return f"""SELECT {keys},
            CASE WHEN {is_held_back} THEN 'stale'
                 WHEN i."{key}" IS NULL THEN 'unseen'
                 WHEN {is_returning} THEN 'restore'
                 WHEN i.deleted THEN 'remove'
                 WHEN c."{key}" IS NULL THEN 'insert'
                 WHEN c.removed_at IS NOT NULL THEN 'restore'
                 WHEN {changed} THEN 'update'
                 ELSE 'refresh' END AS operation
        FROM {joined}
        WHERE CASE WHEN {is_held_back} THEN {is_stale}
                   WHEN i."{key}" IS NULL THEN {_is_listed(table, day) if retirement.list_is_full else "false"}
                   WHEN i.deleted THEN c."{key}" IS NOT NULL AND c.removed_at IS NULL
                   ELSE {is_returning} OR c."{key}" IS NULL OR c.removed_at IS NOT NULL OR {changed}
                        OR {refreshed} OR {was_stale} END"""


def _count(session: duckdb.DuckDBPyConnection, relation: str) -> int:
    return int(session.execute(f"SELECT count(*) FROM {relation}").fetchall()[0][0])


def _is_listed(table: TrackedTable, day: date | None) -> str:
    """SQL: whether a full list of that day should show the stored row `c`."""
    if table.listed_from is None:
        return "c.removed_at IS NULL"
    return f"""c.removed_at IS NULL AND c."{table.listed_from}" >= DATE '{day}'"""
