"""What one landed dataset brings, as the temporary table `incoming`: one row per record, duplicates settled."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb

from sync_platform.lake.rows import TypedRows


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
    """
    reader = typed.reader()
    session.execute("CREATE OR REPLACE TEMP TABLE incoming AS SELECT * FROM reader")
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
    latest = f'"{cursor}" DESC NULLS LAST' if cursor else "true"
    session.execute(
        f"""CREATE OR REPLACE TEMP TABLE incoming AS
        WITH latest AS (
            SELECT * FROM temp.incoming QUALIFY rank() OVER (PARTITION BY source_id ORDER BY {latest}) = 1)
        SELECT * FROM latest QUALIFY row_number() OVER (
                PARTITION BY source_id ORDER BY landing_object, landing_line) = 1
            AND count(DISTINCT content_hash) OVER (PARTITION BY source_id) = 1"""
    )
    (settled,) = _one(session, "SELECT count(*) FROM temp.incoming")
    return Arrival(settled, received - rows, conflicts)


def _one(session: duckdb.DuckDBPyConnection, query: str) -> tuple[int, ...]:
    row = session.execute(query).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always answers one row
    return row
