"""`sync-platform sync`, `unify` and `backfill`: the commands and their options."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from sync_platform.cli.options import AsJson, Platforms
from sync_platform.errors import UsageError


class ModeOption(StrEnum):
    full = "full"
    incremental = "incremental"


def sync(
    platforms: Platforms = None,
    partition: Annotated[
        str | None,
        typer.Option(
            help="The period: a month (2026-11), or for a weekly platform any day of the week (2026-11-16). "
            "The current period if not given."
        ),
    ] = None,
    mode: Annotated[
        ModeOption,
        typer.Option(help="full: fetch everything. incremental: only what changed, where the platform offers that."),
    ] = ModeOption.full,
    accept_shrink: Annotated[
        str | None,
        typer.Option(
            metavar="REASON",
            help="Let a complete list retire more rows than the tolerance. The reason is stored with the sync.",
        ),
    ] = None,
    with_unify: Annotated[
        bool, typer.Option("--unify/--no-unify", help="Update the unified restaurants after the sync, or do not.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Fetch platforms, store their records in the lake, and update the unified restaurants.

    Exit code: 0 if every platform is complete (also with gaps within GAP_TOLERANCE), 1 if one is degraded or failed,
    2 for bad usage.
    """
    from sync_platform.cli.syncing.sync import sync_platforms

    reason = (accept_shrink or "").strip()
    if accept_shrink is not None and not reason:
        raise UsageError('--accept-shrink needs a reason, such as "half of the restaurants closed"')
    raise typer.Exit(
        sync_platforms(platforms or [], partition, mode.value, reason, with_unify=with_unify, as_json=as_json)
    )


def unify(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Match all listings again, not only the changed ones.")
    ] = False,
    new_model: Annotated[
        bool, typer.Option("--new-model", help="Estimate a new matching model, and match all listings with it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make one record per real restaurant from the listings of all platforms. `sync` also does this after changes.

    Exit code: 0 if it succeeded, 1 if it failed.
    """
    from sync_platform.cli.syncing.unify import unify_now

    raise typer.Exit(unify_now(rebuild=rebuild, new_model=new_model, as_json=as_json))


def backfill(
    platform: Annotated[str, typer.Argument(help="The platform to backfill.")],
    first: Annotated[str, typer.Option("--from", help="The first period: a month (2024-11) or a day (2024-11-04).")],
    last: Annotated[
        str | None,
        typer.Option("--to", help="The last period: a month or a day. The current period if not given."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again/--no-again", help="Also sync periods that are already complete, or skip them.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Sync every past period of a platform that is not complete yet, earliest first. Run again, it resumes.

    Exit code: 0 if every period is complete at the end, 1 if one is degraded or failed, 2 for bad usage.
    """
    from sync_platform.cli.syncing.backfill import backfill_platform

    raise typer.Exit(backfill_platform(platform, first, last, again=again, as_json=as_json))
