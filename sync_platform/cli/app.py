"""`sync-platform`: the commands and their options, and the one place where an error becomes a message and an exit code.

Commands import what they need when they run, so that `--help` is quick and a query does not load Dagster.
"""

from __future__ import annotations

import errno
import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

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


class FirstUnlessNamed(TyperGroup):
    """A group whose first command needs no name: `emergency PLATFORM…` makes a request, `match FILE…` matches files."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        return super().parse_args(ctx, args if args and args[0] in self.commands else [self._first, *args])

    def resolve_command(self, ctx: typer.Context, args: list[str]) -> Any:  # type: ignore[override]
        name, command, rest = super().resolve_command(ctx, args)
        return "" if name == self._first else name, command, rest

    @property
    def _first(self) -> str:
        return next(iter(self.commands))


emergency_app = typer.Typer(cls=FirstUnlessNamed, help="Sync platforms out of turn, now, and on record.")
app.add_typer(emergency_app, name="emergency")


match_app = typer.Typer(cls=FirstUnlessNamed, help="Which listings are one place: in files, and people's word on it.")
app.add_typer(match_app, name="match")

quarantine_app = typer.Typer(help="Records that could not be stored: what is wrong with each, and where it is landed.")
app.add_typer(quarantine_app, name="quarantine")


lineage_app = typer.Typer(help="From any value to its origin; proof that nobody has rewritten history.")
app.add_typer(lineage_app, name="lineage")

report_app = typer.Typer(help="Reports for people outside: what was done in a span of time, and whether it was right.")
app.add_typer(report_app, name="report")


class PriorityOption(StrEnum):
    low = "low"
    medium = "medium"
    high = "high"
    critical = "critical"


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


@emergency_app.command("request", hidden=True)
def emergency(
    platforms: Annotated[list[str] | None, typer.Argument(help="Platforms to sync; all when none is named.")] = None,
    reason: Annotated[str, typer.Option(help="Why it cannot wait; stands in every record of it.")] = ...,  # type: ignore[assignment]
    priority: Annotated[
        PriorityOption, typer.Option(help="Before which other runs it is launched.")
    ] = PriorityOption.high,
    requester: Annotated[str, typer.Option(metavar="NAME", help="Who asks; the system's user if not given.")] = "",
    key: Annotated[
        str | None, typer.Option(help="Asked again under the same key, it is the same request, for ever.")
    ] = None,
    now: Annotated[
        bool, typer.Option("--now", help="Run it in this process, where no daemon has launched it.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """Request a sync out of turn: Dagster's sensor launches it, before all runs of lower priority.

    The same platforms requested again, while that is open, join it. `sync-platform emergency status [ID]` tells how
    far it is. Exit code: 0 if it is requested (with --now: complete), 1 if it ended degraded or failed, 2 for bad
    usage.
    """
    from sync_platform.cli.emergency import request_emergency

    raise typer.Exit(
        request_emergency(platforms or [], reason, priority.value, requester, key, now=now, as_json=as_json)
    )


@emergency_app.command("status")
def emergency_status(
    request_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="The request; the newest if none.")] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """The report of an emergency request, or a list of the newest.

    Exit code: 0 if it is open or complete, 1 if it ended degraded or failed, 2 if there is none.
    """
    from sync_platform.cli.emergency import show_status

    raise typer.Exit(show_status(request_id, as_json=as_json))


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


@quarantine_app.command("list")
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


@quarantine_app.command("show")
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


@quarantine_app.command("retry")
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


@lineage_app.command("verify")
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


@lineage_app.command("anchor")
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


class StoryFormat(StrEnum):
    text = "text"
    json = "json"
    csv = "csv"
    html = "html"


class ExportFormat(StrEnum):
    csv = "csv"
    json = "json"


@lineage_app.command("show")
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


@lineage_app.command("export")
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


@lineage_app.command("openlineage")
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


@report_app.command("compliance")
def report_compliance(
    first: Annotated[
        str, typer.Option("--from", metavar="DAY", help="First day of the span, in Hong Kong; or a moment.")
    ],
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="Last day of it; or a moment.")],
    as_html: Annotated[bool, typer.Option("--html", help="One HTML page, made to be printed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
    landing: Annotated[bool, typer.Option("--landing", help="Also hash every landed object again.")] = False,
    out: Annotated[str, typer.Option(metavar="FILE", help="Where it goes; `-` is standard output.")] = "-",
) -> None:
    """The compliance report of a span: terms, changes, quality, personal data, retention, proof, who did what.

    It verifies the chains as `lineage verify` does, and the audit log has it. Exit code: 0 only if every obligation
    that was checked is met, 1 if one is not, 2 for bad usage.
    """
    from sync_platform.cli.report import report_compliance as write_report

    if as_html and as_json:
        raise UsageError("--html and --json: one of the two")
    form = "html" if as_html else "json" if as_json else "text"
    raise typer.Exit(write_report(first, last, out, form, hash_landing=landing))


@match_app.command("files", hidden=True)
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


@match_app.command("decide")
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


@match_app.command("review")
def match_review(
    limit: Annotated[int, typer.Option(help="At most so many pairs.", min=1)] = 5,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """Pairs of listings worth a person's look, side by side with the evidence; the least clear first."""
    from sync_platform.cli.decisions import show_review

    raise typer.Exit(show_review(limit, as_json=as_json))


@match_app.command("decisions")
def match_decisions(
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON document on standard output, nothing else.")
    ] = False,
) -> None:
    """What people have decided, newest first."""
    from sync_platform.cli.decisions import list_decisions

    raise typer.Exit(list_decisions(as_json=as_json))


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
