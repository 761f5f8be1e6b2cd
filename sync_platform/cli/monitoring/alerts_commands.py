"""`sync-platform alerts …`: the commands and their options."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from sync_platform.cli.options import AsJson

alert_commands = typer.Typer(no_args_is_help=True, help="What is wrong now, and the messages about it.")
OneAlert = Annotated[str, typer.Argument(metavar="ID", help="The alert, as `alerts list` shows it.")]


class SeverityOption(StrEnum):
    critical = "critical"
    high = "high"
    medium = "medium"
    low = "low"


@alert_commands.command("list")
def alerts_list(
    lists_all: Annotated[bool, typer.Option("--all", help="Also the resolved alerts of the last 90 days.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the open alerts, the most severe first, and messages that are not delivered yet.

    Exit code: 0, also if there are open alerts.
    """
    from sync_platform.cli.monitoring.alerts_list import list_alerts

    raise typer.Exit(list_alerts(lists_all=lists_all, as_json=as_json))


@alert_commands.command("show")
def alerts_show(alert_id: OneAlert, as_json: AsJson = False) -> None:
    """Show one alert: what is wrong, since when, the effect on the data, what to do, and its messages.

    Exit code: 0, or 2 if there is no such alert.
    """
    from sync_platform.cli.monitoring.alerts_show import show_alert

    raise typer.Exit(show_alert(alert_id, as_json=as_json))


@alert_commands.command("ack")
def alerts_ack(alert_id: OneAlert, as_json: AsJson = False) -> None:
    """Acknowledge an alert: you work on it, so it is not escalated any more.

    Exit code: 0, or 2 if there is no such open alert.
    """
    from sync_platform.cli.monitoring.alerts_change import acknowledge

    raise typer.Exit(acknowledge(alert_id, as_json=as_json))


@alert_commands.command("silence")
def alerts_silence(
    alert_id: OneAlert,
    duration: Annotated[
        str,
        typer.Option(
            "--for", metavar="TIME", help="For how long: 30m, 2h, 3d, 1w; at most 30d. It replaces an earlier silence."
        ),
    ] = ...,  # type: ignore[assignment]
    reason: Annotated[str, typer.Option(help="Why no message is needed. The audit log keeps it.")] = ...,  # type: ignore[assignment]
    as_json: AsJson = False,
) -> None:
    """Send nothing about an alert for a time. If it is still open then, a message says so.

    Exit code: 0, or 2 if there is no such open alert or the time cannot be read.
    """
    from sync_platform.cli.monitoring.alerts_change import silence

    raise typer.Exit(silence(alert_id, duration, reason, as_json=as_json))


@alert_commands.command("resolve")
def alerts_resolve(
    alert_id: OneAlert,
    reason: Annotated[str, typer.Option(help="Why it is resolved. The audit log keeps it.")] = "",
    expected: Annotated[
        bool,
        typer.Option("--expected", help="Of an anomaly: the new level is right, and is the usual one from now on."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Resolve an alert now. It opens again in the next round if its cause is still there.

    Exit code: 0, or 2 if there is no such open alert, or --expected is given for one that is no anomaly.
    """
    from sync_platform.cli.monitoring.alerts_change import resolve

    raise typer.Exit(resolve(alert_id, reason, is_expected=expected, as_json=as_json))


@alert_commands.command("test")
def alerts_test(
    severity: Annotated[
        SeverityOption,
        typer.Option(metavar="LEVEL", help="critical, high, medium or low: subscriptions can filter by it."),
    ] = SeverityOption.low,
    as_json: AsJson = False,
) -> None:
    """Send a test message to each channel of the settings, and show whether it took the message.

    Exit code: 0 if every channel took it, else 1.
    """
    from sync_platform.cli.monitoring.alerts_trial import send_test

    raise typer.Exit(send_test(severity.value, as_json=as_json))
