"""`sync-platform quarantine …`: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

quarantine_commands = typer.Typer(
    help="Records that could not be stored: what is wrong with each, and where it is landed."
)


@quarantine_commands.command("list")
def quarantine_list(
    platform: Annotated[str | None, typer.Argument(help="One platform; all when none is named.")] = None,
    dataset: Annotated[str | None, typer.Argument(help="One dataset of it.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Also those that are settled: stored, or seen again.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """The records in quarantine, newest first."""
    from sync_platform.cli.quarantine import list_entries

    raise typer.Exit(list_entries(platform, dataset, every=every, as_json=as_json))


@quarantine_commands.command("show")
def quarantine_show(
    platform: Annotated[str, typer.Argument(help="The platform.")],
    dataset: Annotated[str, typer.Argument(help="The dataset.")],
    source_id: Annotated[str, typer.Argument(help="The record's id, or where it is landed: OBJECT:LINE.")],
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """All that is known of one record: every rule that it breaks, its history here, and the record as it was landed.

    Exit code: 0 if it is, or was, in quarantine, 2 if it never was.
    """
    from sync_platform.cli.quarantine import show_entry

    raise typer.Exit(show_entry(platform, dataset, source_id, as_json=as_json))


@quarantine_commands.command("retry")
def quarantine_retry(
    platform: Annotated[str | None, typer.Argument(help="One platform; all when none is named.")] = None,
    dataset: Annotated[str | None, typer.Argument(help="One dataset of it.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """Take in once more, from landing, what stands in quarantine: after the rule, or the platform file, was mended.

    Exit code: 0 if nothing of it is left in quarantine, 1 if something is.
    """
    from sync_platform.cli.quarantine import retry_entries

    raise typer.Exit(retry_entries(platform, dataset, as_json=as_json))
