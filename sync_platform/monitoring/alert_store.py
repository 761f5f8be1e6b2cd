"""The store of alerts: tables in the ledger. One round decides what is opened, escalated and resolved.

What belongs here: decisions. A decision and the messages about it are one transaction (an outbox), so that a crash
between them loses no message. `alert_outbox` sends the messages.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import sqlalchemy as sa

from sync_platform.errors import UsageError
from sync_platform.monitoring.alert import Alert, Event, shortened
from sync_platform.monitoring.alert_grouping import ProblemGroup, groups_of
from sync_platform.monitoring.alert_message import write_messages
from sync_platform.monitoring.alert_tables import (
    alerts,
    delete_expired,
    list_text,
    locked_transaction,
    read_alerts,
    rounds,
    row_of,
    stored_subjects,
)
from sync_platform.monitoring.expected_anomaly import write_expected_anomaly
from sync_platform.monitoring.problem import SEVERITIES, Problem, ProblemName, Severity
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database, transaction

REOPENED_WITHIN = timedelta(hours=24)
"""A cause that returns within this time after its alert was resolved opens the same alert again."""
HOLDS = (timedelta(0), timedelta(hours=1), timedelta(hours=4), timedelta(hours=24))
"""How long a cause must be gone before its alert is resolved, by how often the alert was reopened."""
ESCALATED_AFTER: Mapping[Severity, tuple[timedelta, Severity]] = {
    "medium": (timedelta(hours=48), "high"),
    "high": (timedelta(hours=24), "critical"),
}
"""By the severity of its problem: the age at which an alert that nobody acknowledged becomes more severe."""
BY_ITSELF = "its cause is gone"


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
        with locked_transaction(self.engine) as connection:
            now = self.clock()
            connection.execute(sa.update(rounds).values(at=now))
            delete_expired(connection, now)
            known = {each.cause: each for each in read_alerts(connection, alerts.c.resolved_at.is_(None))}
            found = groups_of(problems, known)
            for cause, group in found.items():
                self._note_found(connection, group, known.get(cause), now)
            for alert in known.values():
                if alert.cause not in found and alert.name in looked_for:
                    self._note_gone(connection, alert, now)

    def _note_found(self, connection: sa.Connection, group: ProblemGroup, alert: Alert | None, now: datetime) -> None:
        alert = alert or _resolved_lately(connection, group.problem.cause, now)
        if alert is None:
            alert = _new_alert(group, now)
            connection.execute(sa.insert(alerts).values(**row_of(alert)))
            write_messages(connection, self.channels, alert, "opened", now)
            return
        severity = worse(alert.severity, _severity_now(group.problem, alert, now))
        event: Event | None = "escalated" if severity != alert.severity else None
        changes = {"severity": severity, "last_seen_at": now, "gone_at": None, **_seen_again(group, alert)}
        if alert.silenced_at and not alert.is_silenced(now):
            changes |= dict.fromkeys(("silenced_at", "silenced_until", "silenced_by", "silenced_because"))
            event = event or "still open"
        if not alert.is_open:
            changes |= {**_opened_again(alert), "times_reopened": alert.times_reopened + 1}
            event = "reopened"
        self._change(connection, alert, event, changes)

    def _note_gone(self, connection: sa.Connection, alert: Alert, now: datetime) -> None:
        gone_at = min(alert.gone_at or now, now)
        if now - gone_at >= HOLDS[min(alert.times_reopened, len(HOLDS) - 1)]:
            self._change(connection, alert, "resolved", _resolved(now, None, BY_ITSELF))
        elif gone_at != alert.gone_at:
            self._change(connection, alert, None, {"gone_at": gone_at})

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
        """All alerts of the last 90 days: the open ones, the most severe first, then the resolved, newest first."""
        with transaction(self.engine) as connection:
            found = read_alerts(connection, sa.true())
        resolved = sorted((each for each in found if each.resolved_at), key=lambda each: each.opened_at, reverse=True)
        return [*most_severe_first(each for each in found if each.is_open), *resolved]

    def find(self, alert_id: str) -> Alert:
        """One alert; UsageError where there is none."""
        with transaction(self.engine) as connection:
            return _one(connection, alert_id)

    def find_open(self, alert_id: str) -> Alert:
        """One alert that is open; UsageError where there is none, or where it is resolved."""
        return _require_open(self.find(alert_id))

    def acknowledge(self, alert_id: str, actor: str) -> Alert:
        """Somebody works on it: it is not escalated any more."""
        return self._change_by_person(alert_id, None, lambda now: {"acknowledged_at": now, "acknowledged_by": actor})

    def silence(self, alert_id: str, duration: timedelta, actor: str, reason: str) -> Alert:
        """Send nothing about it for that time. If its cause is still there then, a message says so."""
        return self._change_by_person(
            alert_id,
            None,
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
            return self._change(connection, alert, "resolved", _resolved(now, actor, shortened(reason)))

    def _change_by_person(
        self, alert_id: str, event: Event | None, changes: Callable[[datetime], Mapping[str, Any]]
    ) -> Alert:
        with locked_transaction(self.engine) as connection:
            return self._change(connection, _require_open(_one(connection, alert_id)), event, changes(self.clock()))


def most_severe_first(found: Iterable[Alert]) -> list[Alert]:
    """The alerts by severity, and of one severity in the order in which they are given."""
    return sorted(found, key=lambda each: SEVERITIES.index(each.severity))


def worse(one: Severity, other: Severity) -> Severity:
    """The more severe of two."""
    return min(one, other, key=SEVERITIES.index)


def _severity_now(problem: Problem, alert: Alert, now: datetime) -> Severity:
    after, severity = ESCALATED_AFTER.get(problem.severity, (timedelta.max, problem.severity))
    is_escalated = now - alert.opened_at >= after and not alert.acknowledged_at
    return severity if is_escalated else problem.severity


def _new_alert(group: ProblemGroup, now: datetime) -> Alert:
    problem = group.problem
    return Alert(
        alert_id=f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}",
        cause=problem.cause,
        severity=problem.severity,
        what=shortened(problem.what),
        effect=shortened(problem.effect),
        action=shortened(problem.action),
        command=problem.command,
        subjects=stored_subjects(problem.subjects),
        subjects_in_all=len(problem.subjects),
        times_seen=group.count,
        times_reopened=0,
        opened_at=now,
        last_seen_at=now,
    )


def _seen_again(group: ProblemGroup, alert: Alert) -> dict[str, Any]:
    """What an alert says after its cause was found again: the newest text, and those that are concerned now."""
    problem = group.problem
    texts = {name: shortened(getattr(problem, name)) for name in ("what", "effect", "action")}
    return {
        **texts,
        "command": list_text(problem.command),
        "subjects": list_text(stored_subjects(problem.subjects)),
        "subjects_in_all": len(problem.subjects),
        "times_seen": alert.times_seen + group.count,
    }


def _opened_again(alert: Alert) -> dict[str, Any]:
    ended = ("resolved_at", "resolved_by", "resolved_because", "acknowledged_at", "acknowledged_by")
    return {"open_as": alert.cause, **dict.fromkeys(ended)}


def _resolved(now: datetime, actor: str | None, reason: str) -> dict[str, Any]:
    return {"open_as": None, "resolved_at": now, "resolved_by": actor, "resolved_because": reason}


def _resolved_lately(connection: sa.Connection, cause: str, now: datetime) -> Alert | None:
    """The newest alert of a cause, if it was resolved so lately that it opens again."""
    is_recent = alerts.c.resolved_at > now - REOPENED_WITHIN
    found = read_alerts(connection, (alerts.c.cause == cause) & is_recent)
    return found[-1] if found else None


def _one(connection: sa.Connection, alert_id: str) -> Alert:
    found = read_alerts(connection, alerts.c.alert_id == alert_id)
    if not found:
        raise no_such_alert(alert_id)
    return found[0]


def no_such_alert(alert_id: str) -> UsageError:
    return UsageError(f"there is no alert {alert_id!r}: `alerts list --all` shows those of the last 90 days")


def _require_open(alert: Alert) -> Alert:
    if not alert.is_open:
        raise UsageError(f"alert {alert.alert_id} is resolved already: {alert.resolved_because}")
    return alert
