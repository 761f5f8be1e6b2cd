"""The observations of a dataset that the lake has taken in, in order of time, from `sync.runs`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import duckdb

from sync_platform.storage.lake_connection import LAKE


@dataclass(frozen=True)
class Observation:
    """One sync's observation of a dataset. `list_complete`: nothing is known to be missing from what it saw.

    `not_retired` rows stayed live unseen. `shrink_accepted`: the operator's reason for retiring more than the
    tolerance.
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
    def settles_what_is_gone(self) -> bool:
        """Whether rows that it did not see were retired: its state does not depend on what was seen before."""
        return self.mode == "full" and self.status == "complete"

    @property
    def was_refused(self) -> bool:
        """Whether it is a complete full list that the shrink guard kept from retiring rows."""
        return self.retired_what_it_did_not_show and self.not_retired > 0

    @property
    def retired_what_it_did_not_show(self) -> bool:
        """Whether it is a complete full list: what it does not show was retired, unless the shrink guard refused it."""
        return self.mode == "full" and self.list_complete


def latest_observation(session: duckdb.DuckDBPyConnection, platform: str, dataset: str) -> datetime | None:
    """When the dataset was last observed, by any sync that took rows in."""
    found = observations(session, platform, dataset)
    return found[-1].observed_at if found else None


def observations(session: duckdb.DuckDBPyConnection, platform: str, dataset: str) -> list[Observation]:
    """Every observation, earliest first; of a sync taken in more than once the last record counts."""
    rows = session.execute(
        f"""SELECT sync_id, observed_at, mode, status, coalesce(list_complete, status = 'complete'), not_retired,
            shrink_accepted, manifest
        FROM {LAKE}.sync.runs
        WHERE platform = $platform AND dataset = $dataset AND status <> 'failed'
        QUALIFY row_number() OVER (PARTITION BY sync_id ORDER BY committed_at DESC) = 1
        ORDER BY observed_at, committed_at""",
        {"platform": platform, "dataset": dataset},
    ).fetchall()
    return [Observation(*row) for row in rows]
