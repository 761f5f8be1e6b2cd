"""An older observation that arrives late (a backfill) goes into the history where it belongs.

What was seen later stays as it was: after the splice, the table at and after the next complete observation is what it
was before, which takes compensating changes dated at that observation.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import duckdb

from sync_platform.lake.diff import Difference, Origin, Retirement, find_difference, rewrite_rows, write_history
from sync_platform.lake.replay import replay
from sync_platform.lake.schema import columns_of, table_name
from sync_platform.sources.declaration import Dataset
from sync_platform.storage.lake_connection import LAKE

ALWAYS = Retirement(list_is_full=True, list_is_complete=True, tolerance=1.0)


def latest_observation(session: duckdb.DuckDBPyConnection, platform: str, dataset: str) -> datetime | None:
    """When the dataset was last observed, by any sync that took rows in."""
    return _observation(session, platform, dataset, "max(observed_at)", "true")


def splice_earlier(
    session: duckdb.DuckDBPyConnection,
    history: str,
    dataset: Dataset,
    origin: Origin,
    day: date,
    retirement: Retirement,
) -> Difference:
    """Write the history that `temp.incoming`, observed at `origin.observed_at`, adds between what is known.

    Within the caller's transaction. The returned difference is against the table as it was known for that moment.
    """
    table = table_name(origin.platform, dataset)
    following = _observation(
        session,
        origin.platform,
        dataset.name,
        "min(observed_at)",
        "mode = 'full' AND status = 'complete' AND observed_at > $after",
        after=origin.observed_at,
    )
    if following:
        replay(session, history, origin.platform, dataset, "later", until=following)
    replay(session, history, origin.platform, dataset, "earlier", until=origin.observed_at)
    difference = find_difference(session, dataset, "temp.earlier", day, retirement)
    session.execute("DELETE FROM temp.delta WHERE operation = 'refresh'")  # volatile columns are no history
    difference.refresh = 0
    if difference.is_empty:
        return difference
    write_history(session, history, dataset, origin)
    session.execute("CREATE OR REPLACE TEMP TABLE affected AS SELECT source_id FROM temp.delta")
    if following:
        _compensate(session, history, dataset, replace(origin, observed_at=following))
    replay(session, history, origin.platform, dataset, "replayed", only="temp.affected")
    rewrite_rows(session, dataset, table, "temp.replayed")
    return difference


def _compensate(session: duckdb.DuckDBPyConnection, history: str, dataset: Dataset, origin: Origin) -> None:
    """Bring the replay back to what `temp.later` says it was at `origin.observed_at`."""
    own = ", ".join(f'"{column.name}"' for column in columns_of(dataset.row))
    session.execute(
        f"""CREATE OR REPLACE TEMP TABLE incoming AS
        SELECT {own}, content_hash, removed_at IS NOT NULL AS deleted, landing_object, landing_line
        FROM temp.later WHERE source_id IN (SELECT source_id FROM temp.affected)"""
    )
    replay(session, history, origin.platform, dataset, "now", until=origin.observed_at, only="temp.affected")
    # entities that only the older observation knows were not in the complete one after it: they had gone by then
    find_difference(session, replace(dataset, listed_from=None), "temp.now", origin.observed_at.date(), ALWAYS)
    write_history(session, history, dataset, origin)


def _observation(
    session: duckdb.DuckDBPyConnection, platform: str, dataset: str, which: str, condition: str, **values: datetime
) -> datetime | None:
    row = session.execute(
        f"""SELECT {which} FROM {LAKE}.sync.runs
        WHERE platform = $platform AND dataset = $dataset AND status <> 'failed' AND {condition}""",
        {"platform": platform, "dataset": dataset, **values},
    ).fetchone()
    found: datetime | None = row[0] if row else None
    return found
