"""What one landed dataset brings, as the temporary table `incoming`: one row per record, duplicates settled."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sync_platform.lake.rows import TypedRows

SLICE_BYTES = 100_000_000
MIN_SLICE_ROWS = 1_000


@dataclass(frozen=True)
class Arrival:
    """Counts of what came: `rows` distinct records, `duplicates` beyond them, `conflicts` that differ in content."""

    rows: int
    duplicates: int
    conflicts: int


def load_incoming(session: duckdb.DuckDBPyConnection, typed: TypedRows) -> Arrival:
    """Read the landed rows into `temp.incoming`; of several under one `source_id` the latest counts.

    The latest is the one with the largest `cursor` column; without one, or between equals, the smallest content hash,
    so that the order of arrival never decides. Column `slice` numbers shares of the rows that fit in memory many times
    over: they are written one after the other.
    """
    reader = typed.reader()
    session.execute(
        "CREATE OR REPLACE TEMP TABLE incoming AS "
        f"SELECT *, CAST((row_number() OVER () - 1) // {_slice_rows(typed)} AS INTEGER) AS slice FROM reader"
    )
    del reader
    received, rows = _one(session, "SELECT count(*), count(DISTINCT source_id) FROM temp.incoming")
    if received == rows:
        return Arrival(rows, 0, 0)
    (conflicts,) = _one(
        session,
        "SELECT count(*) FROM (SELECT source_id FROM temp.incoming GROUP BY source_id "
        "HAVING count(DISTINCT content_hash) > 1)",
    )
    cursor = typed.dataset.cursor
    latest = f'"{cursor}" DESC NULLS LAST, ' if cursor else ""
    session.execute(
        f"""CREATE OR REPLACE TEMP TABLE incoming AS SELECT * FROM temp.incoming
        QUALIFY row_number() OVER (
            PARTITION BY source_id ORDER BY {latest}content_hash, landing_object, landing_line) = 1"""
    )
    return Arrival(rows, received - rows, conflicts)


def _slice_rows(typed: TypedRows) -> int:
    """How many rows are written at a time: about `SLICE_BYTES` of them, as they were received."""
    manifest = typed.landed.manifest
    return max(MIN_SLICE_ROWS, SLICE_BYTES * manifest.records // max(1, manifest.body_bytes))


def _one(session: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = session.execute(query).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always answers one row
    return row
