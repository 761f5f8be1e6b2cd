"""`sync-platform`: the commands and their options, and the one place where an error becomes a message and an exit code.

Commands import what they need when they run, so that `--help` is quick and a query does not load Dagster.
"""

from __future__ import annotations

import errno
import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sync_platform.cli.groups.emergency import emergency_commands
from sync_platform.cli.groups.lineage import lineage_commands
from sync_platform.cli.groups.match import match_commands
from sync_platform.cli.groups.quarantine import quarantine_commands
from sync_platform.cli.groups.report import report_commands
from sync_platform.errors import SyncError, UsageError

OK, FAILED, BAD_USAGE, INTERRUPTED = 0, 1, 2, 130

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Hong Kong's restaurant data, kept in step across eight platforms, with proof.\n\n"
    "With nothing set, platforms are fetched from a built-in sandbox. State lives under SYNC_HOME (./.sync).",
)
app.add_typer(emergency_commands, name="emergency")
app.add_typer(match_commands, name="match")
app.add_typer(quarantine_commands, name="quarantine")
app.add_typer(lineage_commands, name="lineage")
app.add_typer(report_commands, name="report")


class ModeOption(StrEnum):
    full = "full"
    incremental = "incremental"


class Format(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


@app.command()
def sync(
    platforms: Annotated[list[str] | None, typer.Argument(help="Platforms to sync; all when none is named.")] = None,
    partition: Annotated[
        str | None,
        typer.Option(help="Period: a month (2026-11), or for weekly platforms any day of the week (2026-11-16)."),
    ] = None,
    mode: Annotated[
        ModeOption, typer.Option(help="full, or incremental: only what changed, where a platform can say so.")
    ] = ModeOption.full,
    accept_shrink: Annotated[
        str, typer.Option(metavar="REASON", help="Let a whole list retire more than the tolerance; kept on record.")
    ] = "",
    with_unify: Annotated[
        bool, typer.Option("--unify/--no-unify", help="Bring unified restaurants up to date after that.")
    ] = True,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """Fetch platforms, take them into the lake, and bring unified restaurants up to date.

    Exit code: 0 if every platform is complete, 1 if one is degraded or failed, 2 for bad usage.
    """
    from sync_platform.cli.sync import sync_platforms

    raise typer.Exit(
        sync_platforms(platforms or [], partition, mode.value, accept_shrink, with_unify=with_unify, as_json=as_json)
    )


@app.command()
def unify(
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Match all listings anew, not only changed ones.")] = False,
    new_model: Annotated[
        bool, typer.Option("--new-model", help="Estimate anew what evidence weighs, and match all listings by that.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """Make one record per real restaurant out of all platforms' listings; `sync` does it too when listings changed.

    Exit code: 0 if it is done, 1 if it failed.
    """
    from sync_platform.cli.unify import unify_now

    raise typer.Exit(unify_now(rebuild=rebuild, new_model=new_model, as_json=as_json))


@app.command()
def backfill(
    platform: Annotated[str, typer.Argument(help="The platform to backfill.")],
    first: Annotated[str, typer.Option("--from", help="First period: a month (2024-11) or a day (2024-11-04).")],
    last: Annotated[
        str | None, typer.Option("--to", help="Last period, likewise; the current one if not given.")
    ] = None,
    again: Annotated[bool, typer.Option(help="Also sync periods that are complete already.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """Sync every past period of a platform that is not complete yet, earliest first. Stopped, it goes on where it was.

    Exit code: 0 if every period is complete then, 1 if one is degraded or failed, 2 for bad usage.
    """
    from sync_platform.cli.backfill import backfill_platform

    raise typer.Exit(backfill_platform(platform, first, last, again=again, as_json=as_json))


@app.command()
def quality(
    platform: Annotated[str | None, typer.Argument(help="One platform; all when none is named.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
    as_html: Annotated[bool, typer.Option("--html", help="One HTML page on standard output, nothing else.")] = False,
) -> None:
    """The scorecard: per dataset the four dimensions, the overall score with its trend, and what is wrong, in words.

    Exit code: 0 if every score that was measured reaches its threshold, 1 if one does not, 2 for bad usage.
    """
    from sync_platform.cli.quality import show_scorecard

    raise typer.Exit(show_scorecard(platform, as_json=as_json, as_html=as_html))


@app.command()
def maintain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing; list what would be done.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """Keep lake and landing small: merge files, expire snapshots, delete what nothing needs. Proves the content.

    Exit code: 0 if done, 1 if it failed or another has the stored data to itself.
    """
    from sync_platform.cli.maintain import maintain_or_plan

    raise typer.Exit(maintain_or_plan(dry_run=dry_run, as_json=as_json))


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One SELECT (DuckDB's SQL); `-` reads it from standard input.")],
    form: Annotated[Format, typer.Option("--format", help="How rows are written.")] = Format.table,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="TIMESTAMP",
            help="Read tables as they were: at a moment (2026-11-24T18:00:00+08:00), or at a day's end in Hong Kong.",
        ),
    ] = None,
) -> None:
    """Ask the lake, read-only: PLATFORM.DATASET, lineage.changes, sync.runs, and what else SHOW ALL TABLES lists."""
    from sync_platform.cli.query import answer

    answer(sys.stdin.read() if sql == "-" else sql, form.value, as_of)


@app.command()
def audit(
    since: Annotated[str | None, typer.Option(metavar="TIMESTAMP", help="From this day, or moment, on.")] = None,
    operation: Annotated[str | None, typer.Option(help="Only this operation, such as sync.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """The audit log: who did what, through which door, and how it ended."""
    from sync_platform.cli.audit import show_audit

    raise typer.Exit(show_audit(since, operation, as_json=as_json))


@app.command()
def platforms() -> None:
    """The platforms: cadence, priority, terms, settings, and their last sync."""
    from sync_platform.cli.platforms import show_platforms

    show_platforms()


@app.command()
def sandbox(
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8852,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    places: Annotated[int | None, typer.Option(help="Places in the invented city. [SANDBOX_PLACES]")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the invented city. [SANDBOX_SEED]")] = None,
    today: Annotated[str | None, typer.Option(help="Its date, YYYY-MM-DD; today if not given. [SANDBOX_TODAY]")] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="A fault to play, platform:fault[=value][@nth][*times][~match]; may be repeated."),
    ] = None,
    ground_truth: Annotated[
        Path | None, typer.Option(help="Write which listing is which place to this .csv or .parquet file, and end.")
    ] = None,
) -> None:
    """Serve all eight platforms from one invented Hong Kong."""
    from sync_platform.cli.sandbox import serve_sandbox

    serve_sandbox(host, port, places, seed, _day(today), fault or [], ground_truth)


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of the Dagster UI.")] = 3000,
) -> None:
    """The Dagster UI and daemon, on loopback, over the same state as `sync`."""
    from sync_platform.cli.up import serve_dagster

    raise typer.Exit(serve_dagster(port))


def main() -> None:
    """The console script."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command; its exit code. Errors meant for people become one message on standard error."""
    try:
        app(arguments, prog_name="sync-platform")
    except SystemExit as ended:
        if _is_interruption(ended):
            return _say("interrupted; nothing is half-written", INTERRUPTED)
        return int(ended.code or OK)
    except UsageError as error:
        return _say(str(error), BAD_USAGE)
    except SyncError as error:
        return _say(str(error), FAILED)
    except OSError as error:
        return _say(_storage_message(error), FAILED)
    return OK


def _is_interruption(ended: BaseException) -> bool:
    """Whether Ctrl-C ended a command that had nothing to say of it: typer makes a silent exit of that."""
    cause = ended.__cause__ or ended.__context__
    return cause is not None and (isinstance(cause, KeyboardInterrupt) or _is_interruption(cause))


def _say(message: str, code: int) -> int:
    sys.stderr.write(f"sync-platform: {message}\n")
    return code


def _storage_message(error: OSError) -> str:
    where = f" ({error.filename})" if error.filename else ""
    if error.errno == errno.ENOSPC:
        return f"the disk is full{where}: free some space and run it again; nothing is half-written"
    return f"{error.strerror or error}{where}"


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--today {text!r} is not a day such as 2026-11-24") from None
