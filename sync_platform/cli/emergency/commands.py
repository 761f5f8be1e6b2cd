"""`sync-platform emergency …`: the commands and their options."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from sync_platform.cli.default_command import DefaultCommandGroup
from sync_platform.cli.options import AsJson, Platforms

emergency_commands = typer.Typer(cls=DefaultCommandGroup, help="Sync platforms now, before their schedule.")


class PriorityOption(StrEnum):
    low = "low"
    medium = "medium"
    high = "high"
    critical = "critical"


@emergency_commands.command("request", hidden=True)
def emergency(
    platforms: Platforms = None,
    reason: Annotated[str, typer.Option(help="Why it cannot wait. Every record of the request has the reason.")] = ...,  # type: ignore[assignment]
    priority: Annotated[
        PriorityOption,
        typer.Option(metavar="LEVEL", help="low, medium, high or critical: the higher one is launched first."),
    ] = PriorityOption.high,
    requester: Annotated[
        str, typer.Option(metavar="NAME", help="Who requests it; the user of the system if not given.")
    ] = "",
    key: Annotated[
        str | None, typer.Option(help="Idempotency key: a repeat with the same key returns the original request.")
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="Run it in this process, unless the daemon has launched it already.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Request a sync before its schedule. Dagster's sensor launches it before all runs of lower priority.

    A request for the same platforms joins the open one. `emergency status [ID]` shows its progress.
    Exit code: 0 if it is requested (with --now: complete), 1 if it ended degraded or failed, 2 for bad usage.
    """
    from sync_platform.cli.emergency.request import request_emergency

    raise typer.Exit(
        request_emergency(platforms or [], reason, priority.value, requester, key, now=now, as_json=as_json)
    )


@emergency_commands.command("status")
def emergency_status(
    request_id: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="The request; a list of the newest ones if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the report of an emergency request, or a list of the newest requests.

    Exit code: 0 if it is open or complete, 1 if it ended degraded or failed, 2 if there is no such request.
    """
    from sync_platform.cli.emergency.status import show_status

    raise typer.Exit(show_status(request_id, as_json=as_json))


@emergency_commands.command("starter")
def emergency_starter() -> None:
    """Start emergency requests within seconds of their making, until interrupted.

    It is ready to run before a request is made, which Dagster's sensor is not: that starts what no starter has started
    within ten seconds. `serve` runs one; a second one on the same ledger waits until the first ends.
    """
    from sync_platform.cli.emergency.starter import start_requests

    raise typer.Exit(start_requests())
