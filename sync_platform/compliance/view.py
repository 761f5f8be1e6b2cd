"""The lake at one moment, as every section of the report reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from sync_platform.compliance.span import Span
from sync_platform.storage.lake_connection import LAKE

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
        query = "SELECT 1 FROM duckdb_tables() WHERE database_name = ? AND schema_name = ? AND table_name = ?"
        return self.session.execute(query, [LAKE, *table.split(".")]).fetchone() is not None

    def rows(self, query: str, values: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """The answer; `$first` and `$last` in the query are the span's ends."""
        bounds = {"first": self.span.first, "last": self.span.last}
        named = {name: value for name, value in bounds.items() if f"${name}" in query}
        return self.session.execute(query, {**named, **(values or {})}).fetchall()

    def tables(self) -> set[Name]:
        """The tables of datasets, declared or not; by their columns, which no other table has."""
        return set(
            self.rows(
                """SELECT schema_name, table_name FROM duckdb_columns() WHERE database_name = $lake
                AND column_name IN ('source_id', 'content_hash', 'landing_object', 'removed_at')
                GROUP BY ALL HAVING count(*) = 4""",
                {"lake": LAKE},
            )
        )

    def datasets_of_runs(self) -> set[Name]:
        """Every dataset that was ever synced, as `sync.runs` tells."""
        if not self.has("sync.runs"):
            return set()
        return set(self.rows(f"SELECT DISTINCT platform, dataset FROM {LAKE}.sync.runs WHERE dataset IS NOT NULL"))
