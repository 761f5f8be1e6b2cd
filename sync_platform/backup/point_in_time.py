"""The lake as of an earlier commit of a backup: its tables are committed again, in one transaction, into a new lake.

A catalog that is cut back to an earlier commit would be right at first, and wrong after more commits: files that
maintenance merged have later rows too. So every table is written anew, with exactly its columns and rows then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import duckdb

from sync_platform.lake.schema import cluster_history
from sync_platform.lake.syncs import describe_commit
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import BESIDE, LAKE, Lake
from sync_platform.storage.lake_tables import tables_of
from sync_platform.storage.session_memory import with_memory
from sync_platform.storage.sql_text import sql_text
from sync_platform.unified.related_records import ensure_views
from sync_platform.unified.tables import SCHEMA

MEMORY = "1GB"


def commit_again(
    staged: Lake,
    target: LakeAddress,
    history: str,
    platforms: Mapping[str, Platform],
    run_id: str,
    on_step: Callable[[str], None],
) -> None:
    """Write every table of the staged lake, at its snapshot, into the lake at `target`, which has no table."""
    with Lake(target, beside=staged) as lake, lake.session() as session, with_memory(session, MEMORY):

        def write() -> None:
            for schema, table in tables_of(session, BESIDE):
                on_step(f"{schema}.{table}")
                _copy_table(session, schema, table, is_history=f"{schema}.{table}" == history)
            if any(schema == SCHEMA for schema, _ in tables_of(session, BESIDE)):
                ensure_views(session, platforms)
            describe_commit(session, run_id, "restore of an earlier commit")

        in_one_transaction(lake, session, write)


def catalog_for(target: LakeAddress, file: Path) -> LakeAddress:
    """The address of the same lake with its catalog in another file, where it is until it is whole."""
    return replace(target, catalog=f"sqlite:{file}", encrypts=target.is_encrypted)


def _copy_table(session: duckdb.DuckDBPyConnection, schema: str, table: str, *, is_history: bool) -> None:
    source, target = f'{BESIDE}."{schema}"."{table}"', f'{LAKE}."{schema}"."{table}"'
    session.execute(f'CREATE SCHEMA IF NOT EXISTS {LAKE}."{schema}"')
    session.execute(f"CREATE TABLE {target} AS FROM {source} LIMIT 0")
    _copy_comments(session, schema, table, target)
    if is_history:
        cluster_history(session, target)
    session.execute(f"INSERT INTO {target} FROM {source}")


def _copy_comments(session: duckdb.DuckDBPyConnection, schema: str, table: str, target: str) -> None:
    named = [BESIDE, schema, table]
    of_table = "WHERE database_name = ? AND schema_name = ? AND table_name = ? AND comment IS NOT NULL"
    for (comment,) in session.execute(f"SELECT comment FROM duckdb_tables() {of_table}", named).fetchall():
        session.execute(f"COMMENT ON TABLE {target} IS {sql_text(comment)}")
    columns = session.execute(f"SELECT column_name, comment FROM duckdb_columns() {of_table}", named).fetchall()
    for name, comment in columns:
        session.execute(f'COMMENT ON COLUMN {target}."{name}" IS {sql_text(comment)}')
