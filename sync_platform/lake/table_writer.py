"""Updates a tracked table: from a difference, from computed rows, or from the replay of its history."""

from __future__ import annotations

from datetime import date, datetime

import duckdb
import polars as pl

from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.difference import Difference, find_difference, slices_of
from sync_platform.lake.history import HistoryWriter
from sync_platform.lake.incoming import IncomingRows, load_frame
from sync_platform.lake.retirement import NO_LIST, Retirement
from sync_platform.lake.tracked_table import STALE_SINCE, TrackedTable
from sync_platform.lake.versions import next_value
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.temporary_tables import TemporaryTables


def update_table(
    scratch: TemporaryTables,
    writer: HistoryWriter,
    table: TrackedTable,
    incoming: IncomingRows,
    context: CommitContext,
    retirement: Retirement = NO_LIST,
    day: date | None = None,
) -> Difference:
    """Update a table and its history with the incoming rows, within the caller's transaction.

    `retirement` and `day` apply to landed records (difference.py). The difference's temporary tables are in `scratch`.
    """
    difference = find_difference(scratch, table, incoming, f"{LAKE}.{table.sql}", retirement, day=day)
    if not difference.is_empty:
        writer.write(table, incoming, difference, context)
        _apply(scratch.session, table, incoming, difference, context.observed_at)
    return difference


def update_rows(writer: HistoryWriter, table: TrackedTable, frame: pl.DataFrame, context: CommitContext) -> Difference:
    """Update a table and its history with computed rows; other rows stay.

    `frame` has the table's columns, and `ended` for a row to be removed: the row stays in the table, with `removed_at`.
    """
    with TemporaryTables(writer.session) as scratch:
        return update_table(scratch, writer, table, load_frame(scratch, table, frame), context)


def rewrite_rows(session: duckdb.DuckDBPyConnection, table: TrackedTable, rows: str) -> None:
    """Replace the table's rows by the rows of the relation `rows`, which has its columns.

    Volatile columns and `stale_since` have no history; their stored values stay.
    """
    expressions = {name: f'coalesce(t."{name}", r."{name}")' for name in table.volatile} | {
        STALE_SINCE: f"t.{STALE_SINCE}"
    }
    listed = ", ".join(
        f"""{expressions.get(column.name, f'r."{column.name}"')} AS "{column.name}\"""" for column in table.every_column
    )
    with TemporaryTables(session) as scratch:
        rewritten = scratch.create(
            "rewritten",
            f"SELECT {listed} FROM {rows} r LEFT JOIN {LAKE}.{table.sql} t ON {table.same_key('t', 'r')}",
        )
        _delete(session, table, rewritten)
        session.execute(f"INSERT INTO {LAKE}.{table.sql} BY NAME FROM {rewritten}")


def _apply(
    session: duckdb.DuckDBPyConnection,
    table: TrackedTable,
    incoming: IncomingRows,
    difference: Difference,
    observed_at: datetime,
) -> None:
    """Apply a difference to the table; `observed_at` is the time of its changes."""
    if session.execute(f"FROM {difference.old} LIMIT 1").fetchone():
        _delete(session, table, difference.old)
    insert = f"INSERT INTO {LAKE}.{table.sql} BY NAME SELECT"
    values = {"at": observed_at}
    written = "d.operation <> 'remove'" if table.is_landed else "true"
    slices = slices_of(session, table, incoming, difference)
    for number in sorted({number for operation, number in slices if not table.is_landed or operation != "remove"}):
        session.execute(
            f"""{insert} {_new_values(table)}
            FROM {difference.operations} d JOIN {incoming.rows} i USING ({table.key_list})
                LEFT JOIN {difference.old} c USING ({table.key_list})
            WHERE {written} AND i.slice = {number}""",
            values,
        )
    if not table.is_landed:
        return
    marks = {
        "remove": "$at AS removed_at",
        "expire": "$at AS removed_at, true AS is_past",
        "stale": f"$at AS {STALE_SINCE}",
    }
    for operation in marks if table.window else ("remove", "stale"):
        session.execute(
            f"""{insert} c.* REPLACE ({marks[operation]})
            FROM {difference.operations} d JOIN {difference.old} c USING ({table.key_list})
            WHERE d.operation = '{operation}'""",
            values,
        )


def _delete(session: duckdb.DuckDBPyConnection, table: TrackedTable, rows: str) -> None:
    """Delete the rows whose keys are in the relation `rows`."""
    keys = table.key_list
    session.execute(f"DELETE FROM {LAKE}.{table.sql} WHERE ({keys}) IN (SELECT {keys} FROM {rows})")


def _new_values(table: TrackedTable) -> str:
    """SQL: the new values of a row, from the incoming row `i` and the stored row `c`."""
    values = {column.name: next_value(column) for column in table.columns} | {
        "first_seen_at": "coalesce(c.first_seen_at, $at)",
        "last_changed_at": "CASE WHEN d.operation = 'refresh' THEN c.last_changed_at ELSE $at END",
        "removed_at": "CASE WHEN d.operation = 'remove' THEN $at END",
    }
    if table.is_landed:
        values |= {STALE_SINCE: "NULL"} | {
            name: f"CASE WHEN d.operation = 'refresh' THEN c.{name} ELSE i.{name} END"
            for name in ("content_hash", "landing_object", "landing_line")
        }
    return ", ".join(f'{value} AS "{name}"' for name, value in values.items())
