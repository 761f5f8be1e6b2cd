"""The feed of changes: every change in the order of commits, for programs that go on where they stopped.

What belongs here: places in the feed. A place stays valid: the order is that of the chain of batches, which does not
depend on clocks, and which nothing changes afterwards. Where retention has folded old changes, what is left of them
takes the place of the last of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from sync_platform.lake.chain import BATCHES, LIVE_BATCHES, has_chain
from sync_platform.lake.restricted_records import usable_changes
from sync_platform.lineage.changes import CHANGE_COLUMNS, Change, change_of
from sync_platform.storage.lake_connection import LAKE

PLACED = f"""(SELECT b.*, CASE WHEN b.kind = 'closing' THEN coalesce((SELECT max(o.number) FROM {LAKE}.{BATCHES} o
        WHERE o.platform = b.platform AND o.dataset = b.dataset AND o.kind <> 'closing'
        AND o.committed_to <= b.committed_to), b.number) ELSE b.number END AS place FROM ({LIVE_BATCHES}) b)"""
"""SQL: the batches whose changes are in the history, each with its place in the feed."""


@dataclass(frozen=True)
class FeedPlace:
    """The place of a change: its batch, and within the batch the record, the time and the operation."""

    batch: int
    entity_id: str = ""
    observed_at: str = ""
    operation: str = ""


BEGINNING = FeedPlace(0)


@dataclass(frozen=True)
class FeedFilter:
    """The changes of one platform (or `unified`), dataset or record; None for all."""

    platform: str | None = None
    dataset: str | None = None
    entity_id: str | None = None


@dataclass(frozen=True)
class FeedPage:
    """The changes after a place, in order. `place`: where the next page begins; `has_more`: whether one is there."""

    changes: list[Change]
    place: FeedPlace
    has_more: bool


def place_at(session: duckdb.DuckDBPyConnection, moment: datetime) -> FeedPlace:
    """The place before the first batch with a change of the moment or later; the end where there is none."""
    if not has_chain(session):
        return BEGINNING
    query = f"SELECT min(place) FILTER (committed_to >= ?), max(place) FROM {PLACED}"
    first, last = session.execute(query, [moment]).fetchall()[0]
    return FeedPlace(first if first is not None else (last or 0) + 1)


def place_after_sync(session: duckdb.DuckDBPyConnection, sync_id: str) -> FeedPlace | None:
    """The place after the last batch of a sync; None for a sync that changed nothing, or that there is not."""
    if not has_chain(session):
        return None
    query = f"SELECT max(number) FROM {LAKE}.{BATCHES} WHERE sync_id = ?"
    last = session.execute(query, [sync_id]).fetchall()[0][0]
    return None if last is None else FeedPlace(last + 1)


def read_feed(
    session: duckdb.DuckDBPyConnection, history: str, after: FeedPlace, wanted: FeedFilter, limit: int
) -> FeedPage:
    """The next `limit` changes after a place, without those of restricted records.

    `history`: the name of the history's table.
    """
    if not has_chain(session):
        return FeedPage([], after, has_more=False)
    batches = _batches(session, after, wanted, limit)
    if not batches:
        return FeedPage([], _end(session, after), has_more=False)
    rows = _rows(session, history, after, wanted, batches, limit + 1)
    page = rows[:limit]
    changes = [change_of(row[2:]) for row in page]
    if len(rows) > limit:
        return FeedPage(changes, _place_of(page[-1]), has_more=True)
    # every change of these batches was read: the next page begins after the last of them
    following = FeedPlace(batches[-1].place + 1)
    return FeedPage(changes, following, has_more=bool(_batches(session, following, wanted, 1)))


def _end(session: duckdb.DuckDBPyConnection, after: FeedPlace) -> FeedPlace:
    """The place after every batch that there is now; never one before `after`."""
    last = session.execute(f"SELECT max(number) FROM {LAKE}.{BATCHES}").fetchall()[0][0] or 0
    return after if after.batch > last else FeedPlace(last + 1)


@dataclass(frozen=True)
class _PlacedBatch:
    """A batch with its place in the feed, the first and the last time of its changes, and their number."""

    place: int
    platform: str
    dataset: str
    first: datetime
    last: datetime
    changes: int


def _batches(
    session: duckdb.DuckDBPyConnection, after: FeedPlace, wanted_filter: FeedFilter, limit: int
) -> Sequence[_PlacedBatch]:
    """The next batches in order: enough for `limit` changes."""
    rows = session.execute(
        f"""SELECT place, platform, dataset, committed_from, committed_to, inserted + updated + removed + restored
        FROM {PLACED}
        WHERE place >= $after AND platform = coalesce($platform, platform) AND dataset = coalesce($dataset, dataset)
        ORDER BY place""",
        {"after": after.batch, "platform": wanted_filter.platform, "dataset": wanted_filter.dataset},
    ).fetchall()
    chosen: list[_PlacedBatch] = []
    counted = 0
    for batch in (_PlacedBatch(*row) for row in rows):
        chosen.append(batch)
        # the first batch may have been read in part
        counted += batch.changes if batch.place > after.batch or after == FeedPlace(after.batch) else 0
        if counted > limit and wanted_filter.entity_id is None:
            break
    return chosen


def _rows(
    session: duckdb.DuckDBPyConnection,
    history: str,
    after: FeedPlace,
    wanted_filter: FeedFilter,
    batches: Sequence[_PlacedBatch],
    limit: int,
) -> list[tuple[Any, ...]]:
    """The rows of the changes in these batches: place, the time as text, then CHANGE_COLUMNS."""
    columns = ", ".join(f"h.{name.strip()}" for name in CHANGE_COLUMNS.split(","))
    return session.execute(
        f"""SELECT p.place, h.observed_at::VARCHAR AS observed_text, {columns}
        FROM {LAKE}.{history} h JOIN (SELECT unnest($places) AS place, unnest($platforms) AS platform,
                unnest($datasets) AS dataset, unnest($firsts) AS first, unnest($lasts) AS last) p
            ON h.platform = p.platform AND h.dataset = p.dataset AND h.committed_at BETWEEN p.first AND p.last
        WHERE h.committed_at BETWEEN $from AND $to AND h.entity_id = coalesce($entity_id, h.entity_id)
            AND {usable_changes(session, "h")}
            AND (p.place, h.entity_id, h.observed_at::VARCHAR, h.operation) > ($batch, $after_id, $after_at, $after_op)
        ORDER BY p.place, h.entity_id, observed_text, h.operation LIMIT $limit""",
        {
            "places": [batch.place for batch in batches],
            "platforms": [batch.platform for batch in batches],
            "datasets": [batch.dataset for batch in batches],
            "firsts": [batch.first for batch in batches],
            "lasts": [batch.last for batch in batches],
            "from": min(batch.first for batch in batches),
            "to": max(batch.last for batch in batches),
            "entity_id": wanted_filter.entity_id,
            "batch": after.batch,
            "after_id": after.entity_id,
            "after_at": after.observed_at,
            "after_op": after.operation,
            "limit": limit,
        },
    ).fetchall()


def _place_of(row: tuple[Any, ...]) -> FeedPlace:
    change = change_of(row[2:])
    return FeedPlace(row[0], change.entity_id, row[1], change.operation)
