"""The lake at one moment, as every section of the report reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

import duckdb

from sync_platform.compliance.span import Span
from sync_platform.storage.lake_connection import LAKE

OWN_TO_DATASETS = {"source_id", "content_hash", "landing_object", "removed_at"}
Name = tuple[str, str]
"""A dataset: its platform and its name, which are also its table's schema and name."""


@dataclass(frozen=True)
class View:
    """A session on one snapshot of the lake, the history's table, the span that is asked about, and what time it is."""

    session: duckdb.DuckDBPyConnection
    history: str
    span: Span
    now: datetime

    def has(self, table: str) -> bool:
        """Whether a table is there, named `schema.table`."""
        return table in self._columns

    def rows(self, query: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The answer; `$first` and `$last` in the query are the span's ends."""
        bounds = {"first": self.span.first, "last": self.span.last}
        named = {name: value for name, value in bounds.items() if f"${name}" in query}
        return self.session.execute(query, {**named, **(values or {})}).fetchall()

    def columns(self, name: Name) -> dict[str, str]:
        """The columns of a dataset's table with what they are described as; none where there is no table."""
        return self._columns.get(".".join(name), {})

    def tables(self) -> set[Name]:
        """The tables of datasets, declared or not; by their columns, which no other table has."""
        found = (table for table, columns in self._columns.items() if columns.keys() >= OWN_TO_DATASETS)
        return {(schema, table) for schema, table in (name.split(".") for name in found)}

    def datasets_of_runs(self) -> set[Name]:
        """Every dataset that was ever synced, as `sync.runs` tells."""
        if not self.has("sync.runs"):
            return set()
        return set(self.rows(f"SELECT DISTINCT platform, dataset FROM {LAKE}.sync.runs WHERE dataset IS NOT NULL"))

    @cached_property
    def _columns(self) -> dict[str, dict[str, str]]:
        """By table, its columns' names and descriptions: read once, for the catalog is asked each time."""
        query = "SELECT schema_name || '.' || table_name, column_name, coalesce(comment, '') FROM duckdb_columns()"
        found: dict[str, dict[str, str]] = {}
        for table, column, described in self.rows(f"{query} WHERE database_name = $lake", {"lake": LAKE}):
            found.setdefault(table, {})[column] = described
        return found
