"""Options that several commands have, each declared once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, TypeVar

import typer

from sync_platform.errors import UsageError

Form = TypeVar("Form", bound=StrEnum)
AsJson = Annotated[bool, typer.Option("--json", help="Write one JSON document to standard output, and nothing else.")]
AsJsonFormat = Annotated[bool, typer.Option("--json", help="The same as `--format json`.")]
AsHtml = Annotated[bool, typer.Option("--html", help="Write one HTML page to standard output, and nothing else.")]
AsOf = Annotated[
    str | None,
    typer.Option(
        metavar="TIMESTAMP",
        help="Read the data as it was at a moment (2026-11-24T18:00:00+08:00) or at the end of a day in Hong Kong.",
    ),
]
FromMoment = Annotated[
    str | None,
    typer.Option("--from", metavar="TIMESTAMP", help="Begin with this day in Hong Kong, or this moment."),
]
ToMoment = Annotated[
    str | None, typer.Option("--to", metavar="TIMESTAMP", help="End with this day in Hong Kong, or this moment.")
]
ToFile = Annotated[str, typer.Option("--out", metavar="FILE", help="The file to write; `-` is standard output.")]
ExportedPlatform = Annotated[str | None, typer.Option("--platform", help="Export only this platform, or `unified`.")]
OnePlatform = Annotated[str | None, typer.Argument(help="One platform; all if none is named.")]
OneDataset = Annotated[str | None, typer.Argument(help="One dataset of the platform; all if none is named.")]
Platforms = Annotated[list[str] | None, typer.Argument(help="The platforms to sync; all if none is named.")]
HashLanding = Annotated[bool, typer.Option("--landing", help="Also compute the hash of every landed object again.")]


def one_format(form: Form | None, other: Form | None) -> Form | None:
    """The format that was asked for by `--format` or by `--json`; UsageError if these differ."""
    if form and other and form != other:
        raise UsageError(f"--json and --format {form}: one of the two")
    return form or other
