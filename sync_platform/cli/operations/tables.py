"""`sync-platform tables`: the tables and views of the lake with their meaning, or the columns of one."""

from __future__ import annotations

import logging
import re
from dataclasses import asdict, dataclass
from typing import Any

import duckdb

from sync_platform.cli.exit_codes import FAILED, OK
from sync_platform.cli.output import console, report_problem, write_json
from sync_platform.cli.preconditions import require_lake
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.typed_command import typed
from sync_platform.errors import StorageError, UsageError
from sync_platform.lake.history_view import ENDING, history_meanings
from sync_platform.monitoring.metrics_table import SCHEMA as METRICS_SCHEMA
from sync_platform.monitoring.metrics_table import add_metrics_table
from sync_platform.settings import load_settings
from sync_platform.storage.damaged_database import is_damage
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.unified.related_records import view_columns
from sync_platform.unified.tables import SCHEMA

DIGEST = re.compile(r" \(definition [0-9a-f]+\)$")
"""What the comment of a view ends with, for the program alone."""
REMOVED_AT = "removed_at"
"""The column of a table that keeps removed rows."""


@dataclass(frozen=True)
class TableListing:
    """A table or a view. `live`: the rows that are not removed; None for a table that removes no row."""

    name: str
    rows: int
    live: int | None
    description: str


@dataclass(frozen=True)
class ColumnListing:
    """A column of a table."""

    name: str
    type: str
    description: str


def show_tables(name: str | None, *, as_json: bool) -> int:
    """List the tables of the lake or of one schema, or the columns of `schema.table`; 0, or 1 if the ledger's metrics
    cannot be read. UsageError for other names."""
    settings = load_settings()
    require_lake(settings)
    code = OK
    with Lake(LakeAddress.of(settings), read_only=True) as lake, lake.session() as session:
        try:
            add_metrics_table(session, settings)
        except StorageError as error:  # the tables of the lake are shown whatever the ledger's state is
            report_problem(f"{error}; the metrics are left out", logging.ERROR)
            code = FAILED
        known = descriptions_of(session)
        if name in known:
            columns = columns_of_table(session, name)
            _show_columns(name, known[name], columns, as_json=as_json)
            return code
        chosen = [table for table in known if name in (None, table.partition(".")[0])]
        if not chosen:
            raise UsageError(f"the lake has no table or schema {name!r}: `{typed('tables')}` lists them")
        _show_tables([_listing(session, table, known[table]) for table in chosen], as_json=as_json)
    return code


def descriptions_of(session: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The comment of every table and view, by `schema.name`, in order of the name."""
    rows = session.execute(
        f"""SELECT schema_name || '.' || table_name, comment FROM duckdb_tables() WHERE database_name = '{LAKE}'
        UNION ALL
        SELECT schema_name || '.' || view_name, comment FROM duckdb_views() WHERE database_name = '{LAKE}'
        UNION ALL
        SELECT database_name || '.' || table_name, comment FROM duckdb_tables() WHERE database_name = '{METRICS_SCHEMA}'
        ORDER BY 1"""
    )
    return {name: DIGEST.sub("", comment or "") for name, comment in rows.fetchall()}


def columns_of_table(session: duckdb.DuckDBPyConnection, name: str) -> list[ColumnListing]:
    """The columns of `schema.name`, with their comments; the lake cannot store comments on the columns of views."""
    schema, _, table = name.partition(".")
    columns = _stored_columns(session, schema, table)
    of_view: dict[str, str] = {}
    if schema == SCHEMA:
        of_view = {column.name: column.description for column in view_columns().get(table, ())}
    elif table.endswith(ENDING):
        own = _stored_columns(session, schema, table.removesuffix(ENDING))
        of_view = history_meanings({column: comment or "" for column, _, comment in own})
    return [ColumnListing(column, kind, comment or of_view.get(column, "")) for column, kind, comment in columns]


def _stored_columns(session: duckdb.DuckDBPyConnection, schema: str, table: str) -> list[tuple[str, str, str | None]]:
    """Name, type and comment of each column, in order."""
    return session.execute(
        f"""SELECT column_name, data_type, comment FROM duckdb_columns()
        WHERE (database_name, schema_name) IN (('{LAKE}', $schema), ($schema, 'main')) AND table_name = $table
        ORDER BY column_index""",
        {"schema": schema, "table": table},
    ).fetchall()


def _listing(session: duckdb.DuckDBPyConnection, name: str, description: str) -> TableListing:
    schema, _, table = name.partition(".")
    of = f'"{schema}"."{table}"'
    rows = session.execute(f"SELECT count(*) FROM {of}").fetchall()[0][0]
    live = None
    try:
        live = session.execute(f"SELECT count(*) FROM {of} WHERE {REMOVED_AT} IS NULL").fetchall()[0][0]
    except duckdb.BinderException as error:  # the table keeps no removed rows, or the catalog is damaged
        if is_damage(error):
            raise
    return TableListing(name, rows, live, description)


def _show_tables(tables: list[TableListing], *, as_json: bool) -> None:
    if as_json:
        write_json({"tables": [asdict(table_listing) for table_listing in tables]})
        return
    terminal = console()
    table = FittedTable(("table", "rows", "live", "what it is"), numbers=("rows", "live"), optional=("live",))
    for listing in tables:
        table.add_row(
            listing.name, f"{listing.rows:,}", "" if listing.live is None else f"{listing.live:,}", listing.description
        )
    terminal.print_table(table)
    terminal.print(f"The columns of one: {typed('tables', 'SCHEMA.TABLE')}")


def _show_columns(name: str, description: str, columns: list[ColumnListing], *, as_json: bool) -> None:
    if as_json:
        document: dict[str, Any] = {"name": name, "description": description}
        write_json(document | {"columns": [asdict(column) for column in columns]})
        return
    terminal = console()
    terminal.print(f"{name}: {description}")
    table = FittedTable(("column", "type", "meaning"), optional=("type",))
    for listing in columns:
        table.add_row(listing.name, listing.type, listing.description)
    terminal.print_table(table)
