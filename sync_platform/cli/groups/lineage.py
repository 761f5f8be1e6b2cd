"""`sync-platform lineage …`: the commands and their options."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

lineage_commands = typer.Typer(help="From any value to its origin; proof that nobody has rewritten history.")


class StoryFormat(StrEnum):
    text = "text"
    json = "json"
    csv = "csv"
    html = "html"


class ExportFormat(StrEnum):
    csv = "csv"
    json = "json"


@lineage_commands.command("verify")
def lineage_verify(
    anchor: Annotated[
        str | None, typer.Option(metavar="FILE|URL", help="Hold the chains against this anchor too.")
    ] = None,
    landing: Annotated[bool, typer.Option("--landing", help="Also hash every landed object again.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """Compute both hash chains again, hold every table against its history, and name the first place that breaks.

    Exit code: 0 only if everything holds, 1 if anything does not.
    """
    from sync_platform.cli.lineage import verify_lineage

    raise typer.Exit(verify_lineage(anchor, landing=landing, as_json=as_json))


@lineage_commands.command("anchor")
def lineage_anchor(
    to: Annotated[
        str | None, typer.Option(metavar="URL", help="A store (file:// or s3://) instead of the one of backups.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """Sign how far both hash chains have come, and keep that outside, where `lineage verify` looks for it."""
    from sync_platform.cli.lineage import anchor_lineage

    raise typer.Exit(anchor_lineage(to, as_json=as_json))


@lineage_commands.command("show")
def lineage_show(
    subject: Annotated[
        list[str], typer.Argument(metavar="SUBJECT", help="`restaurant rest-…`, or `PLATFORM DATASET ID` for a record.")
    ],
    field: Annotated[str | None, typer.Option(help="Only this field, such as name_en.")] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="TIMESTAMP",
            help="As it was known at a moment (2026-11-24T18:00:00+08:00), or at a day's end in Hong Kong.",
        ),
    ] = None,
    form: Annotated[StoryFormat, typer.Option("--format", help="How the story is written.")] = StoryFormat.text,
) -> None:
    """The story of a restaurant or a record: every change, when, by which run, by whose word, and where it is landed.

    Exit code: 0 if there is one, 2 if there is none.
    """
    from sync_platform.cli.story import show_story

    raise typer.Exit(show_story(subject, field, as_of, form.value))


@lineage_commands.command("export")
def lineage_export(
    first: Annotated[
        str | None, typer.Option("--from", metavar="TIMESTAMP", help="From this day in Hong Kong, or moment, on.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="TIMESTAMP", help="Up to this day's end, or moment.")
    ] = None,
    platform: Annotated[str | None, typer.Option(help="Only this platform, or `unified`.")] = None,
    out: Annotated[str, typer.Option(metavar="FILE", help="Where it goes; `-` is standard output.")] = "-",
    form: Annotated[ExportFormat, typer.Option("--format", help="How changes are written.")] = ExportFormat.csv,
) -> None:
    """The compliance export: every change committed in a span, with where it is landed and what it came on.

    Exit code: 0 if it is written whole.
    """
    from sync_platform.cli.export import export_lineage

    raise typer.Exit(export_lineage(first, last, platform, out, form.value))


@lineage_commands.command("openlineage")
def lineage_openlineage(
    first: Annotated[
        str | None, typer.Option("--from", metavar="TIMESTAMP", help="From this day in Hong Kong, or moment, on.")
    ] = None,
    last: Annotated[
        str | None, typer.Option("--to", metavar="TIMESTAMP", help="Up to this day's end, or moment.")
    ] = None,
    platform: Annotated[str | None, typer.Option(help="Only this platform, or `unified`.")] = None,
    out: Annotated[
        str,
        typer.Option(metavar="FILE|URL", help="Where events go: a file, or an HTTP endpoint; `-`: standard output."),
    ] = "-",
) -> None:
    """Runs and datasets as OpenLineage events (2-0-2), a line each.

    Exit code: 0 if all are written, or taken by the endpoint.
    """
    from sync_platform.cli.openlineage import export_runs

    raise typer.Exit(export_runs(first, last, platform, out))
