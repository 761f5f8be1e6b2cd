"""The outcomes of syncs: one per sync of a platform, from the records of its datasets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sync_platform.lake.syncs import Status, SyncRecord, worst_status


@dataclass(frozen=True)
class SyncOutcome:
    """One sync of a platform. `status`: the worst of its datasets. `reasons`, `gaps`: of all its datasets, in words."""

    sync_id: str
    partition: str
    mode: str
    status: Status
    started_at: datetime
    reasons: Sequence[str]
    gaps: Sequence[str]


def final_records(records: Iterable[SyncRecord]) -> dict[str, list[SyncRecord]]:
    """By platform, the records that count: the last commit of each dataset of each sync.

    `records` are in order of commit. A sync that was evaluated again has several: the last one counts, with the time of
    the first one, because that is when the sync ended.
    """
    last: dict[tuple[str, str | None, str], SyncRecord] = {}
    for record in records:
        key = record.platform, record.dataset, record.sync_id
        last[key] = replace(record, committed_at=last[key].committed_at) if key in last else record
    records_by_platform: dict[str, list[SyncRecord]] = {}
    for record in last.values():
        records_by_platform.setdefault(record.platform, []).append(record)
    return records_by_platform


def outcomes_of(records: Iterable[SyncRecord]) -> list[SyncOutcome]:
    """The outcomes of one platform's syncs, in order of their start. `records`: its final records."""
    grouped: dict[str, list[SyncRecord]] = {}
    for record in records:
        grouped.setdefault(record.sync_id, []).append(record)
    outcomes = [
        SyncOutcome(
            sync_id,
            each[0].partition,
            each[0].mode,
            worst_status((record.status for record in each), default="failed"),
            min(record.started_at for record in each),
            [reason for record in each for reason in record.reasons],
            [gap for record in each for gap in record.gaps],
        )
        for sync_id, each in grouped.items()
    ]
    return sorted(outcomes, key=lambda outcome: (outcome.started_at, outcome.sync_id))


def newest_of(outcomes: Sequence[SyncOutcome]) -> SyncOutcome | None:
    """The newest sync of the latest period, so that a backfill of an old period hides no failure; None for none."""
    return max(outcomes, key=lambda outcome: (outcome.partition, outcome.started_at, outcome.sync_id), default=None)
