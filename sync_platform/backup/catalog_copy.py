"""The catalog of a lake as one SQLite file, at one moment and whatever the original is, while syncs go on.

SQLite makes a consistent copy itself (`VACUUM INTO`). PostgreSQL is read in one transaction. The copy is in WAL mode,
as every catalog that this program opens.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sync_platform.documents.wording import in_one_line
from sync_platform.errors import StorageError, UsageError
from sync_platform.storage.full_disk import full_disk_named
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake

READ_ROWS = 5000


def copy_catalog(address: LakeAddress, target: Path) -> None:
    """Write a copy of a lake's catalog to `target`, a new file; StorageError where that fails."""
    try:
        with full_disk_named(target):
            if address.catalog_file is not None:
                _copy_sqlite(address.catalog_file, target)
            else:
                _copy_postgres(address, target)
            with closing(sqlite3.connect(target)) as connection:
                connection.execute("PRAGMA journal_mode=WAL")
    except sqlite3.Error as error:
        raise StorageError(f"cannot copy the catalog of {address}: {error}") from error


def keep_only(copy: Path, schemas: Collection[str], required: Collection[str]) -> None:
    """Remove every table from the copy that is not in one of these schemas; UsageError for a schema it does not have.

    `required` are the schemas whose absence is an error. What is removed is not readable in the file any more.
    """
    with closing(sqlite3.connect(copy)) as connection:
        stored_schemas = {name for (name,) in connection.execute("SELECT schema_name FROM ducklake_schema")}
        if missing := sorted(set(required) - stored_schemas):
            raise UsageError(
                f"the lake has nothing of {', '.join(missing)}; it has {', '.join(sorted(stored_schemas))}"
            )
        with connection:
            marks = ", ".join("?" for _ in schemas)
            connection.execute("CREATE TEMP TABLE gone (schema_id, object_id)")
            for object_id, table in (("table_id", "ducklake_table"), ("view_id", "ducklake_view")):
                connection.execute(
                    f"""INSERT INTO gone SELECT o.schema_id, o.{object_id} FROM {table} o JOIN ducklake_schema s
                    USING (schema_id) WHERE s.schema_name NOT IN ({marks})""",
                    [*schemas],
                )
            connection.execute(
                f"INSERT INTO gone SELECT schema_id, schema_id FROM ducklake_schema WHERE schema_name NOT IN ({marks})",
                [*schemas],
            )
            for table in _tables(connection):
                columns = _columns(connection, table)
                named = next((name for name in ("table_id", "view_id", "object_id") if name in columns), None)
                if named is not None:
                    connection.execute(f"DELETE FROM {table} WHERE {named} IN (SELECT object_id FROM gone)")
            connection.execute("DELETE FROM ducklake_schema WHERE schema_id IN (SELECT schema_id FROM gone)")
        connection.execute("DROP TABLE gone")
        connection.execute("VACUUM")


def _copy_sqlite(catalog: Path, target: Path) -> None:
    with closing(sqlite3.connect(f"{catalog.absolute().as_uri()}?mode=ro", uri=True, timeout=60)) as connection:
        connection.execute("VACUUM INTO ?", [str(target)])


def _copy_postgres(address: LakeAddress, target: Path) -> None:
    """DuckLake makes an empty catalog, which has the same tables; then the rows of the original are written to it."""
    import psycopg

    unused = target.with_name(f"{target.name}.data")
    with Lake(LakeAddress(f"sqlite:{target}", str(unused), address.temp)) as lake, lake.session():
        pass
    unused.rmdir()
    try:
        with (
            psycopg.connect(address.catalog.removeprefix("postgres:")) as source,
            closing(sqlite3.connect(target)) as copy,
            copy,
        ):
            source.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
            source.read_only = True
            _copy_rows(source, copy)
    except psycopg.Error as error:
        raise StorageError(f"cannot copy the catalog of {address}: {in_one_line(error)}") from None


def _copy_rows(source: Any, copy: sqlite3.Connection) -> None:
    tables_of_copy = set(_tables(copy))
    for (table,) in source.execute(
        r"""SELECT table_name FROM information_schema.tables
        WHERE table_schema = current_schema() AND table_name LIKE 'ducklake\_%' ORDER BY 1"""
    ).fetchall():
        with source.cursor(name="rows") as rows:
            rows.itersize = READ_ROWS
            rows.execute(f'SELECT * FROM "{table}"')
            columns = [column.name for column in rows.description]
            if table not in tables_of_copy:
                if rows.fetchone() is not None:
                    raise StorageError(f"the catalog has a table that DuckLake does not make in SQLite: {table}")
                continue
            column_list, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" for _ in columns)
            copy.execute(f"DELETE FROM {table}")
            copy.executemany(
                f"INSERT INTO {table} ({column_list}) VALUES ({marks})",
                ([_in_sqlite(value) for value in row] for row in rows),
            )


def _in_sqlite(value: Any) -> Any:
    """A value as DuckLake stores it in SQLite."""
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}+00"
    return value


def _tables(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE 'ducklake%'")
    return [name for (name,) in rows]


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", [table])]
