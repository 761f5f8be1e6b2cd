"""`sync-platform match …`: the commands and their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sync_platform.cli.default_command import DefaultCommandGroup
from sync_platform.cli.options import AsJson

match_commands = typer.Typer(
    cls=DefaultCommandGroup, help="Find listings of the same place in files, and decide on listings in the lake."
)


@match_commands.command("files", hidden=True)
def match(
    files: Annotated[
        list[Path],
        typer.Argument(help="Tables of listings: .csv, .json, .jsonl or .parquet. docs/matching.md has the columns."),
    ],
    out: Annotated[Path, typer.Option(metavar="FILE", help="The file for pairs of the same place, .csv or .parquet.")],
    clusters: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The file for all listings, each with the number of its place.")
    ] = None,
    review: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The file for unclear pairs that a person should review, with names, addresses and phones.",
        ),
    ] = None,
    threshold: Annotated[float, typer.Option(help="Pairs with at least this probability are the same place.")] = 0.5,
    review_from: Annotated[float, typer.Option(help="Pairs with at least this probability are for review.")] = 0.02,
    within_sources: Annotated[
        bool, typer.Option("--within-sources", help="Look for second listings within each source too.")
    ] = False,
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use the model of this JSON file, and estimate none.")
    ] = None,
    save_model: Annotated[Path | None, typer.Option(metavar="FILE", help="The file for the model, as JSON.")] = None,
    as_json: AsJson = False,
) -> None:
    """Find out which listings of several sources are the same place. A file without a column `source` is one source.

    Decisions on listings in the lake: `match review`, `match decide` and `match decisions`.
    """
    from sync_platform.cli.matching.files import Outputs, match_files
    from sync_platform.matching.thresholds import Thresholds

    outputs = Outputs(out, clusters, review, save_model)
    raise typer.Exit(
        match_files(
            files,
            outputs,
            Thresholds(threshold, min(review_from, threshold)),
            model,
            within_sources=within_sources,
            as_json=as_json,
        )
    )


@match_commands.command("decide")
def match_decide(
    one: Annotated[str, typer.Argument(help="A listing (PLATFORM/ID) or a restaurant (rest-…).")],
    other: Annotated[str, typer.Argument(help="Another listing or restaurant.")],
    is_same: Annotated[
        bool | None, typer.Option("--same/--different", help="The two are the same place, or different places.")
    ] = None,
    withdraw: Annotated[
        bool, typer.Option("--withdraw", help="Withdraw the decision on the two: the evidence decides again.")
    ] = False,
    reason: Annotated[str, typer.Option(help="Why. The decision is stored with its reason.")] = ...,  # type: ignore[assignment]
    by: Annotated[str, typer.Option(metavar="NAME", help="Who decides; the user of the system if not given.")] = "",
    as_json: AsJson = False,
) -> None:
    """Decide that two listings are the same place, or are not. The decision overrides all evidence, now and later.

    Exit code: 0 if the decision is stored and applied, 1 if that failed, 2 for unknown listings.
    """
    from sync_platform.cli.matching.decisions import decide

    raise typer.Exit(decide(one, other, is_same, reason, by, withdraw=withdraw, as_json=as_json))


@match_commands.command("review")
def match_review(
    limit: Annotated[int, typer.Option(help="The largest number of pairs to show.", min=1)] = 5,
    as_json: AsJson = False,
) -> None:
    """Show pairs of listings that a person should review, side by side with the evidence.

    First come those whose decision would change most: the chance that the two are one place, times the listings that
    would move to another restaurant. The last line estimates how many true pairs are left.
    """
    from sync_platform.cli.matching.decisions import show_review

    raise typer.Exit(show_review(limit, as_json=as_json))


@match_commands.command("decisions")
def match_decisions(as_json: AsJson = False) -> None:
    """Show the decisions of people, newest first."""
    from sync_platform.cli.matching.decisions import list_decisions

    raise typer.Exit(list_decisions(as_json=as_json))
