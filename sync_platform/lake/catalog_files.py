"""The files of the lake: every data and delete file that the catalog names, also those of older snapshots."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sync_platform.lake.compaction import CATALOG


@dataclass(frozen=True)
class CatalogFile:
    """A file: its number in the catalog, its path below the data folder, its table, and its size as committed.

    A path that is not below the data folder stays absolute.
    """

    number: int
    path: str
    schema: str
    table: str
    size_bytes: int


def list_files(session: duckdb.DuckDBPyConnection, after: int = -1) -> list[CatalogFile]:
    """The files with a greater number than `after`, sorted by path.

    DuckLake numbers data and delete files together, in order of commits. It gives a renamed table a second row.
    """
    rows = session.execute(
        f"""WITH files AS (
            SELECT data_file_id AS number, table_id, path, path_is_relative, file_size_bytes
            FROM {CATALOG}.ducklake_data_file WHERE data_file_id > {after}
            UNION ALL
            SELECT delete_file_id, table_id, path, path_is_relative, file_size_bytes
            FROM {CATALOG}.ducklake_delete_file WHERE delete_file_id > {after}
        ), tables AS (
            SELECT t.table_id, arg_max(s.schema_name, t.begin_snapshot) AS schema_name,
                arg_max(t.table_name, t.begin_snapshot) AS table_name,
                arg_max(CASE WHEN t.path_is_relative THEN s.path || t.path ELSE t.path END, t.begin_snapshot) AS folder
            FROM {CATALOG}.ducklake_table t JOIN {CATALOG}.ducklake_schema s USING (schema_id) GROUP BY ALL
        )
        SELECT number, CASE WHEN path_is_relative THEN folder || path ELSE path END, schema_name, table_name,
            file_size_bytes
        FROM files JOIN tables USING (table_id) ORDER BY 2"""
    ).fetchall()
    return [CatalogFile(*row) for row in rows]
