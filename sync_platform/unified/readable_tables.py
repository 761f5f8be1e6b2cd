"""The tables that others may read as a whole: datasets and unified restaurants, without personal columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import duckdb

from sync_platform.lake.restricted_records import TABLE, is_usable
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.related_records import RECORD_KINDS
from sync_platform.unified.tables import SCHEMA

UNIFIED_TABLES = ("restaurants", "members", "opening_hours", "brands", "branches")
SEALED = "sealed"
"""What the description of a column with personal values ends with."""
LEFT_OUT = frozenset({"compared", "content", "name_key_en", "name_key_zh"})
"""Columns by which a run compares, which say nothing to others."""


@dataclass(frozen=True)
class ReadableTable:
    """A table or a view. `name`: `schema.table`. `has_restricted`: some of its rows may be of restricted records."""

    name: str
    columns: tuple[str, ...]
    has_restricted: bool = False

    def query(self, *, with_removed: bool) -> str:
        """SQL: its rows; only the live ones unless `with_removed`. Restricted records are left out."""
        schema, _, table = self.name.partition(".")
        listed = ", ".join(f'"{name}"' for name in self.columns)
        conditions = ["true"] if with_removed or "removed_at" not in self.columns else ["removed_at IS NULL"]
        if self.has_restricted:
            conditions.append(is_usable(f"'{schema}'", f"'{table}'", "t.source_id", f"{LAKE}.{TABLE}"))
        return f'SELECT {listed} FROM {LAKE}."{schema}"."{table}" AS t WHERE {" AND ".join(conditions)}'


def readable_tables(session: duckdb.DuckDBPyConnection, platforms: Mapping[str, Platform]) -> dict[str, ReadableTable]:
    """The tables that exist, by name."""
    stored = _stored_columns(session)
    personal, is_restricting = dict(_personal_columns(platforms)), TABLE in stored
    own = {f"{platform.name}.{dataset.name}" for platform in platforms.values() for dataset in platform.datasets}
    return {
        name: ReadableTable(
            name, tuple(each for each in stored[name] if each not in hidden), is_restricting and name in own
        )
        for name, hidden in personal.items()
        if name in stored
    }


def _stored_columns(session: duckdb.DuckDBPyConnection) -> dict[str, list[str]]:
    """The columns of every table and view, by `schema.table`."""
    columns: dict[str, list[str]] = {}
    for name, column in session.execute(
        """SELECT schema_name || '.' || table_name, column_name FROM duckdb_columns() WHERE database_name = ?
        ORDER BY schema_name, table_name, column_index""",
        [LAKE],
    ).fetchall():
        columns.setdefault(name, []).append(column)
    return columns


def _personal_columns(platforms: Mapping[str, Platform]) -> Iterator[tuple[str, frozenset[str]]]:
    """By table, the columns that are left out."""
    for name in UNIFIED_TABLES:
        yield f"{SCHEMA}.{name}", LEFT_OUT
    for name, kind in RECORD_KINDS.items():
        yield f"{SCHEMA}.{name}", frozenset(each.name for each in kind.columns if each.description.endswith(SEALED))
    for platform in platforms.values():
        for dataset in platform.datasets:
            sealed = frozenset(each.name for each in columns_of(dataset.row) if each.sealed)
            yield f"{platform.name}.{dataset.name}", sealed
