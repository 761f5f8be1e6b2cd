"""`sync-platform match …`: the commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sync_platform.cli.groups.first import FirstUnlessNamed

match_commands = typer.Typer(
    cls=FirstUnlessNamed, help="Which listings are one place: in files, and people's word on it."
)


@match_commands.command("files", hidden=True)
def match(
    files: Annotated[
        list[Path], typer.Argument(help="Tables of listings, .csv or .parquet; docs/matching.md has the columns.")
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="Where pairs of one place go: .csv or .parquet.")],
    clusters: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where every listing goes, with the number of its place.")
    ] = None,
    review: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where pairs go that are worth a person's look.")
    ] = None,
    threshold: Annotated[float, typer.Option(help="Probability from which a pair is taken for one place.")] = 0.5,
    review_from: Annotated[float, typer.Option(help="Probability from which a pair is worth a look.")] = 0.1,
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Judge by this model (JSON), and estimate none.")
    ] = None,
    save_model: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the model goes, as JSON.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """Find out which listings of several sources are one place. A file without a column `source` is a source.

    People's word on listings in the lake: `match review`, `match decide` and `match decisions`.
    """
    from sync_platform.cli.match import Outputs, match_files
    from sync_platform.matching.clusters import Thresholds

    outputs = Outputs(out, clusters, review, save_model)
    raise typer.Exit(
        match_files(files, outputs, Thresholds(threshold, min(review_from, threshold)), model, as_json=as_json)
    )


@match_commands.command("decide")
def match_decide(
    one: Annotated[str, typer.Argument(help="A listing, PLATFORM/ID, or a restaurant, rest-….")],
    other: Annotated[str, typer.Argument(help="Another.")],
    is_same: Annotated[bool | None, typer.Option("--same/--different", help="Whether they are one place.")] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Take back what was decided on the two: evidence decides again.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why; stands in the record of the decision.")] = ...,  # type: ignore[assignment]
    by: Annotated[str, typer.Option(metavar="NAME", help="Who decides; the system's user if not given.")] = "",
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """Decide that two listings are one place, or are not. It outweighs all evidence, now and in every later run.

    Exit code: 0 if it is decided and followed, 1 if it failed, 2 for listings that there are not.
    """
    from sync_platform.cli.decisions import decide

    raise typer.Exit(decide(one, other, is_same, reason, by, withdraw=withdraw, as_json=as_json))


@match_commands.command("review")
def match_review(
    limit: Annotated[int, typer.Option(help="At most so many pairs.", min=1)] = 5,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """Pairs of listings worth a person's look, side by side with the evidence; the least clear first."""
    from sync_platform.cli.decisions import show_review

    raise typer.Exit(show_review(limit, as_json=as_json))


@match_commands.command("decisions")
def match_decisions(
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """What people have decided, newest first."""
    from sync_platform.cli.decisions import list_decisions

    raise typer.Exit(list_decisions(as_json=as_json))
