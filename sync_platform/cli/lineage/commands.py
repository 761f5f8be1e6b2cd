"""`sync-platform lineage …`: the commands and their options."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from sync_platform.cli.options import (
    AsJson,
    AsJsonFormat,
    AsOf,
    ExportedPlatform,
    FromMoment,
    HashLanding,
    ToFile,
    ToMoment,
    one_format,
)

lineage_commands = typer.Typer(help="Trace any value to its source, and prove that the history was not rewritten.")


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
        str | None, typer.Option(metavar="FILE|URL", help="Also compare the chains with this anchor.")
    ] = None,
    landing: HashLanding = False,
    as_json: AsJson = False,
) -> None:
    """Compute the hash chains again, compare tables with their history and files with their SHA-256; name each break.

    Exit code: 0 only if everything is consistent, 1 if anything is not.
    """
    from sync_platform.cli.lineage.verification import verify_lineage

    raise typer.Exit(verify_lineage(anchor, landing=landing, as_json=as_json))


@lineage_commands.command("anchor")
def lineage_anchor(
    to: Annotated[
        str | None,
        typer.Option(metavar="URL", help="The store of the anchor (file:// or s3://), if not the one of backups."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Sign the last links of both hash chains, and store this anchor outside the lake; `lineage verify` reads it."""
    from sync_platform.cli.lineage.verification import anchor_lineage

    raise typer.Exit(anchor_lineage(to, as_json=as_json))


@lineage_commands.command("show")
def lineage_show(
    subject: Annotated[
        list[str], typer.Argument(metavar="SUBJECT", help="`restaurant rest-…`, or `PLATFORM DATASET ID` for a record.")
    ],
    field: Annotated[str | None, typer.Option(help="Show only this field, such as name_en.")] = None,
    as_of: AsOf = None,
    form: Annotated[
        StoryFormat | None, typer.Option("--format", help="The format of the output; text if not given.")
    ] = None,
    as_json: AsJsonFormat = False,
) -> None:
    """Show the history of a restaurant or a record: every change, its time, run and source, and where it is landed.

    Exit code: 0 if there is one, 2 if there is none.
    """
    from sync_platform.cli.lineage.story import show_story

    chosen = one_format(form, StoryFormat.json if as_json else None) or StoryFormat.text
    raise typer.Exit(show_story(subject, field, as_of, chosen.value))


@lineage_commands.command("export")
def lineage_export(
    first: FromMoment = None,
    last: ToMoment = None,
    platform: ExportedPlatform = None,
    out: ToFile = "-",
    form: Annotated[
        ExportFormat | None, typer.Option("--format", help="The format of the changes; csv if not given.")
    ] = None,
    as_json: AsJsonFormat = False,
) -> None:
    """Export every change committed in a time span, with the landed page that it comes from.

    Exit code: 0 if the export is complete.
    """
    from sync_platform.cli.lineage.export import export_lineage

    chosen = one_format(form, ExportFormat.json if as_json else None) or ExportFormat.csv
    raise typer.Exit(export_lineage(first, last, platform, out, chosen.value))


@lineage_commands.command("openlineage")
def lineage_openlineage(
    first: FromMoment = None,
    last: ToMoment = None,
    platform: ExportedPlatform = None,
    out: Annotated[
        str,
        typer.Option(metavar="FILE|URL", help="The file or the HTTP endpoint for the events; `-` is standard output."),
    ] = "-",
) -> None:
    """Export runs and datasets as OpenLineage events (2-0-2), one in each line.

    Exit code: 0 if all events are written, or accepted by the endpoint.
    """
    from sync_platform.cli.lineage.openlineage import export_runs

    raise typer.Exit(export_runs(first, last, platform, out))
