"""The history of unified tables: rows that come are compared with those held, and every change is written down.

What belongs here: kept tables and their rows of `lineage.changes`. Replaying those makes the table again, its volatile
columns aside.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb
import polars as pl

from sync_platform.lake.diff import Origin
from sync_platform.lake.history import append_changes
from sync_platform.lake.replay import END_OF_TIME
from sync_platform.lake.schema import ensure_other_tables
from sync_platform.lake.versions import any_differs, changed_names, changed_values, whole_version
from sync_platform.sources.columns import Column
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.tables import KEPT, KEPT_TABLES, PLAIN, SCHEMA, KeptTable

WRITTEN_AT_ONCE = 5_000  # rows: their history is text of several kB each, and DuckDB holds it while it writes


@dataclass(frozen=True)
class Changes:
    """How many rows of a table changed, by operation; `refreshed` only in volatile columns."""

    insert: int = 0
    update: int = 0
    remove: int = 0
    restore: int = 0
    refresh: int = 0

    @property
    def in_history(self) -> int:
        return self.insert + self.update + self.remove + self.restore


def ensure_unified(session: duckdb.DuckDBPyConnection) -> None:
    """Create the tables that are missing, or columns that they gained; within the caller's transaction."""
    kept = {(SCHEMA, table.name): ((*table.columns, *KEPT), table.description) for table in KEPT_TABLES}
    ensure_other_tables(session, kept | {(SCHEMA, name): wanted for name, wanted in PLAIN.items()})


def write_rows(
    session: duckdb.DuckDBPyConnection, history: str, table: KeptTable, rows: pl.DataFrame, origin: Origin
) -> Changes:
    """Bring a table up to date with these rows, within the caller's transaction; rows that do not come stay.

    `rows` has the table's columns, and `ended` where a row is to be removed: it stays, with `removed_at`.
    """
    counts = _compare(session, table, rows)
    if counts:
        _write_history(session, history, table, origin)
        _replace(session, table, origin.committed_at)
    return Changes(**counts)


def _compare(session: duckdb.DuckDBPyConnection, table: KeptTable, rows: pl.DataFrame) -> dict[str, int]:
    """Make `temp.versions` of the rows that change: `new`, `held`, `operation`; and count them."""
    own = ", ".join(f'"{column.name}"::{column.sql_type} AS "{column.name}"' for column in table.columns)
    session.register("coming_rows", rows.to_arrow())
    session.execute(f"CREATE OR REPLACE TEMP TABLE coming AS SELECT {own}, ended FROM coming_rows")
    session.unregister("coming_rows")
    on = " AND ".join(f'i."{name}" = c."{name}"' for name in table.key)
    changed = any_differs(table.lasting)
    session.execute(
        f"""CREATE OR REPLACE TEMP TABLE versions AS
        SELECT i AS new, c AS held,
            CASE WHEN c."{table.key[0]}" IS NULL THEN 'insert'
                 WHEN i.ended THEN 'remove'
                 WHEN c.removed_at IS NOT NULL THEN 'restore'
                 WHEN {changed} THEN 'update'
                 ELSE 'refresh' END AS operation
        FROM temp.coming i LEFT JOIN {LAKE}.{SCHEMA}."{table.name}" c ON {on}
        WHERE CASE WHEN c."{table.key[0]}" IS NULL THEN NOT i.ended
                   WHEN i.ended THEN c.removed_at IS NULL
                   ELSE c.removed_at IS NOT NULL OR {changed} OR {any_differs(table.volatile)} END"""
    )
    return dict(session.execute("SELECT operation, count(*) FROM temp.versions GROUP BY ALL").fetchall())


def _write_history(session: duckdb.DuckDBPyConnection, history: str, table: KeptTable, origin: Origin) -> None:
    """Append to the history; what is new, or comes back, with all its columns, the key's included."""
    whole = [*table.key, *table.lasting]
    listed = ", ".join(f"'{name}'" for name in whole)
    entity = " || '/' || ".join(f'i."{name}"' for name in table.key)
    changed = changed_names(table.lasting)
    before, after = (changed_values(side, table.lasting) for side in ("c", "i"))
    values = {
        "dataset": table.name,
        "partition": origin.partition,
        "sync_id": origin.sync_id,
        "run_id": origin.run_id,
        "at": origin.committed_at,
    }
    count = session.execute("SELECT count(*) FROM temp.versions").fetchall()[0][0]
    for start in range(0, count, WRITTEN_AT_ONCE):
        append_changes(
            session,
            history,
            f"""SELECT '{SCHEMA}', $dataset, {entity}, operation,
                CASE operation WHEN 'insert' THEN [{listed}]::VARCHAR[] ELSE {changed} END,
                CASE WHEN operation <> 'insert' THEN {before} END,
                CASE WHEN operation IN ('insert', 'restore') THEN {whole_version(whole)} ELSE {after} END,
                NULL, NULL, NULL, $partition, $sync_id, $run_id, $at, $at
            FROM (SELECT new AS i, held AS c, operation FROM temp.versions LIMIT {WRITTEN_AT_ONCE} OFFSET {start})
            WHERE operation <> 'refresh'""",
            values,
        )


def _replace(session: duckdb.DuckDBPyConnection, table: KeptTable, at: datetime) -> None:
    name = f'{LAKE}.{SCHEMA}."{table.name}"'
    on = " AND ".join(f'c."{column}" = v.new."{column}"' for column in table.key)
    session.execute(f"DELETE FROM {name} c USING temp.versions v WHERE {on} AND v.operation <> 'insert'")
    own = ", ".join(f'new."{column.name}" AS "{column.name}"' for column in table.columns)
    session.execute(
        f"""INSERT INTO {name} BY NAME SELECT {own},
            coalesce(held.first_seen_at, $at) AS first_seen_at,
            CASE WHEN operation = 'refresh' THEN held.last_changed_at ELSE $at END AS last_changed_at,
            CASE operation WHEN 'remove' THEN $at WHEN 'refresh' THEN held.removed_at END AS removed_at
        FROM temp.versions""",
        {"at": at},
    )


def replay_kept(
    session: duckdb.DuckDBPyConnection,
    history: str,
    table: KeptTable,
    into: str,
    *,
    known_before: datetime = END_OF_TIME,
) -> None:
    """Make the temporary table `into`: a kept table from its history alone, volatile columns left empty.

    `known_before`: as it was when nothing that was committed then or later was known.
    """
    values = ", ".join(f'{_last(table, column)} AS "{column.name}"' for column in table.columns)
    session.execute(
        f"""CREATE OR REPLACE TEMP TABLE "{into}" AS
        WITH told AS (
            SELECT *, row_number() OVER (PARTITION BY entity_id ORDER BY committed_at) AS n
            FROM {LAKE}.{history}
            WHERE platform = '{SCHEMA}' AND dataset = $dataset AND committed_at < $before
        )
        SELECT {values}, min(committed_at) AS first_seen_at, max(committed_at) AS last_changed_at,
            CASE WHEN arg_max(operation, n) = 'remove' THEN max(committed_at) END AS removed_at
        FROM told GROUP BY entity_id""",
        {"dataset": table.name, "before": known_before},
    )


def _last(table: KeptTable, column: Column) -> str:
    """The last value that a change gave a column, in its type; `arg_max` passes over changes that do not name it."""
    if column.name in table.volatile:
        return f"NULL::{column.sql_type}"
    value = f"""arg_max(after->'$."{column.name}"', n)"""
    if column.sql_type.endswith("[]") or column.sql_type == "JSON":
        return f"CAST({value} AS {column.sql_type})"
    return f"""CAST({value}->>'$' AS {column.sql_type})"""
