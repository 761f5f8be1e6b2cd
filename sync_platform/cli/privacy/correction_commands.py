"""`sync-platform privacy correct` and `privacy corrections`: the commands and their options."""

from __future__ import annotations

from typing import Annotated

import typer

from sync_platform.cli.options import AsJson


def correct(
    request: Annotated[int, typer.Argument(metavar="N", min=1, help="The request for a correction.")],
    platform: Annotated[str, typer.Argument(metavar="PLATFORM", help="The platform of the record.")],
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="Its dataset.")],
    record: Annotated[str, typer.Argument(metavar="RECORD", help="Its source_id.")],
    column: Annotated[str, typer.Argument(metavar="COLUMN", help="The column with the wrong value.")],
    value: Annotated[str, typer.Option(help="The right value; `-` reads one line of standard input.")],
    as_json: AsJson = False,
) -> None:
    """Correct one value of a person's record. It holds until the platform shows the right value itself.

    The right value is sealed where the wrong one is. `privacy requests lift` ends it. Exit code: 0, or 2 if the value
    cannot be corrected.
    """
    from sync_platform.cli.privacy.correct import correct_value

    raise typer.Exit(correct_value(request, platform, dataset, record, column, value, as_json=as_json))


def corrections(as_json: AsJson = False) -> None:
    """List every corrected value: applied, passed on (the platform shows it itself), or lifted.

    Exit code: 0.
    """
    from sync_platform.cli.privacy.correct import list_corrections

    raise typer.Exit(list_corrections(as_json=as_json))
