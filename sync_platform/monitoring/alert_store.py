"""The store of alerts: tables in the ledger. One round decides what is opened, escalated and resolved.

What belongs here: decisions. A decision and the messages about it are one transaction (an outbox), so that a crash
between them loses no message. `alert_outbox` sends the messages.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from sync_platform.documents.typed_command import named_command
from sync_platform.errors import NotFound, UsageError
from sync_platform.monitoring.alert import SILENCE, Alert, Event, shortened
from sync_platform.monitoring.alert_decision import (
    BY_ITSELF,
    TEST,
    hold_of,
    is_future,
    new_alert,
    opened_again,
    opened_by_now,
    problems_of_lost_tables,
    resolved_values,
    seen_again,
    severity_now,
    worse,
)
from sync_platform.monitoring.alert_grouping import ProblemGroup, groups_of
from sync_platform.monitoring.alert_message import forgotten_alerts, write_messages
from sync_platform.monitoring.alert_tables import (
    alerts,
    count_resolved,
    create_missing_tables,
    delete_resolved,
    locked_transaction,
    messages,
    read_alerts,
    rounds,
    row_of,
)
from sync_platform.monitoring.expected_anomaly import write_expected_anomaly
from sync_platform.monitoring.problem import SEVERITIES, Problem, ProblemName, Severity
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import database_exists, open_database, transaction
from sync_platform.storage.utc_time import in_utc

REOPENED_WITHIN = timedelta(hours=24)
"""A cause that returns within this time after its alert was resolved opens the same alert again."""


def utc_now() -> datetime:
    return datetime.now(UTC)


class AlertStore:
    """The alerts in the ledger at a SQLAlchemy URL; StorageError where it cannot be used.

    `channels`: the names of the channels to which messages go (`alert_channels.channel_names`).
    """

    def __init__(self, ledger_url: str, channels: Sequence[str], clock: Callable[[], datetime] = utc_now) -> None:
        self.ledger_url, self.channels, self.clock = ledger_url, channels, clock

    @cached_property
    def engine(self) -> sa.Engine:
        """Opened on first use: what is refused creates no ledger."""
        return open_database(self.ledger_url, MIGRATIONS)

    def round(self, problems: Iterable[Problem], looked_for: Collection[ProblemName]) -> None:
        """Open, keep, escalate and resolve alerts by what is wrong now.

        `looked_for`: the names that were looked for; an alert of another name stays as it is. Two rounds at the same
        time are one after the other.
        """
        lost = create_missing_tables(self.engine)
        with locked_transaction(self.engine) as connection:
            now = self.clock()
            connection.execute(sa.update(rounds).values(at=now))
            known = {each.cause: each for each in read_alerts(connection, alerts.c.resolved_at.is_(None))}
            groups = groups_of([*problems, *problems_of_lost_tables(lost)], known)
            for cause, group in groups.items():
                self._note_found(connection, group, known.get(cause), now)
            for alert in known.values():
                if alert.cause not in groups and alert.name in looked_for:
                    self._note_gone(connection, alert, now)
            self._repeat_open_alerts(connection, now, is_outbox_lost=messages.name in lost)

    def count_resolved(self, before: datetime) -> dict[str, int]:
        """How many rows `delete_resolved` would delete, by table."""
        with transaction(self.engine) as connection:
            return count_resolved(connection, before)

    def delete_resolved(self, before: datetime) -> dict[str, int]:
        """Delete alerts that were resolved, and messages that were decided, before that time; the rows by table."""
        with transaction(self.engine) as connection:
            return delete_resolved(connection, before)

    def _note_found(self, connection: sa.Connection, group: ProblemGroup, alert: Alert | None, now: datetime) -> None:
        alert = alert or _resolved_lately(connection, group.problem.cause, now)
        if alert is None:
            alert = new_alert(group, now)
            connection.execute(sa.insert(alerts).values(**row_of(alert)))
            write_messages(connection, self.channels, alert, "opened", now)
            return
        alert = opened_by_now(alert, now)
        severity = severity_now(group.problem, alert, now)
        is_worse = severity != alert.severity and worse(severity, alert.severity) == severity
        event: Event | None = "escalated" if is_worse else None
        changes = {
            "opened_at": alert.opened_at,
            "severity": severity,
            "last_seen_at": now,
            "gone_at": None,
            **seen_again(group, alert),
        }
        if alert.silenced_at and is_future(alert.silenced_at, now):
            changes |= dict.fromkeys(SILENCE)
            event = event or "still-open"
        elif alert.silenced_at and not alert.is_silenced(now) and not alert.has_silence_ended:
            event = event or "still-open"  # the silence is kept: it goes on where only the clock was ahead
        if not alert.is_open:
            changes |= {**opened_again(alert), "times_reopened": alert.times_reopened + 1}
            event = "reopened"
        self._change(connection, alert, event, changes)

    def _note_gone(self, connection: sa.Connection, alert: Alert, now: datetime) -> None:
        gone_at = min(alert.gone_at or now, now)
        if now - gone_at >= hold_of(alert):
            changes = {"opened_at": opened_by_now(alert, now).opened_at, **resolved_values(now, None, BY_ITSELF)}
            self._change(connection, alert, "resolved", changes)
        elif gone_at != alert.gone_at:
            self._change(connection, alert, None, {"gone_at": gone_at})

    def _repeat_open_alerts(self, connection: sa.Connection, now: datetime, *, is_outbox_lost: bool) -> None:
        """Write messages again that a channel forgets, or that were lost with the outbox."""
        still_open = read_alerts(connection, alerts.c.resolved_at.is_(None))
        for channel in self.channels:
            for alert in still_open if is_outbox_lost else forgotten_alerts(connection, channel, still_open, now):
                write_messages(connection, [channel], alert, "still-open", now)

    def _change(
        self, connection: sa.Connection, alert: Alert, event: Event | None, changes: Mapping[str, Any]
    ) -> Alert:
        """Store changes of an alert, and the messages about them, within the transaction."""
        connection.execute(sa.update(alerts).where(alerts.c.alert_id == alert.alert_id).values(**changes))
        (stored,) = read_alerts(connection, alerts.c.alert_id == alert.alert_id)
        if event:
            write_messages(connection, self.channels, stored, event, self.clock(), alert.severity)
        return stored

    def open_alerts(self) -> list[Alert]:
        """The alerts that are not resolved, the most severe first."""
        with transaction(self.engine) as connection:
            return most_severe_first(read_alerts(connection, alerts.c.resolved_at.is_(None)))

    def all_alerts(self) -> list[Alert]:
        """All alerts that are kept: the open ones, the most severe first, then the resolved, newest first."""
        with transaction(self.engine) as connection:
            found_alerts = read_alerts(connection, sa.true())
        resolved = sorted(
            (alert for alert in found_alerts if alert.resolved_at), key=lambda alert: alert.opened_at, reverse=True
        )
        return [*most_severe_first(alert for alert in found_alerts if alert.is_open), *resolved]

    def last_round_at(self) -> datetime | None:
        """When the last round was made; None where none was."""
        with transaction(self.engine) as connection:
            at = connection.execute(sa.select(rounds.c.at)).scalar()
        return in_utc(at) if at else None

    def find(self, alert_id: str) -> Alert:
        """One alert; NotFound where there is none."""
        with transaction(self.engine) as connection:
            return _one(connection, alert_id)

    def find_open(self, alert_id: str) -> Alert:
        """One alert that is open; NotFound where there is none, UsageError where it is resolved."""
        return _require_open(self.find(alert_id))

    def acknowledge(self, alert_id: str, actor: str) -> Alert:
        """Somebody works on it: it is not escalated any more."""
        return self._change_by_person(alert_id, lambda now: {"acknowledged_at": now, "acknowledged_by": actor})

    def silence(self, alert_id: str, duration: timedelta, actor: str, reason: str) -> Alert:
        """Send nothing about it for that time. If its cause is still there then, a message says so."""
        return self._change_by_person(
            alert_id,
            lambda now: {
                "silenced_at": now,
                "silenced_until": now + duration,
                "silenced_by": actor,
                "silenced_because": shortened(reason),
            },
        )

    def resolve(self, alert_id: str, actor: str, reason: str, *, is_expected: bool = False) -> Alert:
        """End it; the next round opens it again if its cause is still there.

        `is_expected`: the anomaly that it is about is the new usual level, which `expected_anomalies` returns.
        UsageError for an alert that is not about an anomaly.
        """
        with locked_transaction(self.engine) as connection:
            now, alert = self.clock(), _require_open(_one(connection, alert_id))
            if is_expected:
                write_expected_anomaly(connection, alert, now, actor, reason)
            return self._change(connection, alert, "resolved", resolved_values(now, actor, shortened(reason)))

    def write_test(self, severity: Severity) -> Alert:
        """Put a test message for each channel into the outbox. Its alert is not stored."""
        with locked_transaction(self.engine) as connection:
            now = self.clock()
            alert = replace(new_alert(ProblemGroup(TEST, 1), now), cause="test", severity=severity)
            write_messages(connection, self.channels, alert, "test", now)
        return alert

    def _change_by_person(self, alert_id: str, changes: Callable[[datetime], Mapping[str, Any]]) -> Alert:
        with locked_transaction(self.engine) as connection:
            return self._change(connection, _require_open(_one(connection, alert_id)), None, changes(self.clock()))


def open_alerts(ledger_url: str) -> list[Alert]:
    """The open alerts, the most severe first. A ledger that does not exist is not created: then there are none.

    Raises StorageError where the ledger cannot be read.
    """
    if not database_exists(ledger_url):
        return []
    store = AlertStore(ledger_url, [])
    try:
        return store.open_alerts()
    finally:
        store.engine.dispose()


def most_severe_first(found_alerts: Iterable[Alert]) -> list[Alert]:
    """The alerts by severity, and of one severity in the order in which they are given."""
    return sorted(found_alerts, key=lambda alert: SEVERITIES.index(alert.severity))


def _resolved_lately(connection: sa.Connection, cause: str, now: datetime) -> Alert | None:
    """The newest alert of a cause, if it was resolved so lately that it opens again."""
    is_recent = alerts.c.resolved_at > now - REOPENED_WITHIN
    found_alerts = read_alerts(connection, (alerts.c.cause == cause) & is_recent)
    return found_alerts[-1] if found_alerts else None


def _one(connection: sa.Connection, alert_id: str) -> Alert:
    found_alerts = read_alerts(connection, alerts.c.alert_id == alert_id)
    if not found_alerts:
        raise no_such_alert(alert_id)
    return found_alerts[0]


def no_such_alert(alert_id: str) -> NotFound:
    listed = named_command("alerts", "list", "--all")
    return NotFound(f"there is no alert {alert_id!r}: `{listed}` shows those of the last 90 days")


def _require_open(alert: Alert) -> Alert:
    if not alert.is_open:
        raise UsageError(f"alert {alert.alert_id} is resolved already: {alert.resolved_because}")
    return alert
