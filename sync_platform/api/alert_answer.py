"""Alerts as the API answers them."""

from __future__ import annotations

from datetime import datetime

from sync_platform.api.envelope import ApiModel


class AlertAnswer(ApiModel):
    """An alert. `state`: open, acknowledged, silenced or resolved. `command`: shows more on the command line."""

    alert_id: str
    name: str
    state: str
    severity: str
    cause: str
    what: str
    effect: str
    action: str
    command: str
    subjects: list[str]
    subjects_in_all: int
    times_seen: int
    times_reopened: int
    opened_at: datetime
    last_seen_at: datetime
    gone_at: datetime | None
    resolved_at: datetime | None
    resolved_by: str | None
    resolved_because: str | None
    acknowledged_at: datetime | None
    acknowledged_by: str | None
    silenced_at: datetime | None
    silenced_until: datetime | None
    silenced_by: str | None
    silenced_because: str | None


class AlertList(ApiModel):
    """Alerts, the most severe first. `lastRoundAt`: when monitoring last looked; null for never."""

    items: list[AlertAnswer]
    last_round_at: datetime | None
