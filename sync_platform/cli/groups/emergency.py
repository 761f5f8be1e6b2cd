"""`sync-platform emergency …`: the commands and their options."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from sync_platform.cli.groups.first import FirstUnlessNamed

emergency_commands = typer.Typer(cls=FirstUnlessNamed, help="Sync platforms out of turn, now, and on record.")


class PriorityOption(StrEnum):
    low = "low"
    medium = "medium"
    high = "high"
    critical = "critical"


@emergency_commands.command("request", hidden=True)
def emergency(
    platforms: Annotated[list[str] | None, typer.Argument(help="Platforms to sync; all when none is named.")] = None,
    reason: Annotated[str, typer.Option(help="Why it cannot wait; stands in every record of it.")] = ...,  # type: ignore[assignment]
    priority: Annotated[
        PriorityOption, typer.Option(help="Before which other runs it is launched.")
    ] = PriorityOption.high,
    requester: Annotated[str, typer.Option(metavar="NAME", help="Who asks; the system's user if not given.")] = "",
    key: Annotated[
        str | None, typer.Option(help="Asked again under the same key, it is the same request, for ever.")
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="Run it in this process, where no daemon has launched it.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """Request a sync out of turn: Dagster's sensor launches it, before all runs of lower priority.

    The same platforms requested again, while that is open, join it. `sync-platform emergency status [ID]` tells how
    far it is. Exit code: 0 if it is requested (with --now: complete), 1 if it ended degraded or failed, 2 for bad
    usage.
    """
    from sync_platform.cli.emergency import request_emergency

    raise typer.Exit(
        request_emergency(platforms or [], reason, priority.value, requester, key, now=now, as_json=as_json)
    )


@emergency_commands.command("status")
def emergency_status(
    request_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="The request; the newest if none.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """The report of an emergency request, or a list of the newest.

    Exit code: 0 if it is open or complete, 1 if it ended degraded or failed, 2 if there is none.
    """
    from sync_platform.cli.emergency import show_status

    raise typer.Exit(show_status(request_id, as_json=as_json))
