"""The tables of a lake. A lake made by an earlier version, or not yet synced, has only some of them."""

from __future__ import annotations

import duckdb

from sync_platform.storage.lake_connection import LAKE


def has_table(session: duckdb.DuckDBPyConnection, table: str, lake: str = LAKE) -> bool:
    """True if the lake has the table, written `schema.table` as in SQL. An open transaction goes on.

    The table is asked for by its name: a list of all tables takes DuckLake fifty times as long.
    """
    try:
        session.execute(f"FROM {lake}.{table} LIMIT 0")
    except duckdb.CatalogException:
        return False
    return True


def tables_of(session: duckdb.DuckDBPyConnection, lake: str = LAKE) -> list[tuple[str, str]]:
    """The schema and the name of every table of the lake, sorted."""
    # no parameters: the first of a process makes DuckDB import pandas, which takes longer than an incremental backup
    query = f"SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = '{lake}' ORDER BY ALL"
    return session.execute(query).fetchall()
