"""The data folder that a SQLite catalog has stored. It is another one than ours when a home was copied or moved.

DuckLake stores the absolute path of the data when the catalog is created, and the path of each file relative to it.
Source: ducklake.select, "Specification", tables `ducklake_metadata`, `ducklake_schema`, `ducklake_table` and
`ducklake_data_file`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sync_platform.errors import StorageError
from sync_platform.storage.damaged_database import is_damage, with_repair

FILES_LOOKED_FOR = 100
"""How many of the catalog's files must all lie in a folder, to know it as the folder of its data."""


def is_moved(catalog: Path, data: Path) -> bool:
    """True if the catalog has stored another data folder than `data`, and its files lie in `data`.

    Raises StorageError where the files are not there.
    """
    if not catalog.exists():
        return False
    with _reading(catalog) as connection:
        stored = _stored(connection)
        if stored is None or Path(stored).absolute() == data.absolute():
            return False
        missing = [path for path in _file_paths(connection) if not (data / path).exists()]
    if missing:
        raise StorageError(
            f"the catalog {catalog} belongs to the data in {stored}, and {missing[0]} is not in {data}: "
            "copy or move both together, or set LAKE_CATALOG and LAKE_DATA to the two that belong together"
        )
    return True


def has_encrypted_files(catalog: Path) -> bool:
    """True if the lake of a catalog writes encrypted files, wherever it was made."""
    if not catalog.exists():
        return False
    with _reading(catalog) as connection:
        return _stored(connection, "encrypted") == "true"


def store_data_path(catalog: Path, data: Path) -> None:
    """Store the data folder in the catalog, for every program that opens it. The caller has the lake's write lock."""
    with closing(sqlite3.connect(catalog, timeout=60)) as connection, connection:
        connection.execute("UPDATE ducklake_metadata SET value = ? WHERE key = 'data_path'", [f"{data}/"])


@contextmanager
def _reading(catalog: Path) -> Iterator[sqlite3.Connection]:
    """A connection that only reads; StorageError where the file is damaged."""
    try:
        with closing(sqlite3.connect(f"{catalog.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            yield connection
    except sqlite3.DatabaseError as error:
        if not is_damage(error):
            raise
        raise StorageError(f"the catalog {catalog} cannot be used: {with_repair(str(error))}") from None


def _stored(connection: sqlite3.Connection, key: str = "data_path") -> str | None:
    """A stored property of the lake, by default its data folder; None for a catalog that is empty."""
    count = connection.execute("SELECT count(*) FROM sqlite_master WHERE name = 'ducklake_metadata'").fetchone()
    if not count[0]:
        return None
    row = connection.execute("SELECT value FROM ducklake_metadata WHERE key = ?", [key]).fetchone()
    return row[0] if row else None


def _file_paths(connection: sqlite3.Connection) -> list[str]:
    """The newest live files, relative to the data folder."""
    return [
        path
        for (path,) in connection.execute(
            """SELECT s.path || t.path || f.path
            FROM ducklake_data_file AS f
            JOIN ducklake_table AS t ON t.table_id = f.table_id AND t.end_snapshot IS NULL
            JOIN ducklake_schema AS s ON s.schema_id = t.schema_id AND s.end_snapshot IS NULL
            WHERE f.end_snapshot IS NULL AND f.path_is_relative AND t.path_is_relative AND s.path_is_relative
            ORDER BY f.data_file_id DESC LIMIT ?""",
            [FILES_LOOKED_FOR],
        )
    ]
