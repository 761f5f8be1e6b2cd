"""The migration of a lake: the columns of this version, and the versions of its formats.

A sync creates what its own tables miss too. A migration does it for all tables at once, before anything runs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import duckdb

from sync_platform.lake.schema import ensure_sync_tables, ensure_tables
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_formats import store_formats


def migrate_lake(
    lake: Lake,
    history: str,
    platforms: Mapping[str, Platform],
    ensure_unified: Callable[[duckdb.DuckDBPyConnection], None],
) -> None:
    """Create the columns that the tables of a lake miss, then store the versions. No table is created.

    `ensure_unified` does so for the unified tables. StorageError where the lake is of a newer version, or cannot be
    written.
    """
    with lake.session() as session:

        def ensure() -> None:
            present = _tables(session)
            for platform in platforms.values():
                for dataset in platform.datasets:
                    if (platform.name, dataset.name) in present:
                        ensure_tables(session, history, platform.name, dataset)
            if ("sync", "runs") in present:
                ensure_sync_tables(session)
            if any(schema == "unified" for schema, _ in present):
                ensure_unified(session)

        in_one_transaction(lake, session, ensure)
        with lake.write_lock():
            store_formats(session, LAKE)


def _tables(session: duckdb.DuckDBPyConnection) -> set[tuple[str, str]]:
    rows = session.execute("SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = ?", [LAKE])
    return {(schema, table) for schema, table in rows.fetchall()}
