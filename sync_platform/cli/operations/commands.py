"""The commands that operate an installation, and their options."""

from __future__ import annotations

import sys
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sync_platform.cli.options import AsJson, AsJsonFormat, AsOf, ToFile, one_format
from sync_platform.errors import UsageError
from sync_platform.sandbox.faults import FAULTS
from sync_platform.server.processes.server_part import ServerPart

FAULT_HELP = (
    "You can add to a fault: =VALUE, @NTH (begin at the Nth request), *TIMES (how often), and ~TEXT (only in addresses "
    f"that contain TEXT). The faults of all platforms: {', '.join(FAULTS)}; a platform has more of its own."
)


class OutputFormat(StrEnum):
    table = "table"
    csv = "csv"
    json = "json"
    parquet = "parquet"


def maintain(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing, and list what would be done.")] = False,
    as_json: AsJson = False,
) -> None:
    """Merge files, expire snapshots, delete what is not needed, and prove that the content of the lake is unchanged.

    Exit code: 0 if it succeeded, 1 if it failed or another process holds the lease on the stored data.
    """
    from sync_platform.cli.operations.maintain import maintain_or_plan

    raise typer.Exit(maintain_or_plan(dry_run=dry_run, as_json=as_json))


def migrate(
    check: Annotated[bool, typer.Option("--check", help="Change nothing, and compare the versions.")] = False,
    as_json: AsJson = False,
) -> None:
    """Bring the ledger, the vault, the lake and Dagster's records to the versions of this program.

    Other commands do so for what they use; after an update, this does it for everything at once. What a newer version
    made is refused. Exit code: 0 if everything is up to date, else 1.
    """
    from sync_platform.cli.operations.migrate import migrate as migrate_or_check

    raise typer.Exit(migrate_or_check(is_check=check, as_json=as_json))


def query(
    sql: Annotated[str, typer.Argument(help="One SELECT statement (DuckDB's SQL); `-` reads it from standard input.")],
    form: Annotated[
        OutputFormat | None,
        typer.Option("--format", help="The format of the rows; if not given, by the ending of FILE, else a table."),
    ] = None,
    as_of: AsOf = None,
    out: ToFile = "-",
    unseal: Annotated[
        bool,
        typer.Option(
            "--unseal", help="Show personal values in clear, of at most 1,000 rows: for the roles unsealer and admin."
        ),
    ] = False,
    reason: Annotated[str, typer.Option(help="Why personal values are unsealed; it is on record.")] = "",
    as_json: AsJsonFormat = False,
) -> None:
    """Query the lake, read-only: PLATFORM.DATASET, lineage.changes, sync.runs, and all others of `tables`."""
    from sync_platform.cli.operations.query import answer
    from sync_platform.cli.operations.unsealed_rows import UnsealedRows

    chosen = one_format(form, OutputFormat.json if as_json else None) or _format_of(out)
    if reason and not unseal:
        raise UsageError("--reason goes with --unseal")
    unsealed = UnsealedRows.asked(reason, out, chosen.value) if unseal else None
    answer(_standard_input() if sql == "-" else sql, chosen.value, as_of, out, unsealed)


def attach(out: ToFile = "-") -> None:
    """Write the SQL with which any DuckDB (shell, Python, BI tool) reads the lake, read-only and without the network.

    Run it first in each connection. DuckDB must be of the same version as here: docs/sql.md has the lines.
    """
    from sync_platform.cli.operations.attach import write_statements

    raise typer.Exit(write_statements(out))


def tables(
    name: Annotated[
        str | None, typer.Argument(help="A table, such as unified.restaurants, or a schema; all if not given.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the tables of the lake with their rows and meaning, or the columns of one table."""
    from sync_platform.cli.operations.tables import show_tables

    raise typer.Exit(show_tables(name, as_json=as_json))


def status(as_json: AsJson = False) -> None:
    """Show what runs now, what runs next and when, whether Dagster's daemon is up, and how the last syncs ended."""
    from sync_platform.cli.operations.installation_status import show_status

    raise typer.Exit(show_status(as_json=as_json))


def audit(
    since: Annotated[
        str | None, typer.Option(metavar="TIMESTAMP", help="Begin with this day in Hong Kong, or this moment.")
    ] = None,
    operation: Annotated[str | None, typer.Option(help="Show only this operation, such as sync.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the audit log: who did what, through which interface, and how it ended.

    Exit code: 0, or 1 if the log does not go back to the first commit of the lake, because the ledger was lost.
    """
    from sync_platform.cli.operations.audit import show_audit

    raise typer.Exit(show_audit(since, operation, as_json=as_json))


def platforms(as_json: AsJson = False) -> None:
    """Show the platforms: cadence, priority, terms, settings, and the last sync."""
    from sync_platform.cli.operations.platforms import show_platforms

    raise typer.Exit(show_platforms(as_json=as_json))


def sandbox(
    port: Annotated[int, typer.Option(help="The port to listen on; 0 takes a free one.")] = 8852,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    places: Annotated[int | None, typer.Option(help="The places of the invented city. [SANDBOX_PLACES]")] = None,
    seed: Annotated[int | None, typer.Option(help="The seed of the invented city. [SANDBOX_SEED]")] = None,
    today: Annotated[
        str | None,
        typer.Option(help="The date of the invented city, YYYY-MM-DD; today if not given. [SANDBOX_TODAY]"),
    ] = None,
    fault: Annotated[
        list[str] | None,
        typer.Option(help=f"A fault to simulate, platform:fault, such as chope:500; may be repeated. {FAULT_HELP}"),
    ] = None,
    ground_truth: Annotated[
        Path | None,
        typer.Option(help="Write the true place of every listing to this .csv or .parquet file, and end."),
    ] = None,
) -> None:
    """Serve all platforms from one invented Hong Kong."""
    from sync_platform.cli.operations.sandbox import serve_sandbox

    serve_sandbox(host, port, places, seed, _day(today), fault or [], ground_truth)


def serve(
    address: Annotated[
        str | None, typer.Option(help="The address to listen on, instead of SERVE_ADDRESS (loopback).")
    ] = None,
    port: Annotated[
        int | None, typer.Option(min=1, max=65_535, help="The port to listen on, instead of SERVE_PORT (3000).")
    ] = None,
    only: Annotated[
        ServerPart | None,
        typer.Option(help="Start only this part; the others run elsewhere, with the code server at CODE_SERVER."),
    ] = None,
) -> None:
    """Serve the Dagster UI, GraphQL, the API and metrics behind one login, with Dagster's daemon and code server.

    Shows a link that logs you in once; with --only there is none (`user link` makes one).

    Exit code: 0 if you ended it, 1 if a process of Dagster could not be kept running.
    """
    from sync_platform.cli.operations.serve import serve_all
    from sync_platform.cli.operations.serve_part import serve_part

    raise typer.Exit(serve_part(only, address, port) if only else serve_all(address, port))


def _standard_input() -> str:
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise UsageError(f"standard input is not UTF-8: {error.reason} at byte {error.start:,}") from None


def _format_of(out: str) -> OutputFormat:
    """The format that the ending of a file names; a table for any other."""
    ending = Path(out).suffix.removeprefix(".")
    return OutputFormat(ending) if ending in list(OutputFormat) else OutputFormat.table


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--today {text!r} is not a day such as 2026-11-24") from None
