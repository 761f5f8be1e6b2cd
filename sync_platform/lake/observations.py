"""The observations of a dataset that are in the lake, in order of time, read from `sync.runs`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb

from sync_platform.storage.lake_connection import LAKE


@dataclass(frozen=True)
class Observation:
    """One sync's observation of a dataset.

    `list_complete`: the list has no known gap. `not_retired`: the number of unseen rows that stayed live.
    `shrink_accepted`: the operator's reason for retiring more rows than the tolerance.
    """

    sync_id: str
    observed_at: datetime
    mode: Literal["full", "incremental"]
    status: Literal["complete", "degraded"]
    list_complete: bool
    not_retired: int
    shrink_accepted: str | None
    manifest: str

    @property
    def is_conclusive(self) -> bool:
        """True if it retired all rows that it did not show, so the state after it does not depend on earlier ones."""
        return self.mode == "full" and self.status == "complete"

    @property
    def was_rejected(self) -> bool:
        """True if it is a complete full list that the shrink guard rejected."""
        return self.is_complete_list and self.not_retired > 0

    @property
    def is_complete_list(self) -> bool:
        """True if it is a complete full list: it retired the rows that it did not show, unless it was rejected."""
        return self.mode == "full" and self.list_complete


def latest_observation(session: duckdb.DuckDBPyConnection, platform: str, dataset: str) -> datetime | None:
    """When the dataset was last observed by a sync that did not fail."""
    found = observations(session, platform, dataset)
    return found[-1].observed_at if found else None


def observations(session: duckdb.DuckDBPyConnection, platform: str, dataset: str) -> list[Observation]:
    """Every observation that was not of an outdated list, earliest first.

    If a sync has several records, the last one is used.
    """
    rows = session.execute(
        f"""SELECT sync_id, observed_at, mode, status, coalesce(list_complete, status = 'complete'), not_retired,
            shrink_accepted, manifest
        FROM {LAKE}.sync.runs
        WHERE platform = $platform AND dataset = $dataset AND status <> 'failed' AND NOT coalesce(is_outdated, false)
        QUALIFY row_number() OVER (PARTITION BY sync_id ORDER BY committed_at DESC) = 1
        ORDER BY observed_at, committed_at""",
        {"platform": platform, "dataset": dataset},
    ).fetchall()
    return [Observation(*row) for row in rows]
