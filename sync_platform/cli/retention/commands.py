"""`sync-platform retention …`: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from sync_platform.cli.options import AsJson

retention_commands = typer.Typer(
    no_args_is_help=True, help="How long things are kept, and the deletion of what is past that."
)


@retention_commands.command("run")
def retention_run(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only show each rule, and what is due by it now.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete what is past its retention, by every rule: logs of syncs, landed pages, backups, metrics and others.

    A schedule does the same every day. The compliance report shows each deletion.
    Exit code: 0 if every rule was applied, else 1.
    """
    from sync_platform.cli.retention.retention_run import run_or_plan

    raise typer.Exit(run_or_plan(dry_run=dry_run, as_json=as_json))
