"""What one landed dataset brings, as the temporary table `incoming`: one row per record, duplicates settled."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sync_platform.lake.rows import TypedRows

SLICE_BYTES = 100_000_000
MIN_SLICE_ROWS = 1_000


@dataclass(frozen=True)
class Arrival:
    """Counts of what came: `rows` distinct records, `duplicates` beyond them, `conflicts` that differ in content.

    A conflict that nothing settles leaves no row: `rows` does not count it.
    """

    rows: int
    duplicates: int
    conflicts: int


def load_incoming(session: duckdb.DuckDBPyConnection, typed: TypedRows) -> Arrival:
    """Read the landed rows into `temp.incoming`; of several under one `source_id` the latest counts.

    The latest is the one with the largest `cursor` column. Where none is the latest and they differ, nobody knows which
    is right: none is taken, and what is held stays.
    Column `slice` numbers shares of the rows that fit in memory many times over: they are written one after the other.
    """
    reader = typed.reader()
    session.execute(
        "CREATE OR REPLACE TEMP TABLE incoming AS "
        f"SELECT *, CAST((row_number() OVER () - 1) // {_slice_rows(typed)} AS INTEGER) AS slice FROM reader"
    )
    del reader
    (received,) = _one(session, "SELECT count(*) FROM temp.incoming")
    session.execute(
        """CREATE OR REPLACE TEMP TABLE repeated AS
        SELECT source_id, count(DISTINCT content_hash) > 1 AS differs FROM temp.incoming
        GROUP BY source_id HAVING count(*) > 1"""
    )
    repeated, conflicts = _one(session, "SELECT count(*), count(*) FILTER (differs) FROM temp.repeated")
    if not repeated:
        return Arrival(received, 0, 0)
    cursor = typed.dataset.cursor
    latest = f'"{cursor}" DESC NULLS LAST' if cursor else "true"
    session.execute(
        f"""CREATE OR REPLACE TEMP TABLE settled AS
        WITH latest AS (
            SELECT * FROM temp.incoming SEMI JOIN temp.repeated USING (source_id)
            QUALIFY rank() OVER (PARTITION BY source_id ORDER BY {latest}) = 1)
        SELECT * FROM latest QUALIFY row_number() OVER (
                PARTITION BY source_id ORDER BY landing_object, landing_line) = 1
            AND count(DISTINCT content_hash) OVER (PARTITION BY source_id) = 1"""
    )
    session.execute("DELETE FROM temp.incoming WHERE source_id IN (SELECT source_id FROM temp.repeated)")
    (distinct,) = _one(session, f"SELECT count(*) + {repeated} FROM temp.incoming")
    session.execute("INSERT INTO temp.incoming BY NAME SELECT * FROM temp.settled")
    (rows,) = _one(session, "SELECT count(*) FROM temp.incoming")
    return Arrival(rows, received - distinct, conflicts)


def _slice_rows(typed: TypedRows) -> int:
    """How many rows are written at a time: about `SLICE_BYTES` of them, as they were received."""
    manifest = typed.landed.manifest
    return max(MIN_SLICE_ROWS, SLICE_BYTES * manifest.records // max(1, manifest.body_bytes))


def _one(session: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = session.execute(query).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always answers one row
    return row
