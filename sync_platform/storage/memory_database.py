"""A DuckDB database in memory. The only place that opens one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import duckdb


def memory_database(config: Mapping[str, Any] | None = None) -> duckdb.DuckDBPyConnection:
    """A new, empty database, which prints nothing: DuckDB shows a progress bar on standard output after two seconds."""
    connection = duckdb.connect(config=dict(config or {}))
    connection.execute("SET enable_progress_bar = false")
    return connection
