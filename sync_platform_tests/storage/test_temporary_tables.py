"""Temporary tables belong to the `TemporaryTables` that made them."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from sync_platform.storage.temporary_tables import TemporaryTables


@pytest.fixture
def session() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as session:
        yield session


def _tables(session: duckdb.DuckDBPyConnection) -> int:
    return len(session.execute("FROM duckdb_tables() WHERE temporary").fetchall())


def test_two_tables_of_one_title_are_two_tables(session: duckdb.DuckDBPyConnection) -> None:
    with TemporaryTables(session) as outer, TemporaryTables(session) as inner:
        one = outer.create("found", "SELECT $number AS number", {"number": 1})
        other = inner.create("found", "SELECT 2 AS number")
        assert session.execute(f"FROM {one} UNION ALL FROM {other}").fetchall() == [(1,), (2,)]


def test_they_are_dropped_at_the_end_and_those_of_others_stay(session: duckdb.DuckDBPyConnection) -> None:
    with TemporaryTables(session) as outer:
        kept = outer.create_empty("kept", "number BIGINT")
        with TemporaryTables(session) as inner:
            inner.create("passing", "SELECT 1")
            assert _tables(session) == 2
        assert session.execute(f"FROM {kept}").fetchall() == []
    assert _tables(session) == 0


def test_a_table_that_was_rolled_back_is_ignored_at_the_end(session: duckdb.DuckDBPyConnection) -> None:
    with TemporaryTables(session) as scratch:
        session.execute("BEGIN")
        scratch.create("gone", "SELECT 1")
        session.execute("ROLLBACK")
    assert _tables(session) == 0


def test_an_error_in_a_transaction_is_raised_as_it_is(session: duckdb.DuckDBPyConnection) -> None:
    session.execute("BEGIN")
    with pytest.raises(duckdb.CatalogException, match="nowhere"), TemporaryTables(session) as scratch:
        scratch.create("found", "SELECT 1")
        session.execute("FROM nowhere")
