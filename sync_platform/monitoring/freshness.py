"""Freshness: how old the data of each dataset is, compared with the cadence of its platform.

What belongs here: the formula of DataStaleness. The age counts from what the last complete full sync shows, so that a
backfill of an old period makes nothing fresh:

    staleness = (now - shown_at) / (2 x cadence), at least 0 and at most 1; 1 where no full sync is complete

`shown_at` is the moment that the sync observed; or the end of the day on which the source says that it made the list,
if that is earlier. The cadence is 31 days (monthly) or 7 days (weekly). Incremental syncs do not count, because they
cannot show what is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any

from sync_platform.lake.corrected_times import CLOCK_TOLERANCE
from sync_platform.lake.syncs import SyncRecord
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import HONG_KONG, Cadence

CADENCE: Mapping[Cadence, timedelta] = {"weekly": timedelta(days=7), "monthly": timedelta(days=31)}
LATE_AFTER: Mapping[Cadence, timedelta] = {"weekly": timedelta(days=8), "monthly": timedelta(days=33)}
"""The age of data after which a full sync is late. Dagster's freshness policies have the same windows."""


@dataclass(frozen=True)
class DatasetFreshness:
    """One dataset. `staleness`: 0 to 1. `shown_at`: the moment that its last complete full sync shows; None for none.

    `newest_data_at`: the newest moment that any sync stored data of, also an incremental or a degraded one.
    """

    dataset: str
    staleness: float
    is_late: bool
    shown_at: datetime | None
    newest_data_at: datetime | None


@dataclass(frozen=True)
class PlatformFreshness:
    """One platform: as stale as its stalest dataset.

    `syncs_in_future`: syncs that are recorded at a time that is still to come, and do not count: a clock was wrong.
    """

    platform: str
    cadence: Cadence
    priority: str
    datasets: Sequence[DatasetFreshness]
    syncs_in_future: int

    @property
    def staleness(self) -> float:
        return max((freshness.staleness for freshness in self.datasets), default=0.0)

    @property
    def is_late(self) -> bool:
        return any(freshness.is_late for freshness in self.datasets)

    @property
    def shown_at(self) -> datetime | None:
        """The oldest moment that a dataset shows; None where a dataset has no complete full sync."""
        moments = [freshness.shown_at for freshness in self.datasets]
        return None if None in moments else min((moment for moment in moments if moment), default=None)

    @property
    def due_at(self) -> datetime | None:
        """When the next complete full sync is late."""
        return self.shown_at + LATE_AFTER[self.cadence] if self.shown_at else None

    def document(self) -> dict[str, Any]:
        return {
            "platform": self.platform,
            "cadence": self.cadence,
            "priority": self.priority,
            "staleness": self.staleness,
            "is_late": self.is_late,
            "shown_at": self.shown_at,
            "due_at": self.due_at,
            "syncs_in_future": self.syncs_in_future,
            "datasets": [asdict(freshness) for freshness in self.datasets],
        }


def staleness_of(shown_at: datetime | None, cadence: Cadence, now: datetime) -> float:
    """DataStaleness, 0 to 1; see the formula above."""
    if shown_at is None:
        return 1.0
    return round(min(1.0, max(0.0, (now - shown_at) / (2 * CADENCE[cadence]))), 4)


def freshness_of(
    platform: Platform, datasets: Iterable[str], records: Iterable[SyncRecord], now: datetime
) -> PlatformFreshness:
    """The freshness of a platform. `datasets`: those that it stores. `records`: its final ones (sync_outcomes.py)."""
    known, in_future = [], set()
    for record in records:
        if record.observed_at > now + CLOCK_TOLERANCE:
            in_future.add(record.sync_id)
        else:
            known.append(record)
    freshnesses = [
        _dataset(name, [each for each in known if each.dataset == name], platform.cadence, now) for name in datasets
    ]
    return PlatformFreshness(platform.name, platform.cadence, platform.priority, freshnesses, len(in_future))


def _dataset(name: str, records: Sequence[SyncRecord], cadence: Cadence, now: datetime) -> DatasetFreshness:
    complete = (_shown_at(record) for record in records if record.status == "complete" and record.mode == "full")
    shown_at = max(complete, default=None)
    newest = max((record.observed_at for record in records if record.status != "failed"), default=None)
    is_late = shown_at is None or now - shown_at > LATE_AFTER[cadence]
    return DatasetFreshness(name, staleness_of(shown_at, cadence, now), is_late, shown_at, newest)


def _shown_at(record: SyncRecord) -> datetime:
    if record.generation is None:
        return record.observed_at.astimezone(UTC)
    made_by = datetime.combine(record.generation + timedelta(days=1), time(), HONG_KONG)
    return min(record.observed_at, made_by).astimezone(UTC)
