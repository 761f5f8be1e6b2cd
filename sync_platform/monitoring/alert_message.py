"""Messages about alerts: what the outbox stores and channels send."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import sqlalchemy as sa

from sync_platform.monitoring.alert import MOST_SUBJECTS, Alert, Event, text_of_alert, title_of
from sync_platform.monitoring.alert_tables import messages
from sync_platform.monitoring.problem import ProblemName, Severity
from sync_platform.storage.utc_time import in_utc

REPEATED_EVERY = {"alertmanager": timedelta(hours=1)}
"""The channels that forget an open alert (`alertmanager_channel`), and how often it is sent to them."""


@dataclass(frozen=True)
class Message:
    """One message for one channel. `message_id`: the same for all channels and attempts, so that a receiver can drop a
    message that it has. `content`: the alert, with `event`, `title`, `text` and `previous_severity`.
    """

    message_id: str
    content: Mapping[str, Any]

    @property
    def title(self) -> str:
        return str(self.content["title"])

    @property
    def text(self) -> str:
        return str(self.content["text"])


def message_about(alert: Alert, event: Event, now: datetime, previous: Severity | None = None) -> Message:
    """The message about an event of an alert. `previous`: its severity before the event."""
    content = {
        **alert.document(now),
        "subjects": list(alert.subjects[:MOST_SUBJECTS]),
        "event": event,
        "previous_severity": previous or alert.severity,
        "decided_at": now,
        "title": title_of(alert, event),
        "text": text_of_alert(alert, event),
    }
    return Message(secrets.token_hex(16), content)


def write_messages(
    connection: sa.Connection,
    channels: Sequence[str],
    alert: Alert,
    event: Event,
    now: datetime,
    previous: Severity | None = None,
) -> None:
    """Put a message for each channel into the outbox, within the transaction; none where nothing is to be sent."""
    if alert.is_silenced(now) or (alert.severity == "low" and event not in ("opened", "test")):
        return
    message = message_about(alert, event, now, previous)
    values = {
        "message_id": message.message_id,
        "alert_id": alert.alert_id,
        "event": event,
        "content": orjson.dumps(message.content).decode(),
        "decided_at": now,
        "attempts": 0,
        "next_attempt_at": now,
    }
    for channel in channels:
        if not _is_about(alert, channel):
            connection.execute(sa.insert(messages).values(channel=channel, **values))


def forgotten_alerts(
    connection: sa.Connection, channel: str, open_alerts: Iterable[Alert], now: datetime
) -> list[Alert]:
    """The open alerts that a channel forgets unless they are sent again; none where an earlier message still waits."""
    every = REPEATED_EVERY.get(channel)
    if every is None:
        return []
    waits = sa.func.max(sa.case((messages.c.sent_at.is_(None), 1), else_=0))
    newest = sa.select(messages.c.alert_id, sa.func.max(messages.c.decided_at).label("at"), waits.label("waits"))
    still_open = list(open_alerts)
    of_open = messages.c.alert_id.in_([alert.alert_id for alert in still_open])
    rows = connection.execute(newest.where(of_open, messages.c.channel == channel).group_by(messages.c.alert_id))
    recent = {row.alert_id for row in rows if row.waits or timedelta(0) <= now - in_utc(row.at) < every}
    return [alert for alert in still_open if alert.alert_id not in recent]


def _is_about(alert: Alert, channel: str) -> bool:
    """True if the alert says that messages do not reach this channel: it is for the other channels."""
    return (alert.name, alert.detail) == (ProblemName.delivery_failing, channel)
