"""Temporary tables of one piece of work: each has a name of its own, and all are dropped at the end.

with TemporaryTables(session) as scratch:
    found = scratch.create("found", "SELECT 1 AS one")
    session.execute(f"FROM {found}")

A function that reads or writes a temporary table takes its name as an argument, so that no table is shared by accident.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from types import TracebackType
from typing import Self

import duckdb

_numbers = itertools.count(1)


class TemporaryTables:
    """Creates temporary tables in a session; a context manager that drops them."""

    def __init__(self, session: duckdb.DuckDBPyConnection) -> None:
        self.session = session
        self._names: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None:
            return  # its transaction may take no more statements; the tables end with the session
        for name in self._names:
            self.session.execute(f"DROP TABLE IF EXISTS {name}")
        self._names.clear()

    def create(self, title: str, query: str, values: Mapping[str, object] | None = None) -> str:
        """Create a table with the result of a query; returns its name as written in SQL, which begins with `title`."""
        name = self._new_name(title)
        self.session.execute(f"CREATE TEMP TABLE {name} AS {query}", dict(values or {}))
        return name

    def create_empty(self, title: str, columns: str) -> str:
        """Create an empty table with these columns, written as in SQL; returns its name as written in SQL."""
        name = self._new_name(title)
        self.session.execute(f"CREATE TEMP TABLE {name} ({columns})")
        return name

    def _new_name(self, title: str) -> str:
        name = f'temp."{title}_{next(_numbers)}"'
        self._names.append(name)
        return name
