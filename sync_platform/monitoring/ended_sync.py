"""The syncs of a platform that ended, each with its end, from the records of its datasets.

What belongs here: when a sync is over. The datasets of a sync are committed one after the other, and a sync counts only
once nothing more of it will come.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_platform.lake.corrected_times import CLOCK_TOLERANCE
from sync_platform.lake.syncs import SyncRecord

LONGEST_PAUSE = timedelta(hours=1)
"""A sync whose last commit is older is over, although a dataset has no record: its process died, or a table failed."""


@dataclass(frozen=True)
class EndedSync:
    """A sync that is over. `records`: one of each dataset, or one without a dataset where the whole sync failed."""

    sync_id: str
    started_at: datetime
    ended_at: datetime
    records: Sequence[SyncRecord]

    @property
    def has_failed(self) -> bool:
        return any(record.status == "failed" for record in self.records)

    @property
    def duration_s(self) -> float | None:
        """None where the clock was set back meanwhile."""
        duration = (self.ended_at - self.started_at).total_seconds()
        return duration if duration >= 0 else None


def ended_syncs(records: Iterable[SyncRecord], datasets: Iterable[str], now: datetime) -> list[EndedSync]:
    """The syncs of one platform that are over, by their end.

    `records`: its final records. `datasets`: those that it stores. A sync is over if each dataset has a record, if it
    failed as a whole, if a later sync ended after it, or an hour after its last commit. One that ends in the future is
    left out: a clock was wrong.
    """
    by_sync: dict[str, list[SyncRecord]] = {}
    for record in records:
        by_sync.setdefault(record.sync_id, []).append(record)
    syncs = sorted(map(_sync, by_sync.values()), key=lambda sync: (sync.ended_at, sync.sync_id))
    return list(_over(syncs, frozenset(datasets), now))


def _sync(records: Sequence[SyncRecord]) -> EndedSync:
    return EndedSync(
        records[0].sync_id,
        min(record.started_at for record in records),
        max(record.committed_at for record in records),
        records,
    )


def _over(syncs: Sequence[EndedSync], datasets: frozenset[str], now: datetime) -> Iterator[EndedSync]:
    known_syncs = [each for each in syncs if each.ended_at <= now + CLOCK_TOLERANCE]
    for sync in known_syncs:
        ended = {record.dataset for record in sync.records}
        is_last = sync is known_syncs[-1]
        if None in ended or datasets <= ended or not is_last or now - sync.ended_at > LONGEST_PAUSE:
            yield sync
