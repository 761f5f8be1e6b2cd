"""Corrected times: what a sync wrote while this machine's clock was ahead.

A sync whose clock is ahead writes times of the future. Until they come, every later sync would count as late. The next
sync with a right clock corrects them: the history stays as it was written, because it is hashed, and
`sync.corrected_times` has the time that counts instead of each time of the future. The true time is not known; the
corrected ones keep their order, and lie just before the sync that corrects them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.schema import CORRECTED_TIMES, ensure_other_tables
from sync_platform.storage.lake_connection import LAKE

TOLERANCE = timedelta(minutes=10)
"""By so much the clocks of machines that share a lake may differ."""
_STEP = timedelta(microseconds=1)
_TIMES = {
    ("sync", "runs"): ("observed_at", "started_at", "committed_at"),
    ("sync", "not_retired"): ("observed_at",),
    ("quality", "quarantine"): ("observed_at", "committed_at", "settled_at"),
    ("quality", "drift"): ("observed_at", "committed_at"),
    ("quality", "scores"): ("observed_at", "committed_at"),
    ("quality", "shapes"): ("committed_at",),
}
"""The times of tables that are not hashed: they are replaced."""
_KEPT = ("first_seen_at", "last_changed_at", "removed_at", "stale_since")


@dataclass(frozen=True)
class Correction:
    """`latest`: the latest time of the future. `count`: the number of times that were corrected."""

    latest: datetime
    count: int

    def in_words(self, now: datetime) -> str:
        ahead = self.latest - now
        shown = f"{ahead.days} days" if ahead.days else f"{ahead.total_seconds() / 3600:.1f} hours"
        return (
            f"an earlier sync ran while the clock was {shown} ahead ({self.latest:%Y-%m-%d %H:%M} UTC): "
            "its times are corrected (sync.corrected_times)"
        )


def correct_future_times(
    session: duckdb.DuckDBPyConnection, history: str, context: CommitContext, now: datetime
) -> Correction | None:
    """Correct a dataset's times that lie in the future of `now`, within the caller's transaction; None for none.

    `context`: the commit that follows. Its observation stays later than the corrected ones if it is the newest.
    """
    of_dataset = {"platform": context.platform, "dataset": context.dataset, "limit": now + TOLERANCE}
    future = _moments(session, _FUTURE_OF_RUNS, of_dataset)
    if not future:
        return None
    future = sorted({*future, *_moments(session, _future_of_history(session, history), of_dataset)})
    newest = _moments(session, _NEWEST_BEFORE, of_dataset)[0]
    end = context.observed_at
    if newest is not None and end - len(future) * _STEP <= newest:
        end = max(now, newest + (len(future) + 1) * _STEP)
    first = end - len(future) * _STEP
    corrected = [(moment, first + number * _STEP) for number, moment in enumerate(future)]
    _write(session, context, corrected)
    return Correction(future[-1], len(future))


def corrected_history(session: duckdb.DuckDBPyConnection, history: str) -> str:
    """SQL: the relation of the changes, with corrected times where there are any."""
    table = f"{LAKE}.{history}"
    exists = "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = 'sync' AND table_name = ?"
    if not session.execute(exists, [LAKE, "corrected_times"]).fetchone():
        return table
    own = "t.platform = h.platform AND t.dataset = h.dataset AND t.recorded_at"
    return f"""(SELECT h.* REPLACE (coalesce(o.corrected_at, h.observed_at) AS observed_at,
            coalesce(c.corrected_at, h.committed_at) AS committed_at)
        FROM {table} h LEFT JOIN {LAKE}.sync.corrected_times o ON {own.replace("t.", "o.")} = h.observed_at
            LEFT JOIN {LAKE}.sync.corrected_times c ON {own.replace("t.", "c.")} = h.committed_at)"""


_OF_DATASET = "platform = $platform AND (dataset = $dataset OR dataset IS NULL)"
_FUTURE_OF_RUNS = " UNION ".join(
    f"SELECT {name} FROM {LAKE}.sync.runs WHERE {_OF_DATASET} AND {name} > $limit"
    for name in _TIMES["sync", "runs"]
)
_NEWEST_BEFORE = f"""SELECT max(moment) FROM (
    SELECT unnest([observed_at, committed_at]) AS moment FROM {LAKE}.sync.runs WHERE {_OF_DATASET})
    WHERE moment <= $limit"""


def _future_of_history(session: duckdb.DuckDBPyConnection, history: str) -> str:
    """SQL: the times of a dataset's changes that lie in the future."""
    changes = corrected_history(session, history)
    return " UNION ".join(
        f"SELECT {name} FROM {changes} WHERE platform = $platform AND dataset = $dataset AND {name} > $limit"
        for name in ("observed_at", "committed_at")
    )


def _moments(session: duckdb.DuckDBPyConnection, query: str, values: dict[str, object]) -> list[datetime]:
    return [moment for (moment,) in session.execute(query, values).fetchall()]


def _write(
    session: duckdb.DuckDBPyConnection, context: CommitContext, corrected: Sequence[tuple[datetime, datetime]]
) -> None:
    """Store the corrected times, and put them into the tables that are not hashed."""
    described = "Times of the future that syncs wrote while the clock was ahead, and the times that count instead"
    ensure_other_tables(session, {("sync", "corrected_times"): (CORRECTED_TIMES, described)})
    times = f"{LAKE}.sync.corrected_times"
    for recorded, moment in corrected:
        session.execute(
            f"INSERT INTO {times} VALUES (?, ?, ?, ?, ?)",
            [context.platform, context.dataset, recorded, moment, context.sync_id],
        )
    places = [(f'{LAKE}."{schema}"."{name}"', columns, _OF_DATASET) for (schema, name), columns in _TIMES.items()]
    places.append((f'{LAKE}."{context.platform}"."{context.dataset}"', _KEPT, "true"))
    values = {"platform": context.platform, "dataset": context.dataset, "sync_id": context.sync_id}
    for table, columns, condition in places:
        for column in columns:
            own = "platform = $platform AND dataset = $dataset AND sync_id = $sync_id"
            session.execute(
                f"""UPDATE {table} SET {column} = (
                    SELECT max(corrected_at) FROM {times} t WHERE t.{own.replace(" AND ", " AND t.")}
                        AND t.recorded_at = {column})
                WHERE {condition.replace("(dataset = $dataset OR dataset IS NULL)", "dataset = $dataset")}
                    AND {column} IN (SELECT recorded_at FROM {times} WHERE {own})""",
                values,
            )
