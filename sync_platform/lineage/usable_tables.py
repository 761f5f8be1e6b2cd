"""The tables that a statement of a reader names, without restricted records.

What belongs here: a database in memory that has a view of each named table. The list of restricted records is that of
now, also where the tables are those of a moment in the past.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

import duckdb

from sync_platform.errors import UsageError
from sync_platform.lake.history_view import ENDING
from sync_platform.lake.restricted_records import COLUMNS, TABLE, has_restricted, is_usable
from sync_platform.lineage.past_lake import is_readable_statement, tables_named
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.unified.related_records import RECORD_KINDS
from sync_platform.unified.tables import SCHEMA

USABLE = "usable"
Restricted = list[tuple[str, str, str]]
"""Platform, dataset and `source_id` of each restricted record."""


def restricted_now(lake: Lake) -> Restricted:
    """The restricted records; none where no restriction applies."""
    with lake.session() as session:
        if not has_restricted(session):
            return []
        return session.execute(f"SELECT {', '.join(column.name for column in COLUMNS)} FROM {LAKE}.{TABLE}").fetchall()


@contextmanager
def only_usable(
    session: duckdb.DuckDBPyConnection,
    sql: str,
    restricted: Restricted,
    platforms: Mapping[str, Platform],
    history: str,
) -> Iterator[list[str]]:
    """Within the block, the tables that the statement names have no restricted record; yields those that may have some.

    UsageError for a table that is named together with its database, and for a statement that cannot be looked into.
    """
    if not restricted:
        yield []
        return
    if not is_readable_statement(session, sql):
        raise UsageError("write it as a SELECT: some persons restricted the use of their records, which are left out")
    ((database,),) = session.execute("SELECT current_database()").fetchall()
    session.execute(f"ATTACH ':memory:' AS {USABLE}")
    try:
        session.execute(f"CREATE TABLE {USABLE}.main.records (platform VARCHAR, dataset VARCHAR, source_id VARCHAR)")
        session.executemany(f"INSERT INTO {USABLE}.main.records VALUES (?, ?, ?)", restricted)
        named: list[str] = []
        for catalog, schema, table in sorted(tables_named(session, sql)):
            condition = _condition(platforms, history, schema, table)
            if catalog and condition:
                raise UsageError(
                    f"write {schema}.{table} without {catalog}: some of its records are restricted, and left out"
                )
            if not catalog:
                _create_view(session, database, schema, table, condition or "true")
            if condition:
                named.append(f"{schema}.{table}")
        session.execute(f"USE {USABLE}")
        yield named
    finally:
        session.execute(f"USE {database}")
        session.execute(f"DETACH {USABLE}")


def _create_view(session: duckdb.DuckDBPyConnection, database: str, schema: str, table: str, condition: str) -> None:
    """The view, where that database has the table; other tables are of other databases, such as the metrics."""
    with suppress(duckdb.CatalogException):
        named = f'{database}."{schema}"."{table}"'
        session.execute(f"FROM {named} LIMIT 0")
        session.execute(f'CREATE SCHEMA IF NOT EXISTS {USABLE}."{schema}"')
        session.execute(f'CREATE VIEW {USABLE}."{schema}"."{table}" AS SELECT * FROM {named} AS t WHERE {condition}')


def _condition(platforms: Mapping[str, Platform], history: str, schema: str, table: str) -> str | None:
    """SQL: what leaves out the restricted records of a table `t`; None for a table without any."""
    records = f"{USABLE}.main.records"
    if f"{schema}.{table}" == history:
        return is_usable("t.platform", "t.dataset", "t.entity_id", records)
    if schema == SCHEMA and table in RECORD_KINDS:
        return is_usable("t.platform", "t.dataset", "t.source_id", records)
    own = {dataset.name for dataset in platforms[schema].datasets} if schema in platforms else set()
    if table.removesuffix(ENDING) in own:
        return is_usable(f"'{schema}'", f"'{table.removesuffix(ENDING)}'", "t.source_id", records)
    return None
