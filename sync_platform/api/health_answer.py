"""The health of the installation as the API answers it. What is not known is null."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sync_platform.api.envelope import ApiModel
from sync_platform.api.sync_answer import SyncAnswer, newest_first
from sync_platform.documents.typed_command import named_command
from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.freshness import freshness_of
from sync_platform.monitoring.health import Loss
from sync_platform.monitoring.health_report import health_of
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart
from sync_platform.monitoring.stored_syncs import stored_datasets
from sync_platform.platforms import platforms_in_use
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform

RECENT_SYNCS = 20


class FreshnessAnswer(ApiModel):
    """How old a platform's data is. `staleness`: 0 is new, 1 is twice the cadence; `shownAt`: null for never synced."""

    platform: str
    cadence: str
    priority: str
    staleness: float
    is_late: bool
    shown_at: datetime | None
    due_at: datetime | None


class LastBackup(ApiModel):
    """The newest backup. `recordCount`: the records of all platforms in it."""

    backup_id: str
    timestamp: datetime
    record_count: int | None
    size_bytes: int | None


class BackupHealth(ApiModel):
    """`lastBackup`: null if there is none, or if it is not known."""

    last_backup: LastBackup | None


class LossAnswer(ApiModel):
    """Points of the score that are lost, and a command that shows more."""

    subject: str
    part: str
    points: float
    reason: str
    command: str


class HealthAnswer(ApiModel):
    """The health now. `confidence`: the share of the score that is known, 0 to 1."""

    overall: str
    health_score: float
    confidence: float
    environment: str
    made_at: datetime
    active_alerts: int | None
    critical_alerts: int | None
    data_freshness: list[FreshnessAnswer] | None
    recent_syncs: list[SyncAnswer] | None
    backup: BackupHealth
    losses: list[LossAnswer]
    unknown: list[LossAnswer]


def health_answer(
    settings: Settings,
    platforms: Mapping[str, Platform],
    state: InstallationState,
    last_backup: LastBackup | None,
    now: datetime,
) -> HealthAnswer:
    """The health of what was read."""
    health, in_use = health_of(settings, platforms, state, now), platforms_in_use(platforms, settings)
    alerts = None if isinstance(state.alerts, UnreadPart) else state.alerts
    records = None if isinstance(state.records, UnreadPart) else state.records
    return HealthAnswer(
        overall=health.state,
        health_score=health.score,
        confidence=health.confidence,
        environment=settings.environment,
        made_at=now,
        active_alerts=None if alerts is None else len(alerts),
        critical_alerts=None if alerts is None else sum(alert.severity == "critical" for alert in alerts),
        data_freshness=None if records is None else list(_freshness(in_use, records, now)),
        recent_syncs=None if records is None else newest_first(records)[:RECENT_SYNCS],
        backup=BackupHealth(last_backup=last_backup),
        losses=_listed(health.losses),
        unknown=_listed(health.unknowns),
    )


def _freshness(
    platforms: Mapping[str, Platform], records: Mapping[str, Sequence[SyncRecord]], now: datetime
) -> Iterator[FreshnessAnswer]:
    for platform in platforms.values():
        freshness = freshness_of(platform, stored_datasets(platform), records.get(platform.name, []), now)
        yield FreshnessAnswer(**{name: getattr(freshness, name) for name in FreshnessAnswer.model_fields})


def _listed(losses: Sequence[Loss]) -> list[LossAnswer]:
    return [
        LossAnswer(
            subject=loss.subject,
            part=loss.part,
            points=round(loss.points, 2),
            reason=loss.deficit.reason,
            command=named_command(*loss.deficit.command),
        )
        for loss in losses
    ]
