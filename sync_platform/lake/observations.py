"""The observations of a dataset that are in the lake, in order of time: its syncs and its restores.

A restore is an observation of what the backup has: of all rows if it overwrites, otherwise of the rows that it changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb

from sync_platform.storage.lake_connection import LAKE


@dataclass(frozen=True)
class Observation:
    """One sync's or restore's observation of a dataset.

    `list_complete`: the list has no known gap. `list_proven`: its pages prove that it is whole. `was_rejected`: the
    shrink guard rejected it, so that it retired none of the rows that it covers. `shrink_accepted`: the operator's
    reason for retiring more rows than the tolerance. `is_restore`: its rows come from a backup, not from
    a landed manifest.
    """

    sync_id: str
    observed_at: datetime
    mode: Literal["full", "incremental"]
    status: Literal["complete", "degraded"]
    list_complete: bool
    list_proven: bool
    was_rejected: bool
    shrink_accepted: str | None
    manifest: str
    is_restore: bool

    @property
    def is_conclusive(self) -> bool:
        """True if it retired all rows that it did not show, so the state after it does not depend on earlier ones."""
        return self.mode == "full" and self.status == "complete" and self.list_complete and self.list_proven


def latest_observation(session: duckdb.DuckDBPyConnection, platform: str, dataset: str) -> datetime | None:
    """When the dataset was last observed by a sync that did not fail."""
    found = observations(session, platform, dataset)
    return found[-1].observed_at if found else None


def last_complete_list(
    session: duckdb.DuckDBPyConnection, platform: str, dataset: str, before: datetime
) -> datetime | None:
    """When the dataset was last observed by a complete full list before a time, whether it retired rows or not."""
    found = observations(session, platform, dataset)
    complete = (each.observed_at for each in found if each.mode == "full" and each.list_complete)
    return max((at for at in complete if at < before), default=None)


def observations(session: duckdb.DuckDBPyConnection, platform: str, dataset: str) -> list[Observation]:
    """Every observation that was not of an outdated list, earliest first.

    If a sync has several records, the last one is used.
    """
    rows = session.execute(
        f"""SELECT * EXCLUDE (committed_at) FROM (
            SELECT sync_id, observed_at, mode, status, coalesce(list_complete, status = 'complete'),
                coalesce(list_proven, true),
                coalesce(shrink_rejected, mode = 'full' AND list_complete AND not_retired > 0, false),
                shrink_accepted, manifest, false, committed_at
            FROM {LAKE}.sync.runs
            WHERE platform = $platform AND dataset = $dataset AND status <> 'failed'
                AND NOT coalesce(is_outdated, false)
            QUALIFY row_number() OVER (PARTITION BY sync_id ORDER BY committed_at DESC) = 1
            UNION ALL
            SELECT restore_id, observed_at, CASE WHEN conflict = 'overwrite' THEN 'full' ELSE 'incremental' END,
                'complete', true, true, false, NULL, '', true, committed_at
            FROM {LAKE}.sync.restores WHERE platform = $platform AND dataset = $dataset
        ) ORDER BY observed_at, committed_at""",
        {"platform": platform, "dataset": dataset},
    ).fetchall()
    return [Observation(*row) for row in rows]
