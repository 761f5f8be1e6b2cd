"""What one landed dataset brings, as temporary tables: `incoming`, one row per record, and what goes to quarantine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from sync_platform.lake.row_maker import CONFLICT
from sync_platform.lake.rows import TypedRows

SLICE_BYTES = 50_000_000
MIN_SLICE_ROWS = 1_000
CONTRADICTED = f'[{{"rule":"{CONFLICT}","path":null,"problem":"the record came more than once with different values"}}]'


@dataclass(frozen=True)
class Arrival:
    """Counts of what came: `rows` distinct records to be stored, `duplicates` beyond them, `quarantined` records.

    `held_back` ids came in quarantine only; `contradicting` records of the tally are versions of one that contradicts
    itself. `conflicts` ids came more than once with different values: where no change time settles it, all versions are
    quarantined. `unidentified` ones of the quarantined bear no id that can be read.
    Every record received is a row, a duplicate or quarantined, or none of ours.
    """

    rows: int
    duplicates: int
    quarantined: int
    held_back: int
    contradicting: int
    conflicts: int
    unidentified: int


def load_incoming(session: duckdb.DuckDBPyConnection, typed: TypedRows) -> Arrival:
    """Read the landed rows into `temp.incoming`; of several under one `source_id` the latest counts.

    The latest is the one with the largest `cursor` column. Where none is the latest and they differ, nobody knows which
    is right: none is taken, and what is held stays.
    Column `slice` numbers shares of the rows that fit in memory many times over: they are written one after the other.
    Records that cannot be stored go to `temp.quarantined` (source_id, landing_object, landing_line, problems as JSON),
    and ids of which nothing else came to `temp.held_back` (source_id).
    """
    _read(session, typed)
    session.execute(
        """CREATE OR REPLACE TEMP TABLE quarantined AS
        SELECT source_id, landing_object, landing_line, problems FROM temp.incoming WHERE problems IS NOT NULL"""
    )
    if _one(session, "SELECT count(*) FROM temp.quarantined"):
        session.execute("DELETE FROM temp.incoming WHERE problems IS NOT NULL")
    received = _one(session, "SELECT count(*) FROM temp.incoming")
    conflicts = _settle_repeated(session, typed)
    rows = _one(session, "SELECT count(*) FROM temp.incoming")
    session.execute(
        """CREATE OR REPLACE TEMP TABLE held_back AS
        SELECT DISTINCT source_id FROM temp.quarantined q ANTI JOIN temp.incoming i ON i.source_id = q.source_id
        WHERE source_id IS NOT NULL"""
    )
    quarantined, unidentified, contradicting = session.execute(
        f"""SELECT count(*), count(*) FILTER (source_id IS NULL), count(*) FILTER (problems = '{CONTRADICTED}')
        FROM temp.quarantined"""
    ).fetchall()[0]
    held_back = _one(session, "SELECT count(*) FROM temp.held_back")
    duplicates = received - contradicting - rows
    return Arrival(rows, duplicates, quarantined, held_back, contradicting, conflicts, unidentified)


def _read(session: duckdb.DuckDBPyConnection, typed: TypedRows) -> None:
    """Slice by slice: what one statement reads and spills, DuckDB's allocator keeps for a while. A million rows that
    came at once took 1 GB for that long."""
    reader = typed.reader()
    rows = reader.schema.empty_table()
    session.execute("CREATE OR REPLACE TEMP TABLE incoming AS SELECT *, CAST(0 AS INTEGER) AS slice FROM rows")
    for number, rows in enumerate(_slices(reader, _slice_rows(typed))):
        _insert(session, rows, number)


def _insert(session: duckdb.DuckDBPyConnection, rows: pa.Table, number: int) -> None:
    session.execute(f"INSERT INTO temp.incoming SELECT *, {number} FROM rows")


def _slices(reader: pa.RecordBatchReader, least_rows: int) -> Iterator[pa.Table]:
    """The reader's batches in shares of at least so many rows, but for the last."""
    batches: list[pa.RecordBatch] = []
    count = 0
    for batch in reader:
        batches.append(batch)
        count += batch.num_rows
        if count >= least_rows:
            yield pa.Table.from_batches(batches)
            batches, count = [], 0
    if batches:
        yield pa.Table.from_batches(batches)


def _settle_repeated(session: duckdb.DuckDBPyConnection, typed: TypedRows) -> int:
    """Leave one row per `source_id`, or none where nobody knows which; how many ids came with different values."""
    session.execute(
        """CREATE OR REPLACE TEMP TABLE repeated AS
        SELECT source_id, count(DISTINCT content_hash) > 1 AS differs FROM temp.incoming
        GROUP BY source_id HAVING count(*) > 1"""
    )
    if not _one(session, "SELECT count(*) FROM temp.repeated"):
        return 0
    cursor = typed.dataset.cursor
    latest = f'"{cursor}" DESC NULLS LAST' if cursor else "true"
    session.execute(
        f"""CREATE OR REPLACE TEMP TABLE latest AS
        SELECT *, count(DISTINCT content_hash) OVER (PARTITION BY source_id) > 1 AS contradicts FROM (
            SELECT * FROM temp.incoming SEMI JOIN temp.repeated USING (source_id)
            QUALIFY rank() OVER (PARTITION BY source_id ORDER BY {latest}) = 1)"""
    )
    session.execute(
        f"""INSERT INTO temp.quarantined SELECT source_id, landing_object, landing_line, '{CONTRADICTED}'
        FROM temp.incoming WHERE source_id IN (SELECT source_id FROM temp.latest WHERE contradicts)"""
    )
    session.execute("DELETE FROM temp.incoming WHERE source_id IN (SELECT source_id FROM temp.repeated)")
    session.execute(
        """INSERT INTO temp.incoming BY NAME
        SELECT * EXCLUDE (contradicts) FROM temp.latest WHERE NOT contradicts
        QUALIFY row_number() OVER (PARTITION BY source_id ORDER BY landing_object, landing_line) = 1"""
    )
    return _one(session, "SELECT count(*) FROM temp.repeated WHERE differs")


def _slice_rows(typed: TypedRows) -> int:
    """How many rows are written at a time: about `SLICE_BYTES` of them, as they were received."""
    manifest = typed.landed.manifest
    return max(MIN_SLICE_ROWS, SLICE_BYTES * manifest.records // max(1, manifest.body_bytes))


def _one(session: duckdb.DuckDBPyConnection, query: str) -> int:
    row = session.execute(query).fetchone()
    assert row is not None  # noqa: S101 - an aggregate always answers one row
    return int(row[0])
