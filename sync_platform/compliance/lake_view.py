"""One snapshot of the lake, from which every section of the report is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import duckdb

from sync_platform.compliance.span import Span
from sync_platform.lake.corrected_times import corrected_history
from sync_platform.storage.lake_connection import LAKE

DATASET_COLUMNS = {"source_id", "content_hash", "landing_object", "removed_at"}
Name = tuple[str, str]
"""Platform and dataset, which are also the schema and the name of its table."""


@dataclass(frozen=True)
class LakeView:
    """A session on one snapshot of the lake, the name of its history table, the span of the report, and the time."""

    session: duckdb.DuckDBPyConnection
    history: str
    span: Span
    now: datetime

    def has(self, table: str) -> bool:
        """True if a table exists; it is named `schema.table`."""
        return table in self._columns

    def rows(self, query: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The rows of a query. `$first` and `$last` in it are the ends of the span."""
        bounds = {"first": self.span.first, "last": self.span.last}
        named = {name: value for name, value in bounds.items() if f"${name}" in query}
        return self.session.execute(query, {**named, **(values or {})}).fetchall()

    @cached_property
    def changes(self) -> str:
        """SQL: the relation of all changes."""
        return corrected_history(self.session, self.history)

    def columns(self, name: Name) -> dict[str, str]:
        """The columns of a dataset's table with their descriptions; empty where there is no table."""
        return self._columns.get(".".join(name), {})

    def tables(self) -> set[Name]:
        """The tables of datasets, declared or not. They are recognised by columns that no other table has."""
        tables = (table for table, columns in self._columns.items() if columns.keys() >= DATASET_COLUMNS)
        return {(schema, table) for schema, table in (name.split(".") for name in tables)}

    def datasets_of_runs(self) -> set[Name]:
        """Every dataset that `sync.runs` has a sync of."""
        if not self.has("sync.runs"):
            return set()
        return set(self.rows(f"SELECT DISTINCT platform, dataset FROM {LAKE}.sync.runs WHERE dataset IS NOT NULL"))

    @cached_property
    def _columns(self) -> dict[str, dict[str, str]]:
        """By table, the names and descriptions of its columns; read once, because each query of the catalog is slow."""
        query = "SELECT schema_name || '.' || table_name, column_name, coalesce(comment, '') FROM duckdb_columns()"
        columns: dict[str, dict[str, str]] = {}
        for table, column, described in self.rows(f"{query} WHERE database_name = $lake", {"lake": LAKE}):
            columns.setdefault(table, {})[column] = described
        return columns
