"""The data folder that a SQLite catalog has stored. It is another one than ours when a home was copied or moved.

DuckLake stores the absolute path of the data when the catalog is created, and the path of each file relative to it.
Source: ducklake.select, "Specification", tables `ducklake_metadata`, `ducklake_schema`, `ducklake_table` and
`ducklake_data_file`.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from sync_platform.errors import StorageError
from sync_platform.storage.catalog_file import OPENED, PROPERTIES, opened_file, stored_property
from sync_platform.storage.sql_text import sql_text

FILES_LOOKED_FOR = 100
"""How many of the catalog's files must all lie in a folder, to know it as the folder of its data."""


def is_moved(connection: duckdb.DuckDBPyConnection, catalog: Path, data: Path) -> bool:
    """True if the catalog has stored another data folder than `data`, and its files lie in `data`.

    Raises StorageError where the files are not there. For the connection, see `opened_file`.
    """
    if not catalog.exists():
        return False
    with opened_file(connection, catalog):
        stored = stored_property(connection, "data_path")
        if stored is None or Path(stored).absolute() == data.absolute():
            return False
        missing = [path for path in _file_paths(connection) if not (data / path).exists()]
    if missing:
        raise StorageError(
            f"the catalog {catalog} belongs to the data in {stored}, and {missing[0]} is not in {data}: "
            "copy or move both together, or set LAKE_CATALOG and LAKE_DATA to the two that belong together"
        )
    return True


def has_encrypted_files(connection: duckdb.DuckDBPyConnection, catalog: Path) -> bool:
    """True if the lake of a catalog writes encrypted files, wherever it was made."""
    if not catalog.exists():
        return False
    with opened_file(connection, catalog):
        return stored_property(connection, "encrypted") == "true"


def store_data_path(connection: duckdb.DuckDBPyConnection, catalog: Path, data: Path) -> None:
    """Store the data folder in the catalog, for every program that opens it. The caller has the lake's write lock."""
    with opened_file(connection, catalog, read_only=False):
        connection.execute(f"UPDATE {OPENED}.{PROPERTIES} SET value = {sql_text(f'{data}/')} WHERE key = 'data_path'")


def _file_paths(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """The newest live files, relative to the data folder."""
    return [
        path
        for (path,) in connection.execute(
            f"""SELECT s.path || t.path || f.path
            FROM {OPENED}.ducklake_data_file AS f
            JOIN {OPENED}.ducklake_table AS t ON t.table_id = f.table_id AND t.end_snapshot IS NULL
            JOIN {OPENED}.ducklake_schema AS s ON s.schema_id = t.schema_id AND s.end_snapshot IS NULL
            WHERE f.end_snapshot IS NULL AND f.path_is_relative AND t.path_is_relative AND s.path_is_relative
            ORDER BY f.data_file_id DESC LIMIT {FILES_LOOKED_FOR}"""
        ).fetchall()
    ]
