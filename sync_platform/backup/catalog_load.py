"""A restored catalog becomes the catalog of a lake: a renamed file, or rows of PostgreSQL in one transaction.

Until that moment the lake does not exist, or has no table. After it, it is whole.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sync_platform.documents.wording import in_one_line
from sync_platform.errors import NoLakeYet, StorageError, UsageError
from sync_platform.storage.disk_flush import flush_folder
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.lake_tables import tables_of

if TYPE_CHECKING:
    import psycopg

READ_ROWS = 2000


def has_tables(address: LakeAddress) -> bool:
    """True if the lake exists and has a table."""
    if not address.exists:
        return False
    try:
        with Lake(address, read_only=True) as lake, lake.session() as session:
            return bool(tables_of(session))
    except NoLakeYet:
        return False


def require_no_lake(address: LakeAddress) -> None:
    """UsageError where the lake exists and has a table."""
    if has_tables(address):
        raise UsageError(f"{address} is not empty; nothing was restored")


def load_catalog(copy: Path, address: LakeAddress) -> None:
    """Make `copy`, a SQLite file in WAL mode that nobody has open, the catalog of the lake."""
    if address.catalog_file is not None:
        for ending in ("-wal", "-shm"):
            Path(f"{address.catalog_file}{ending}").unlink(missing_ok=True)
        copy.replace(address.catalog_file)
        flush_folder(address.catalog_file.parent)
        return
    with Lake(address) as lake, lake.session():
        pass  # DuckLake makes its tables
    _load_postgres(copy, address)


def _load_postgres(copy: Path, address: LakeAddress) -> None:
    import psycopg

    try:
        with (
            address.write_lock(),
            psycopg.connect(address.catalog.removeprefix("postgres:")) as target,
            closing(sqlite3.connect(copy)) as source,
        ):
            rows = source.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'ducklake%'")
            for (table,) in rows.fetchall():
                _load_table(source, target, table)
    except psycopg.Error as error:
        raise StorageError(f"cannot write the catalog of {address}: {in_one_line(error)}") from None


def _load_table(source: sqlite3.Connection, target: psycopg.Connection[Any], table: str) -> None:
    """Replace the rows of a table in PostgreSQL by those in the copy, each value in the type of its column."""
    from psycopg import sql

    columns = target.execute(
        """SELECT column_name, udt_name FROM information_schema.columns
        WHERE table_schema = current_schema() AND table_name = %s ORDER BY ordinal_position""",
        [table],
    ).fetchall()
    if not columns:
        if source.execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchone():
            raise StorageError(f"the catalog has a table that DuckLake does not make in PostgreSQL: {table}")
        return
    name = sql.Identifier(table)
    target.execute(sql.SQL("DELETE FROM {}").format(name))
    insert = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
        name,
        sql.SQL(", ").join(sql.Identifier(column) for column, _ in columns),
        sql.SQL(", ").join(sql.SQL("%s::text::{}").format(sql.Identifier(kind)) for _, kind in columns),
    )
    rows = source.execute('SELECT {} FROM "{}"'.format(", ".join(f'"{column}"' for column, _ in columns), table))
    with target.cursor() as cursor:
        while block := rows.fetchmany(READ_ROWS):
            cursor.executemany(insert, [[None if value is None else str(value) for value in row] for row in block])
