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


@dataclass(frozen=True)
class RecordedSyncs:
    """What the lake records of one dataset's syncs and restores, read once for each piece of work.

    `observations`: earliest first. `last_commit`: the time of the last commit, also of a failed or outdated sync.
    `latest_time`: the latest of all times that they wrote. Both are None where nothing is recorded.
    """

    observations: list[Observation]
    last_commit: datetime | None
    latest_time: datetime | None

    @property
    def newest(self) -> datetime | None:
        """When the dataset was last observed by a sync that did not fail."""
        return self.observations[-1].observed_at if self.observations else None

    def last_complete_list(self, before: datetime) -> datetime | None:
        """When the last complete full list before a time was observed, whether it retired rows or not."""
        complete = (
            observation.observed_at
            for observation in self.observations
            if observation.mode == "full" and observation.list_complete
        )
        return max((at for at in complete if at < before), default=None)


def recorded_syncs(session: duckdb.DuckDBPyConnection, platform: str, dataset: str) -> RecordedSyncs:
    """The recorded syncs and restores of a dataset, and the failed syncs of its whole platform.

    All is read by one query: DuckLake asks its catalog anew for each column of a table that has no row yet, and most
    lakes have no restore. If a sync has several records, the last one is used.
    """
    rows = session.execute(
        f"""SELECT sync_id, observed_at, mode, status, coalesce(list_complete, status = 'complete'),
                coalesce(list_proven, true),
                coalesce(shrink_rejected, mode = 'full' AND list_complete AND not_retired > 0, false),
                shrink_accepted, manifest, false, started_at, committed_at, dataset IS NOT NULL,
                status <> 'failed' AND NOT coalesce(is_outdated, false)
            FROM {LAKE}.sync.runs WHERE platform = $platform AND coalesce(dataset, $dataset) = $dataset
            UNION ALL
            SELECT restore_id, observed_at, CASE WHEN conflict = 'overwrite' THEN 'full' ELSE 'incremental' END,
                'complete', true, true, false, NULL, '', true, observed_at, committed_at, true, true
            FROM {LAKE}.sync.restores WHERE platform = $platform AND dataset = $dataset
        ORDER BY committed_at""",
        {"platform": platform, "dataset": dataset},
    ).fetchall()
    syncs = [(Observation(*row[:10]), *row[10:]) for row in rows]
    last_records = {
        (each.sync_id, each.is_restore): (each.observed_at, committed_at, each)
        for each, _, committed_at, is_of_dataset, is_observation in syncs
        if is_of_dataset and is_observation
    }
    return RecordedSyncs(
        [each for _, _, each in sorted(last_records.values(), key=lambda record: record[:2])],
        max((committed_at for _, _, committed_at, is_of_dataset, _ in syncs if is_of_dataset), default=None),
        max(
            (time for each, *written, _, _ in syncs for time in (each.observed_at, *written) if time is not None),
            default=None,
        ),
    )
