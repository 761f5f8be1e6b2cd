"""Anomalies: series whose newest point is outside its band, and what of them is worth one message.

What belongs here: which deviations count now, and which explain others. How points are judged is in judgement.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_platform.lake.syncs import SyncRecord, first_commits, syncs_of_dataset
from sync_platform.monitoring.judgement import JudgedPoint, judge
from sync_platform.monitoring.measured_shares import measured_shares
from sync_platform.monitoring.quantity import DURATION, ERROR_RATE, NULL_RATE, SCORE, THROUGHPUT, VOLUME, Quantity
from sync_platform.monitoring.recorded_series import series_of_dataset
from sync_platform.monitoring.series import Series
from sync_platform.monitoring.stored_syncs import stored_datasets
from sync_platform.monitoring.sync_outcomes import final_records
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.lake_connection import Lake

EXPLAINED_BY: Mapping[Quantity, tuple[Quantity, ...]] = {
    DURATION: (VOLUME,),
    THROUGHPUT: (DURATION, VOLUME),
    SCORE: (NULL_RATE, ERROR_RATE),
}
"""A deviation follows from one of these in the same platform, or of a dataset in the same dataset: one message."""


@dataclass(frozen=True)
class JudgedSeries:
    """A series and its judged points, oldest first; at least one."""

    series: Series
    judged: Sequence[JudgedPoint]

    @property
    def newest(self) -> JudgedPoint:
        return self.judged[-1]


def judged_series(
    lake: Lake,
    platforms: Iterable[Platform],
    records: Mapping[str, Sequence[SyncRecord]],
    now: datetime,
    expected_at: Mapping[str, Sequence[datetime]],
) -> list[JudgedSeries]:
    """Every series of the platforms.

    `records`: the final records of syncs, by platform (sync_outcomes.py). `expected_at`: by cause, when a person said
    that its deviation is expected. Raises StorageError where the lake cannot be read.
    """
    if not any(records.values()):
        return []
    commits, shares = first_commits(lake), measured_shares(lake, now)
    return [
        JudgedSeries(series, judge(series, expected_at.get(series.cause, ())))
        for platform in platforms
        for dataset in map(platform.dataset, stored_datasets(platform))
        for series in series_of_dataset(
            platform,
            dataset,
            records.get(platform.name, ()),
            commits,
            shares.get((platform.name, dataset.name), ()),
            now,
        )
    ]


def series_at_sync(
    lake: Lake,
    platform: Platform,
    dataset: Dataset,
    record: SyncRecord,
    expected_at: Mapping[str, Sequence[datetime]],
) -> list[JudgedSeries]:
    """The series of a dataset up to one sync of it, which is their newest point. `expected_at`: as above.

    Later observations are left out, so that a backfill is compared with what came before it.
    """
    records = final_records(syncs_of_dataset(lake, platform.name, dataset.name)).get(platform.name, ())
    shares = measured_shares(lake, record.observed_at, platform.name, dataset.name)
    own = shares.get((platform.name, dataset.name), ())
    series_of_sync = []
    for series in series_of_dataset(platform, dataset, records, first_commits(lake), own, record.observed_at):
        judged = judge(series, expected_at.get(series.cause, ()))
        until = [number for number, each in enumerate(judged, 1) if each.point.sync_id == record.sync_id]
        if until:
            series_of_sync.append(JudgedSeries(series, judged[: until[0]]))
    return series_of_sync


def current(every: Sequence[JudgedSeries]) -> list[JudgedSeries]:
    """The series that have a point of the newest sync of their dataset and mode.

    A series of deltas counts until the next full sync, which shows everything again.
    """
    newest: dict[tuple[str, str, str], datetime] = {}
    for judged in every:
        of = (judged.series.platform, judged.series.dataset, judged.series.mode)
        newest[of] = max(newest.get(of, judged.newest.point.at), judged.newest.point.at)
    return [judged for judged in every if _is_current(judged, newest)]


def _is_current(judged: JudgedSeries, newest: Mapping[tuple[str, str, str], datetime]) -> bool:
    series, at = judged.series, judged.newest.point.at
    if at < newest[series.platform, series.dataset, series.mode]:
        return False
    full = newest.get((series.platform, series.dataset, "full"))
    return series.mode == "full" or full is None or at > full


def anomalies(every: Sequence[JudgedSeries]) -> dict[str, list[JudgedSeries]]:
    """The anomalies of now, by cause. Those that others explain are left out.

    A volume is left out too where the sync itself reports that records are missing: that is a problem of its own.
    """
    deviating = [judged for judged in current(every) if judged.newest.is_anomaly]
    causes: dict[str, list[JudgedSeries]] = {}
    for judged in deviating:
        if not _is_reported(judged) and not any(_explains(other.series, judged.series) for other in deviating):
            causes.setdefault(judged.series.cause, []).append(judged)
    return causes


def _is_reported(judged: JudgedSeries) -> bool:
    return judged.series.quantity is VOLUME and judged.newest.point.is_incomplete


def _explains(one: Series, other: Series) -> bool:
    if one.platform != other.platform or one.mode != other.mode:
        return False
    if one.quantity not in EXPLAINED_BY.get(other.quantity, ()):
        return False
    return one.dataset == other.dataset or other.quantity is not SCORE
