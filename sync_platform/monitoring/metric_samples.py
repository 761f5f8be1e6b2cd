"""The values of all metrics, from the state of an installation that its health is computed from.

What belongs here: where each value comes from. What is not known is absent and never 0. Counts and durations are given
for every sync and backup on record, each at the time when it ended.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.ended_sync import EndedSync, ended_syncs
from sync_platform.monitoring.freshness import freshness_of
from sync_platform.monitoring.health import Health
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart
from sync_platform.monitoring.metric import (
    BACKUP_FAILURES,
    BACKUP_SUCCESS,
    COMPLIANCE_RATE,
    DATA_QUALITY_SCORE,
    DATA_STALENESS,
    HEALTH_SCORE,
    OPEN_ALERTS,
    RECORDS_PROCESSED,
    SYNC_DURATION,
    SYNC_FAILURES,
    SYNC_JOBS_EXECUTED,
    Sample,
)
from sync_platform.monitoring.problem import SEVERITIES, Severity
from sync_platform.monitoring.stored_syncs import stored_datasets
from sync_platform.quality.score import OVERALL
from sync_platform.quality.scorecard import StoredScore
from sync_platform.sources.declaration import Platform
from sync_platform.storage.audit_log import AuditEntry

FAILED_OUTCOMES = ("failed", "degraded")
"""A backup that a person interrupted is neither a success nor a failure."""


def samples_of(
    state: InstallationState,
    platforms: Mapping[str, Platform],
    health: Health,
    now: datetime,
    open_alerts: Mapping[Severity, int] | None = None,
) -> list[Sample]:
    """Every value that is known now. `open_alerts`: how many alerts of each severity are open; None: not known."""
    samples = [Sample(HEALTH_SCORE, now, health.score)]
    if not isinstance(state.records, UnreadPart):
        for platform in platforms.values():
            samples += _of_platform(platform, state.records.get(platform.name, ()), now)
    if not isinstance(state.scores, UnreadPart):
        samples += _of_quality(state.scores, platforms, now)
    if not isinstance(state.backups, UnreadPart):
        samples += _of_backups(state.backups.logged.ended, now)
    if not isinstance(state.reports, UnreadPart):
        samples += _of_reports(state.reports, now)
    if open_alerts is not None:
        samples += [
            Sample(OPEN_ALERTS, now, open_alerts.get(severity, 0), severity=severity) for severity in SEVERITIES
        ]
    return samples


def _of_platform(platform: Platform, records: Sequence[SyncRecord], now: datetime) -> Iterator[Sample]:
    datasets = stored_datasets(platform)
    for metric in (SYNC_JOBS_EXECUTED, SYNC_FAILURES):
        yield Sample(metric, now, 0, platform.name)
    for dataset in datasets:
        yield Sample(RECORDS_PROCESSED, now, 0, platform.name, dataset)
    for sync in ended_syncs(records, datasets, now):
        yield from _of_sync(platform.name, sync)
    for freshness in freshness_of(platform, datasets, records, now).datasets:
        yield Sample(DATA_STALENESS, now, freshness.staleness, platform.name, freshness.dataset)


def _of_sync(platform: str, sync: EndedSync) -> Iterator[Sample]:
    at, event = sync.ended_at, sync.sync_id
    yield Sample(SYNC_JOBS_EXECUTED, at, 1, platform, event=event)
    yield Sample(SYNC_FAILURES, at, int(sync.has_failed), platform, event=event)
    if sync.duration_s is not None:
        yield Sample(SYNC_DURATION, at, sync.duration_s, platform, event=event)
    for record in sync.records:
        if record.dataset is not None:
            yield Sample(RECORDS_PROCESSED, at, record.records, platform, record.dataset, event=event)


def _of_quality(scores: Sequence[StoredScore], platforms: Mapping[str, Platform], now: datetime) -> Iterator[Sample]:
    stored = {(name, dataset) for name, platform in platforms.items() for dataset in stored_datasets(platform)}
    for score in scores:
        if score.dimension == OVERALL and score.score is not None and (score.platform, score.dataset) in stored:
            yield Sample(DATA_QUALITY_SCORE, now, score.score, score.platform, score.dataset)


def _of_backups(ended: Sequence[AuditEntry], now: datetime) -> Iterator[Sample]:
    for metric in (BACKUP_SUCCESS, BACKUP_FAILURES):
        yield Sample(metric, now, 0)
    for entry in ended:
        event = f"backup {entry.number}"
        yield Sample(BACKUP_SUCCESS, entry.at, int(entry.outcome == "complete"), event=event)
        yield Sample(BACKUP_FAILURES, entry.at, int(entry.outcome in FAILED_OUTCOMES), event=event)


def _of_reports(entries: Sequence[AuditEntry], now: datetime) -> Iterator[Sample]:
    """The rate of the newest compliance report, if anything could be checked for it."""
    subjects = (entry.details for entry in reversed(entries) if entry.outcome == "complete")
    newest = next((subject for subject in subjects if subject.get("what") == "compliance"), None)
    if newest and newest.get("rate") is not None:
        yield Sample(COMPLIANCE_RATE, now, newest["rate"])
