"""What a copied catalog says: the files of the lake, its tables, and its snapshots.

Every row of the catalog's lists of files counts, whatever its snapshot: so each snapshot in the catalog can be read.
Source: ducklake.select, "Specification".
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from sync_platform.backup.backup_manifest import BackedUpTable
from sync_platform.errors import StorageError
from sync_platform.storage.full_disk import with_advice

DATA_FILES, DELETE_FILES = "ducklake_data_file", "ducklake_delete_file"
_DELETED_ROWS = f"""-f.delete_count * (f.data_file_id IN (
    SELECT data_file_id FROM {DATA_FILES} WHERE end_snapshot IS NULL))"""
"""SQL: what a delete file takes from a table's rows: nothing where its data file is gone, which does not end it."""


@dataclass(frozen=True)
class LakeFile:
    """A data or delete file: its path relative to the lake's data, and its size."""

    path: str
    size_bytes: int


@dataclass(frozen=True)
class CatalogSnapshot:
    """A snapshot in the catalog, and its time."""

    number: int
    at: datetime


@dataclass(frozen=True)
class _TableFile:
    table_id: int
    path: str
    size_bytes: int
    rows: int
    is_live: bool


class CopiedCatalog:
    """A copy of a catalog, as `copy_catalog` makes it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def files(self) -> list[LakeFile]:
        """Every data and delete file that the catalog names, once, sorted by path."""
        files = {file.path: LakeFile(file.path, file.size_bytes) for file in self._all_files}
        return [files[path] for path in sorted(files)]

    def snapshots(self) -> list[CatalogSnapshot]:
        """Every snapshot, oldest first."""
        with self._opened() as connection:
            rows = connection.execute("SELECT snapshot_id, snapshot_time FROM ducklake_snapshot ORDER BY 1").fetchall()
        return [CatalogSnapshot(number, datetime.fromisoformat(text)) for number, text in rows]

    def version(self) -> str:
        """The version of DuckLake's format."""
        return self._metadata("version")

    def tables(self, digests: Mapping[str, str]) -> dict[str, BackedUpTable]:
        """Every table of the newest snapshot, by `schema.table`. `digests`: the SHA-256 of each file, by its path."""
        with self._opened() as connection:
            names = connection.execute(
                """SELECT t.table_id, s.schema_name || '.' || t.table_name FROM ducklake_table t
                JOIN ducklake_schema s ON s.schema_id = t.schema_id AND s.end_snapshot IS NULL
                WHERE t.end_snapshot IS NULL ORDER BY 2"""
            ).fetchall()
            columns: dict[int, list[tuple[str, str]]] = {}
            for table_id, name, kind in connection.execute(
                """SELECT table_id, column_name, column_type FROM ducklake_column
                WHERE end_snapshot IS NULL AND parent_column IS NULL ORDER BY table_id, column_order"""
            ):
                columns.setdefault(table_id, []).append((name, kind))
        live: dict[int, list[_TableFile]] = {}
        for file in self._all_files:
            if file.is_live:
                live.setdefault(file.table_id, []).append(file)
        return {name: _table(columns.get(table_id, []), live.get(table_id, []), digests) for table_id, name in names}

    @cached_property
    def _all_files(self) -> list[_TableFile]:
        """Each file once; a table that was renamed has two rows in the catalog."""
        data, files = self._metadata("data_path"), dict[str, _TableFile]()
        with self._opened() as connection:
            for table, rows in ((DATA_FILES, "record_count"), (DELETE_FILES, _DELETED_ROWS)):
                file_rows = connection.execute(
                    f"""SELECT f.table_id, f.path, f.path_is_relative, t.path, t.path_is_relative, s.path,
                        s.path_is_relative, f.file_size_bytes, {rows}, f.end_snapshot IS NULL
                    FROM {table} f JOIN ducklake_table t USING (table_id) JOIN ducklake_schema s USING (schema_id)"""
                ).fetchall()
                for table_id, *parts, size, count, is_live in file_rows:
                    path = _relative(parts, data)
                    files.setdefault(path, _TableFile(table_id, path, size, count, bool(is_live)))
        return list(files.values())

    def _metadata(self, key: str) -> str:
        with self._opened() as connection:
            row = connection.execute("SELECT value FROM ducklake_metadata WHERE key = ?", [key]).fetchone()
        if row is None:
            raise StorageError(f"the catalog has no {key}: it is not the catalog of a lake")
        return str(row[0])

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(self.path)) as connection:
                yield connection
        except sqlite3.Error as error:
            reason = with_advice(str(error))
            raise StorageError(f"the copied catalog {self.path} cannot be read: {reason}") from None


def _table(columns: list[tuple[str, str]], files: list[_TableFile], digests: Mapping[str, str]) -> BackedUpTable:
    digest = hashlib.sha256()
    for line in [*(f"{name} {kind}" for name, kind in columns), *sorted(f"{f.path} {digests[f.path]}" for f in files)]:
        digest.update(f"{line}\n".encode())
    return BackedUpTable(sum(file.rows for file in files), columns, digest.hexdigest())


def _relative(parts: list[str], data: str) -> str:
    """The path below the lake's data of a file, its table and its schema, each with whether it is relative."""
    path, is_relative, table, table_is_relative, schema, schema_is_relative = parts
    whole = path if not is_relative else table + path if not table_is_relative else None
    if whole is None:
        whole = schema + table + path
        if schema_is_relative:
            return whole
    if not whole.startswith(data):
        raise StorageError(f"the file {whole} is not in the lake's data folder {data}: it cannot be backed up")
    return whole.removeprefix(data)
