"""`sync-platform alerts list`: the open alerts, and the messages that are not delivered yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from rich.text import Text

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.next_steps import write_next_steps
from sync_platform.cli.output import Terminal, console, styled, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_minute
from sync_platform.documents.typed_command import typed
from sync_platform.monitoring.alert import Alert, subjects_in_words
from sync_platform.monitoring.alert_channels import channel_names
from sync_platform.monitoring.alert_outbox import OutboxState, outbox_states
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.problem import Severity
from sync_platform.settings import load_settings
from sync_platform.storage.relational import database_exists

COLUMNS = ("alert", "severity", "state", "since", "what", "concerns")
COLOURS: dict[Severity, str] = {"critical": "bold red", "high": "red", "medium": "yellow", "low": ""}


def list_alerts(*, lists_all: bool, as_json: bool) -> int:
    """Show the alerts; 0. A ledger that does not exist is not created."""
    settings, now = load_settings(), datetime.now(UTC)
    alerts: list[Alert] = []
    undelivered: list[OutboxState] = []
    last_round_at = None
    if database_exists(settings.ledger_url):
        store = AlertStore(settings.ledger_url, channel_names(settings))
        alerts = store.all_alerts() if lists_all else store.open_alerts()
        undelivered, last_round_at = outbox_states(store), store.last_round_at()
    if as_json:
        write_json(
            {
                "made_at": now,
                "last_round_at": last_round_at,
                "alerts": [alert.document(now) for alert in alerts],
                "undelivered": [asdict(state) for state in undelivered],
            }
        )
    else:
        _show(console(), alerts, undelivered, last_round_at, now)
    return OK


def coloured_severity(severity: Severity) -> Text:
    return styled(severity, COLOURS[severity])


def _show(
    terminal: Terminal,
    alerts: Sequence[Alert],
    undelivered: Sequence[OutboxState],
    last_round_at: datetime | None,
    now: datetime,
) -> None:
    if alerts:
        terminal.print_table(_table(alerts, now))
    elif last_round_at:
        terminal.print("no alert is open")
    when = f"at {local_minute(last_round_at)}" if last_round_at else "never: nothing was looked for yet"
    terminal.print(f"last round of monitoring: {when}")
    for state in undelivered:
        count = f"{state.waiting} messages wait" if state.waiting > 1 else "1 message waits"
        count += ", which it refused," if state.is_refused else ""
        reason = f" (attempt {state.attempts}: {state.error})" if state.error else ""
        terminal.print(f"{state.channel}: {count} since {local_minute(state.since)}{reason}", soft_wrap=True)
    if alerts:
        write_next_steps([typed("alerts", "show", alerts[0].alert_id)])


def _table(alerts: Sequence[Alert], now: datetime) -> FittedTable:
    table = FittedTable(COLUMNS, unbroken=("alert", "severity", "state", "since"), optional=("concerns", "since"))
    for alert in alerts:
        table.add_row(
            alert.alert_id,
            coloured_severity(alert.severity),
            alert.state(now),
            local_minute(alert.opened_at),
            alert.what,
            subjects_in_words(alert.subjects, alert.subjects_in_all),
        )
    return table
