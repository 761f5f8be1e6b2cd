"""The series of an installation, made from what syncs and scores have recorded; nothing is measured here.

What belongs here: the value of each quantity, and which points can be compared. Full syncs are compared with full syncs
of the same cadence, incremental ones with incremental ones. The volume of a delta is compared on the same kind of day
(working days, or rest days of Hong Kong) and after a usual interval.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from sync_platform.lake.corrected_times import CLOCK_TOLERANCE
from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.band import median
from sync_platform.monitoring.measured_shares import MeasuredShare
from sync_platform.monitoring.quantity import (
    DELTA_VOLUME,
    DURATION,
    ERROR_RATE,
    NULL_RATE,
    QUANTITIES,
    SCORE,
    THROUGHPUT,
    VOLUME,
    Quantity,
)
from sync_platform.monitoring.rest_days import is_rest_day
from sync_platform.monitoring.series import Point, Series
from sync_platform.quality.score import OVERALL
from sync_platform.sources.declaration import Dataset, Platform, YearlyFall
from sync_platform.sources.period import day_in_hong_kong

LEAST_DURATION_S = 60.0
"""A shorter sync says nothing about throughput."""
USUAL_INTERVAL = (0.5, 2.0)
"""A delta is compared with others if the time since the sync before it is that many usual intervals."""
MAX_SYNCS = 90
"""Of each mode; more are not needed for the points that are judged."""
HALF_A_DAY = timedelta(hours=12)
"""A delta shows the changes of the day before it: a sync in the morning shows those of yesterday."""


def series_of_dataset(
    platform: Platform,
    dataset: Dataset,
    records: Iterable[SyncRecord],
    first_commits: Mapping[tuple[str, str], datetime],
    shares: Iterable[MeasuredShare],
    now: datetime,
) -> list[Series]:
    """Every series of a dataset.

    `records`: the last record of each of its syncs. `first_commits`: when a sync with several records was committed
    first, by sync and dataset: what came later says nothing about its duration.
    """
    syncs = _newest_syncs([record for record in records if record.dataset == dataset.name], now)
    usual = _after_a_usual_interval(syncs)
    by_sync: dict[str, list[MeasuredShare]] = {}
    for share in shares:
        by_sync.setdefault(share.sync_id, []).append(share)
    points: dict[tuple[str, str, str, str], list[Point]] = {}
    for sync in syncs:
        committed_at = first_commits.get((sync.sync_id, dataset.name), sync.committed_at)
        blank = _blank_point(sync, committed_at)
        measurements = [*_of_record(sync, committed_at, is_usual=sync.sync_id in usual)]
        measurements += [_of_share(sync, share) for share in by_sync.get(sync.sync_id, ())]
        for value in measurements:
            key = (value.quantity.name, value.column, sync.mode, value.basis)
            points.setdefault(key, []).append(replace(blank, value=value.value, of=value.of))
    return [
        Series(platform.name, dataset.name, QUANTITIES[name], column, mode, basis, each, _fall(dataset, name))
        for (name, column, mode, basis), each in points.items()
    ]


@dataclass(frozen=True)
class _Measurement:
    """What one sync adds to one series."""

    quantity: Quantity
    value: float
    basis: str
    of: int | None = None
    column: str = ""


def _newest_syncs(records: Iterable[SyncRecord], now: datetime) -> list[SyncRecord]:
    """The newest syncs of each mode that did not fail, in the order observed."""
    known_records = [
        record for record in records if record.status != "failed" and record.observed_at <= now + CLOCK_TOLERANCE
    ]
    known_records.sort(key=lambda record: (record.observed_at, record.sync_id))
    modes = {record.mode for record in known_records}
    newest = {
        record.sync_id
        for mode in modes
        for record in [each for each in known_records if each.mode == mode][-MAX_SYNCS:]
    }
    return [record for record in known_records if record.sync_id in newest]


def _after_a_usual_interval(syncs: Sequence[SyncRecord]) -> set[str]:
    """The incremental syncs that come after a usual interval."""
    steps = {
        sync.sync_id: (sync.observed_at - before.observed_at).total_seconds()
        for before, sync in pairwise(syncs)
        if sync.mode == "incremental"
    }
    usual = median(list(steps.values())) if steps else 0.0
    shortest, longest = USUAL_INTERVAL
    return {sync_id for sync_id, step in steps.items() if shortest * usual <= step <= longest * usual}


def _basis(sync: SyncRecord) -> str:
    """The mode, and the cadence that the name of the partition shows: a platform may have had another one before."""
    if sync.mode == "incremental":
        return sync.mode
    return f"{sync.mode}, {'monthly' if len(sync.partition) == len('2026-11') else 'weekly'}"


def _of_record(sync: SyncRecord, committed_at: datetime, *, is_usual: bool) -> Iterator[_Measurement]:
    basis = _basis(sync)
    if sync.mode == "full" and not sync.is_outdated:
        yield _Measurement(VOLUME, sync.rows, basis)
    if is_usual:
        days = "rest days" if is_rest_day(day_in_hong_kong(sync.observed_at - HALF_A_DAY)) else "working days"
        yield _Measurement(DELTA_VOLUME, sync.rows, f"{basis}, {days}")
    duration_s = (committed_at - sync.started_at).total_seconds()
    yield _Measurement(DURATION, duration_s, basis)
    if duration_s >= LEAST_DURATION_S:
        yield _Measurement(THROUGHPUT, sync.records / duration_s, basis)
    quarantined = min(1.0, sync.quarantined / sync.records) if sync.records else 0.0
    missing = max(0, sync.pages_expected - sync.pages) / sync.pages_expected if sync.pages_expected else 0.0
    yield _Measurement(ERROR_RATE, 1.0 - (1.0 - quarantined) * (1.0 - missing), basis, sync.records)


def _of_share(sync: SyncRecord, share: MeasuredShare) -> _Measurement:
    basis = f"{_basis(sync)}, without {share.unmeasured}" if share.unmeasured else _basis(sync)
    if share.measure == OVERALL:
        return _Measurement(SCORE, share.score, basis, share.of)
    return _Measurement(NULL_RATE, 1.0 - share.score, basis, share.of, share.measure)


def _blank_point(sync: SyncRecord, committed_at: datetime) -> Point:
    """The point of a sync, still without a value."""
    return Point(
        sync.observed_at.astimezone(UTC),
        0.0,
        sync.partition if sync.mode == "full" else sync.sync_id,
        sync.sync_id,
        committed_at.astimezone(UTC),
        is_incomplete=sync.status == "degraded" and (not sync.list_complete or sync.shrink_rejected),
        is_accepted=sync.shrink_accepted is not None,
    )


def _fall(dataset: Dataset, quantity: str) -> YearlyFall | None:
    return dataset.yearly_fall if quantity == VOLUME.name else None
