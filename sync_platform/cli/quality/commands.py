"""`sync-platform quality` and `quarantine …`: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from sync_platform.cli.options import AsHtml, AsJson, OneDataset, OnePlatform

quarantine_commands = typer.Typer(help="Show and retry the records that could not be stored.")


def quality(platform: OnePlatform = None, as_json: AsJson = False, as_html: AsHtml = False) -> None:
    """Show the scorecard: per dataset the four dimensions, the overall score with its trend, and the findings.

    Exit code: 0 if every measured score reaches its threshold, 1 if one does not, 2 for bad usage.
    """
    from sync_platform.cli.quality.scorecard import show_scorecard

    raise typer.Exit(show_scorecard(platform, as_json=as_json, as_html=as_html))


def check(
    names: Annotated[
        list[str] | None, typer.Argument(help="The checks to run, such as no_price; all if none is named.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run your own checks on what is stored now: the SQL files in CHECKS. Nothing is stored; every sync runs them too.

    Exit code: 0 if all pass, 1 if one fails or its file is wrong, 2 for bad usage.
    """
    from sync_platform.cli.quality.own_checks import run_checks

    raise typer.Exit(run_checks(names or [], as_json=as_json))


@quarantine_commands.command("list")
def quarantine_list(
    platform: OnePlatform = None,
    dataset: OneDataset = None,
    every: Annotated[bool, typer.Option("--all", help="Also show settled records: stored since, or replaced.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show the records in quarantine, newest first."""
    from sync_platform.cli.quality.quarantine import list_entries

    raise typer.Exit(list_entries(platform, dataset, every=every, as_json=as_json))


@quarantine_commands.command("show")
def quarantine_show(
    platform: Annotated[str, typer.Argument(help="The platform of the record.")],
    dataset: Annotated[str, typer.Argument(help="The dataset of the record.")],
    source_id: Annotated[str, typer.Argument(help="The id of the record, or where it is landed: OBJECT:LINE.")],
    as_json: AsJson = False,
) -> None:
    """Show one record: every rule that it breaks, its entries in quarantine, and the record as it was landed.

    Exit code: 0 if it is or was in quarantine, 2 if it never was.
    """
    from sync_platform.cli.quality.quarantine import show_entry

    raise typer.Exit(show_entry(platform, dataset, source_id, as_json=as_json))


@quarantine_commands.command("retry")
def quarantine_retry(
    platform: OnePlatform = None,
    dataset: OneDataset = None,
    as_json: AsJson = False,
) -> None:
    """Commit the landed records in quarantine again, after a rule or a platform file was corrected.

    Exit code: 0 if none of them is left in quarantine, 1 if one is.
    """
    from sync_platform.cli.quality.quarantine import retry_entries

    raise typer.Exit(retry_entries(platform, dataset, as_json=as_json))
