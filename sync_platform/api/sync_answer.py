"""Syncs as the API answers them: one for each sync of a platform, with its datasets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sync_platform.api.envelope import ApiModel
from sync_platform.documents.states import state_of
from sync_platform.lake.syncs import SyncRecord, worst_status


class SyncedDataset(ApiModel):
    """One dataset of a sync. `dataset`: null for a sync that failed before its datasets."""

    dataset: str | None
    status: str
    records: int
    new: int
    updated: int
    removed: int
    past: int
    restored: int
    unchanged: int
    quarantined: int
    not_retired: int
    reasons: list[str]
    gaps: list[str]


class SyncAnswer(ApiModel):
    """One sync. `status`: complete, degraded or failed, the worst of its datasets; `state`: the same for people."""

    sync_id: str
    run_id: str
    platform: str
    partition: str
    mode: str
    status: str
    state: str
    observed_at: datetime
    started_at: datetime
    finished_at: datetime
    records: int
    request_id: str | None
    datasets: list[SyncedDataset]


def newest_first(records: Mapping[str, Sequence[SyncRecord]]) -> list[SyncAnswer]:
    """The syncs of all platforms, newest first. `records`: the final ones, by platform."""
    grouped: dict[tuple[str, str], list[SyncRecord]] = {}
    for record in (each for found_records in records.values() for each in found_records):
        grouped.setdefault((record.platform, record.sync_id), []).append(record)
    return sorted(map(_answer, grouped.values()), key=lambda answer: (answer.started_at, answer.sync_id), reverse=True)


def _answer(records: Sequence[SyncRecord]) -> SyncAnswer:
    first = records[0]
    status = worst_status((record.status for record in records), default="failed")
    return SyncAnswer(
        sync_id=first.sync_id,
        run_id=first.run_id,
        platform=first.platform,
        partition=first.partition,
        mode=first.mode,
        status=status,
        state=state_of(status, has_gaps=any(record.gaps for record in records)),
        observed_at=first.observed_at,
        started_at=min(record.started_at for record in records),
        finished_at=max(record.committed_at for record in records),
        records=sum(record.records for record in records),
        request_id=first.request_id,
        datasets=list(_datasets(records)),
    )


def _datasets(records: Sequence[SyncRecord]) -> Iterable[SyncedDataset]:
    for record in records:
        yield SyncedDataset(**{name: getattr(record, name) for name in SyncedDataset.model_fields})
