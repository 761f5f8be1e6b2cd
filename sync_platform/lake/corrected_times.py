"""Corrected times: what counts instead of the times that a sync wrote while this machine's clock was ahead.

Until a time of the future has come, every later sync would count as late. The next sync with a right clock corrects
such times. The history stays as it was written, because it is hashed: `sync.corrected_times` has the time that counts
for each of its times of the future. The true times are not known; the corrected ones keep their order, and lie just
before the sync that corrects them.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb

from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.observations import RecordedSyncs
from sync_platform.lake.schema import ensure_other_tables
from sync_platform.lake.sync_columns import CORRECTED_TIMES
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table
from sync_platform.storage.temporary_tables import TemporaryTables

CORRECTED_TIMES_DESCRIPTION = (
    "Times of the future that syncs wrote while the clock was ahead, and the times that count instead"
)
CLOCK_TOLERANCE = timedelta(minutes=10)
"""By so much the clocks of machines that share a lake may differ."""
_STEP = timedelta(microseconds=1)
_OF_DATASET = "platform = $platform AND coalesce(dataset, $dataset) = $dataset"
"""SQL: true for rows of the dataset, and for failed syncs of the whole platform."""
_UNHASHED = {
    "sync.runs": ("observed_at", "started_at", "committed_at"),
    "sync.not_retired": ("observed_at",),
    "sync.restores": ("observed_at", "committed_at"),
    "quality.quarantine": ("observed_at", "committed_at", "settled_at"),
    "quality.drift": ("observed_at", "committed_at"),
    "quality.scores": ("observed_at", "committed_at"),
    "quality.shapes": ("committed_at",),
}
"""The times of other tables than the history: they are replaced."""
_KEPT = ("first_seen_at", "last_changed_at", "removed_at", "stale_since")
_OBSERVED, _COMMITTED = ("observed_at", "started_at"), ("committed_at",)
_RECORDED = f"""(SELECT platform, dataset, observed_at, started_at, committed_at FROM {LAKE}.sync.runs
    UNION ALL SELECT platform, dataset, observed_at, observed_at, committed_at FROM {LAKE}.sync.restores)"""
"""SQL: the times of all syncs and restores."""


@dataclass(frozen=True)
class TimeCorrection:
    """`latest`: the latest time of the future that was corrected. `now`: the time when it was."""

    latest: datetime
    now: datetime

    @property
    def in_words(self) -> str:
        return (
            f"an earlier sync ran while the clock was {duration_in_words(self.latest - self.now)} ahead: its times are "
            "corrected (sync.corrected_times)"
        )


def duration_in_words(duration: timedelta) -> str:
    """A duration in its largest unit: `365 days`, `5 hours` or `12 minutes`."""
    minutes = round(duration.total_seconds() / 60)
    for unit, length in (("days", 24 * 60), ("hours", 60)):
        if minutes >= 2 * length:
            return f"{round(minutes / length)} {unit}"
    return f"{minutes} minutes"


def correct_future_times(
    scratch: TemporaryTables,
    history: str,
    context: CommitContext,
    recorded: RecordedSyncs,
    landed_at: datetime,
    now: datetime,
) -> TimeCorrection | None:
    """Correct a dataset's times that lie in the future of `now`, within the caller's transaction; None for none.

    `context`: the commit that follows. If its observation is the newest, it stays later than the corrected ones.
    `recorded`: what was recorded before it. `landed_at`: the time of its observation as landed. If that is in the
    future, it counts as `now` from now on.
    """
    is_from_the_future = landed_at > now + CLOCK_TOLERANCE and context.observed_at == now
    has_future_time = recorded.latest_time is not None and recorded.latest_time > now + CLOCK_TOLERANCE
    if not is_from_the_future and not has_future_time:
        return None
    session, changes = scratch.session, corrected_history(scratch.session, history)
    limit: dict[str, object] = {
        "platform": context.platform,
        "dataset": context.dataset,
        "limit": now + CLOCK_TOLERANCE,
    }
    observed = _moments(session, _later_times({_RECORDED: _OBSERVED, changes: _OBSERVED[:1]}), limit)
    committed = _moments(session, _later_times({_RECORDED: _COMMITTED, changes: _COMMITTED}), limit)
    corrected = {
        **_moved(committed, _newest(session, "committed_at", limit), now, now),
        **_moved(observed, _newest(session, "observed_at", limit), context.observed_at, now),
    }
    if is_from_the_future:
        corrected.setdefault(landed_at, now)
    _write(scratch, context, corrected)
    return TimeCorrection(max(corrected), now)


def _moved(moments: list[datetime], newest: datetime | None, end: datetime, now: datetime) -> dict[datetime, datetime]:
    """The moments in their order, just before `end`, or else just after `newest`, the latest one that is right."""
    if newest is not None and end - len(moments) * _STEP <= newest:
        end = max(now, newest + (len(moments) + 1) * _STEP)
    first = end - len(moments) * _STEP
    return {moment: first + number * _STEP for number, moment in enumerate(moments)}


def time_that_counts(
    session: duckdb.DuckDBPyConnection, platform: str, dataset: str, moment: datetime, now: datetime
) -> datetime:
    """The corrected time of a moment, if it has one. A time of the future that has none counts as `now`."""
    corrected = None
    if has_table(session, "sync.corrected_times"):
        query = (
            f"SELECT max(corrected_at) FROM {LAKE}.sync.corrected_times WHERE {_OF_DATASET} AND recorded_at = $moment"
        )
        corrected = _moments(session, query, {"platform": platform, "dataset": dataset, "moment": moment})[0]
    return corrected or (now if moment > now + CLOCK_TOLERANCE else moment)


def unproven_share(session: duckdb.DuckDBPyConnection, platform: str, dataset: str) -> float:
    """The share of the live rows that only a sync with a wrong clock has shown: no complete list came after it.

    The next complete list may retire so many more rows than usual.
    """
    if not has_table(session, "sync.corrected_times"):
        return 0.0
    corrected = f"SELECT corrected_at FROM {LAKE}.sync.corrected_times WHERE {_OF_DATASET}"
    rows = session.execute(
        f"""SELECT count(*) FILTER (first_seen_at IN ({corrected})) AS unproven, (unproven + 0.5) / count(*)
        FROM {LAKE}."{platform}"."{dataset}" WHERE removed_at IS NULL AND NOT EXISTS (
            SELECT 1 FROM {LAKE}.sync.runs WHERE {_OF_DATASET} AND mode = 'full' AND list_complete AND not_retired = 0
                AND observed_at > (SELECT max(corrected_at) FROM ({corrected})))
        HAVING unproven > 0""",
        {"platform": platform, "dataset": dataset},
    ).fetchall()
    return float(rows[0][1]) if rows else 0.0


def corrected_history(session: duckdb.DuckDBPyConnection, history: str) -> str:
    """SQL: the relation of all changes, each with its corrected times if it has any."""
    changes, times = f"{LAKE}.{history}", f"{LAKE}.sync.corrected_times"
    if not has_table(session, "sync.corrected_times"):
        return changes
    same = "{0}.platform = h.platform AND {0}.dataset = h.dataset AND {0}.recorded_at"
    return f"""(SELECT h.* REPLACE (coalesce(o.corrected_at, h.observed_at) AS observed_at,
            coalesce(c.corrected_at, h.committed_at) AS committed_at)
        FROM {changes} h LEFT JOIN {times} o ON {same.format("o")} = h.observed_at
            LEFT JOIN {times} c ON {same.format("c")} = h.committed_at)"""


def _later_times(columns: dict[str, tuple[str, ...]]) -> str:
    """SQL: the distinct times of a dataset that are later than `$limit`, in these columns of relations, sorted."""
    selects = [
        f"SELECT {column} FROM {relation} WHERE {_OF_DATASET} AND {column} > $limit"
        for relation, names in columns.items()
        for column in names
    ]
    return f"SELECT * FROM ({' UNION '.join(selects)}) ORDER BY 1"


def _newest(session: duckdb.DuckDBPyConnection, column: str, limit: dict[str, object]) -> datetime | None:
    """The latest time of a dataset's syncs and restores that is not later than `$limit`."""
    query = f"SELECT max({column}) FROM {_RECORDED} WHERE {_OF_DATASET} AND {column} <= $limit"
    return _moments(session, query, limit)[0]


def _moments(session: duckdb.DuckDBPyConnection, query: str, values: dict[str, object]) -> list[datetime]:
    return [moment for (moment,) in session.execute(query, values).fetchall()]


def _write(scratch: TemporaryTables, context: CommitContext, corrected: dict[datetime, datetime]) -> None:
    """Store the corrected times, and put them into the tables that are not hashed."""
    session = scratch.session
    ensure_other_tables(session, {("sync", "corrected_times"): (CORRECTED_TIMES, CORRECTED_TIMES_DESCRIPTION)})
    of_dataset = {"platform": context.platform, "dataset": context.dataset}
    times = scratch.create_empty("corrected", "recorded_at TIMESTAMPTZ, corrected_at TIMESTAMPTZ")
    session.executemany(f"INSERT INTO {times} VALUES (?, ?)", [list(pair) for pair in corrected.items()])
    session.execute(  # a time that was corrected while the clock was ahead is corrected again
        f"""UPDATE {LAKE}.sync.corrected_times k SET corrected_at = t.corrected_at FROM {times} t
        WHERE k.corrected_at = t.recorded_at AND k.platform = $platform AND k.dataset = $dataset""",
        of_dataset,
    )
    session.execute(
        f"INSERT INTO {LAKE}.sync.corrected_times SELECT $platform, $dataset, *, $sync_id FROM {times}",
        {**of_dataset, "sync_id": context.sync_id},
    )
    for table, columns in _UNHASHED.items():
        for column in columns:
            replaced = f"UPDATE {LAKE}.{table} SET {column} = corrected_at FROM {times}"
            session.execute(f"{replaced} WHERE {column} = recorded_at AND {_OF_DATASET}", of_dataset)
    for column in _KEPT:
        session.execute(
            f"""UPDATE {LAKE}."{context.platform}"."{context.dataset}" SET {column} = corrected_at FROM {times}
            WHERE {column} = recorded_at"""
        )
