"""The SQLite file of a catalog, opened beside the lake: by DuckDB, as the lake itself is, never by Python's sqlite3.

Each of the two has a SQLite of its own. When a process closes a file, the system releases all locks of the process on
that file. If one SQLite closes the file during a transaction of the other, the transaction has no locks any more.
Another process can then delete its log, and the commit is lost without an error.
Source: https://www.sqlite.org/howtocorrupt.html, "File locking problems".
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import duckdb

from sync_platform.errors import StorageError
from sync_platform.storage.damaged_database import is_damage, with_repair
from sync_platform.storage.extensions import connect_with
from sync_platform.storage.sql_text import sql_text

OPENED = "catalog_file"
"""The name of the opened file in SQL."""
EXTENSION = "sqlite_scanner"
PROPERTIES = "ducklake_metadata"


def file_reader() -> AbstractContextManager[duckdb.DuckDBPyConnection]:
    """A DuckDB instance that can open the file, where no lake is being opened."""
    return connect_with([EXTENSION], {"threads": 1})


@contextmanager
def opened_file(connection: duckdb.DuckDBPyConnection, catalog: Path, *, read_only: bool = True) -> Iterator[None]:
    """The file, for the block, under the name `OPENED`. The connection has the extension `EXTENSION`.

    Raises StorageError where the file is damaged, and duckdb.IOException where it cannot be read or written.
    """
    options = ["TYPE sqlite", "BUSY_TIMEOUT 60000", *(["READ_ONLY"] if read_only else [])]
    try:
        connection.execute(f"ATTACH {sql_text(str(catalog))} AS {OPENED} ({', '.join(options)})")
        try:
            yield
        finally:
            connection.execute(f"DETACH {OPENED}")
    except duckdb.Error as error:
        if not is_damage(error):
            raise duckdb.IOException(str(error)) from None
        raise StorageError(f"the catalog {catalog} cannot be used: {with_repair(str(error))}") from None


def stored_property(connection: duckdb.DuckDBPyConnection, key: str) -> str | None:
    """A property of the lake in the opened file, such as `data_path`; None in a file that is empty."""
    # parameters of a list would make DuckDB import pandas
    of_file = f"database_name = {sql_text(OPENED)} AND table_name = {sql_text(PROPERTIES)}"
    if connection.execute(f"SELECT 1 FROM duckdb_tables() WHERE {of_file}").fetchone() is None:
        return None
    row = connection.execute(f"SELECT value FROM {OPENED}.{PROPERTIES} WHERE key = {sql_text(key)}").fetchone()
    return row[0] if row else None
