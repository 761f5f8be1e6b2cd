"""`sync-platform alerts show`: everything that is known of one alert."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.monitoring.alerts_list import coloured_severity
from sync_platform.cli.next_steps import write_next_steps
from sync_platform.cli.output import Terminal, console, line, styled, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_time
from sync_platform.documents.typed_command import typed
from sync_platform.monitoring.alert import Alert, subjects_in_words
from sync_platform.monitoring.alert_channels import channel_names
from sync_platform.monitoring.alert_outbox import StoredMessage, messages_about
from sync_platform.monitoring.alert_store import AlertStore, no_such_alert
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.relational import database_exists

COLUMNS = ("event", "channel", "decided", "sent", "attempts", "error")


def show_alert(alert_id: str, *, as_json: bool) -> int:
    """Show one alert and its messages; 0. UsageError where there is none."""
    settings, now = load_settings(), datetime.now(UTC)
    store = existing_store(settings, alert_id)
    alert, messages = store.find(alert_id), messages_about(store, alert_id)
    if as_json:
        write_json({"alert": alert.document(now), "messages": [asdict(message) for message in messages]})
    else:
        _show(console(), alert, messages, now)
    return OK


def existing_store(settings: Settings, alert_id: str) -> AlertStore:
    """The store of alerts; UsageError where there is no ledger, and so no such alert."""
    if not database_exists(settings.ledger_url):
        raise no_such_alert(alert_id)
    return AlertStore(settings.ledger_url, channel_names(settings))


def _show(terminal: Terminal, alert: Alert, messages: Sequence[StoredMessage], now: datetime) -> None:
    title = line(
        "alert ", styled(alert.alert_id, "bold"), " (", alert.name, ", ", coloured_severity(alert.severity), ")"
    )
    terminal.print(title)
    for name, value in _facts(alert, now):
        terminal.print(f"{name}: {value}", soft_wrap=True)
    terminal.print_table(_table(messages))
    if alert.is_open:
        steps = [typed(*alert.command)]
        steps += [] if alert.acknowledged_at else [typed("alerts", "ack", alert.alert_id)]
        write_next_steps(steps)


def _facts(alert: Alert, now: datetime) -> Iterator[tuple[str, str]]:
    yield "what", alert.what
    yield "concerns", subjects_in_words(alert.subjects, alert.subjects_in_all) or "the installation"
    yield "effect", alert.effect
    yield "what to do", alert.action
    yield "command", typed(*alert.command)
    yield "state", alert.state(now)
    seen = f"last seen {local_time(alert.last_seen_at)}, problems found: {alert.times_seen:,}"
    reopened = f", reopened {alert.times_reopened} times" if alert.times_reopened else ""
    yield "since", f"{local_time(alert.opened_at)}, {seen}{reopened}"
    if alert.gone_at and alert.is_open:
        yield "cause gone since", local_time(alert.gone_at)
    if alert.acknowledged_at:
        yield "acknowledged", f"{local_time(alert.acknowledged_at)} by {alert.acknowledged_by}"
    if alert.is_open and alert.silenced_until and alert.is_silenced(now):
        yield "silenced until", f"{local_time(alert.silenced_until)} by {alert.silenced_by}: {alert.silenced_because}"
    if alert.resolved_at:
        by = f" by {alert.resolved_by}" if alert.resolved_by else ""
        yield "resolved", f"{local_time(alert.resolved_at)}{by}: {alert.resolved_because}"


def _table(messages: Sequence[StoredMessage]) -> FittedTable:
    table = FittedTable(COLUMNS, numbers=("attempts",), unbroken=("decided", "sent"), optional=("decided", "attempts"))
    for message in messages:
        sent = local_time(message.sent_at) if message.sent_at else "waits"
        table.add_row(
            message.event,
            message.channel,
            local_time(message.decided_at),
            sent,
            str(message.attempts),
            message.error or "",
        )
    return table
