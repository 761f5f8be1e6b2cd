"""Compares every table with its own history: replayed, the history must give exactly the table."""

from __future__ import annotations

import duckdb

from sync_platform.lake.replay import replay
from sync_platform.lake.tracked_table import TrackedTable, TrackedTables
from sync_platform.lineage.findings import Break, Findings
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import tables_of
from sync_platform.storage.temporary_tables import TemporaryTables


def check_tables(session: duckdb.DuckDBPyConnection, history: str, tables: TrackedTables, findings: Findings) -> None:
    """Compare each table that is in the lake or in the history, without volatile columns and `stale_since`.

    A column that the table does not have yet counts as empty.
    """
    present = set(tables_of(session))
    in_history = set(session.execute(f"SELECT DISTINCT platform, dataset FROM {LAKE}.{history}").fetchall())
    for schema, name in sorted(in_history | (present & set(tables))):
        if (schema, name) not in tables:
            findings.not_compared.append(f"{schema}.{name}")
        elif (schema, name) not in present:
            findings.breaks.append(Break("table", "it is gone, though it has a history", None, schema, name))
        else:
            findings.tables += 1
            if what := _difference(session, history, tables[schema, name]):
                findings.breaks.append(Break("table", what, None, schema, name))


def _difference(session: duckdb.DuckDBPyConnection, history: str, table: TrackedTable) -> str | None:
    """How a table differs from its replay, in words; None where it does not."""
    present = {name for name, *_ in session.execute(f"DESCRIBE {LAKE}.{table.sql}").fetchall()}
    columns = ", ".join(f'"{name}"' for name in table.replayed)
    in_table = ", ".join(f'"{name}"' if name in present else f'NULL AS "{name}"' for name in table.replayed)
    with TemporaryTables(session) as scratch:
        replayed = replay(scratch, history, table)
        rows, first = session.execute(
            f"""WITH replayed AS (SELECT {columns} FROM {replayed}),
                stored AS (SELECT {in_table} FROM {LAKE}.{table.sql})
            SELECT count(DISTINCT {table.entity()}), min({table.entity()}) FROM (
                (FROM replayed EXCEPT ALL FROM stored) UNION ALL (FROM stored EXCEPT ALL FROM replayed))"""
        ).fetchall()[0]
    return f"{rows:,} of its rows are not what its history says, such as {first!r}" if rows else None
