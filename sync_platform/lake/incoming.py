"""What one observation brings, as temporary tables: one row per record to be stored, and what goes to quarantine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
import polars as pl
import pyarrow as pa

from sync_platform.lake.row_maker import CONFLICT
from sync_platform.lake.rows import TypedRows
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.storage.temporary_tables import TemporaryTables

SLICE_BYTES = 50_000_000
MIN_SLICE_ROWS = 1_000
FRAME_SLICE_ROWS = 5_000  # the history of such rows is text of several kB each, and DuckDB holds it while it writes
CONTRADICTED = f'[{{"rule":"{CONFLICT}","path":null,"problem":"the record came more than once with different values"}}]'


@dataclass(frozen=True)
class Incoming:
    """What is compared with a table, as names of temporary tables.

    `rows`: the table's own columns, `deleted` (the row ends), and `slice`, which numbers shares of the rows that fit in
    memory many times over: they are written one after the other. Of landed records also `content_hash`,
    `landing_object` and `landing_line`. `held_back`: keys of records that came, but in quarantine only; None for none.
    """

    rows: str
    held_back: str | None = None


@dataclass(frozen=True)
class Arrival:
    """What a landed dataset brings: its rows, the relation of its quarantined records, and counts.

    `quarantine`: name of the temporary table of records that cannot be stored (source_id, landing_object, landing_line,
    problems as JSON). `rows` distinct records are stored, with `duplicates` beyond them; `quarantined` records are not.
    `held_back` ids came in quarantine only. `contradicting` quarantined records are versions of one that contradicts
    itself. `conflicts` ids came more than once with different values; where no change time settles it, all versions are
    quarantined. `unidentified` quarantined records have no id that can be read.
    Every record received is a row, a duplicate, quarantined, or out of scope.
    """

    incoming: Incoming
    quarantine: str
    rows: int
    duplicates: int
    quarantined: int
    held_back: int
    contradicting: int
    conflicts: int
    unidentified: int

    @property
    def missing(self) -> list[str]:
        """Why the records do not count as all that the source has, in words."""
        if not self.unidentified:
            return []
        return [f"{self.unidentified:,} records in quarantine bear no id that can be read"]

    def blemishes(self, quarantined: list[str]) -> list[str]:
        """What is wrong with the records, in words, with the first of the quarantined ones; no other row is kept from
        retirement by it."""
        reasons = []
        if self.quarantined:
            reasons.append(f"{self.quarantined:,} records are in quarantine, such as {quarantined[0]}")
        if self.conflicts:
            reasons.append(f"{self.conflicts:,} records came more than once with different values")
        return reasons


def load_incoming(scratch: TemporaryTables, typed: TypedRows) -> Arrival:
    """Read the landed rows; of several under one `source_id` the latest counts.

    The latest is the one with the largest `cursor` column. Where none is the latest and they differ, it is unknown
    which is right: all are quarantined, and the stored row stays.
    """
    session = scratch.session
    rows = _read(scratch, typed)
    quarantine = scratch.create(
        "quarantined",
        f"SELECT source_id, landing_object, landing_line, problems FROM {rows} WHERE problems IS NOT NULL",
    )
    if _count(session, f"FROM {quarantine}"):
        session.execute(f"DELETE FROM {rows} WHERE problems IS NOT NULL")
    received = _count(session, f"FROM {rows}")
    conflicts = _settle_repeated(session, rows, quarantine, typed.dataset.cursor)
    distinct = _count(session, f"FROM {rows}")
    held_back = scratch.create(
        "held_back",
        f"""SELECT DISTINCT source_id FROM {quarantine} q ANTI JOIN {rows} i ON i.source_id = q.source_id
        WHERE source_id IS NOT NULL""",
    )
    quarantined, unidentified, contradicting = session.execute(
        f"""SELECT count(*), count(*) FILTER (source_id IS NULL), count(*) FILTER (problems = '{CONTRADICTED}')
        FROM {quarantine}"""
    ).fetchall()[0]
    return Arrival(
        Incoming(rows, held_back),
        quarantine,
        rows=distinct,
        duplicates=received - contradicting - distinct,
        quarantined=quarantined,
        held_back=_count(session, f"FROM {held_back}"),
        contradicting=contradicting,
        conflicts=conflicts,
        unidentified=unidentified,
    )


def load_frame(scratch: TemporaryTables, table: TrackedTable, frame: pl.DataFrame) -> Incoming:
    """Rows that were worked out here: a frame of the table's columns, and `ended` for a row that is to be removed."""
    own = ", ".join(f'"{column.name}"::{column.sql_type} AS "{column.name}"' for column in table.columns)
    scratch.session.register("worked_out", frame.to_arrow())
    try:
        number = f"((row_number() OVER () - 1) // {FRAME_SLICE_ROWS})::INTEGER"
        rows = scratch.create("incoming", f"SELECT {own}, ended AS deleted, {number} AS slice FROM worked_out")
    finally:
        scratch.session.unregister("worked_out")
    return Incoming(rows)


def _read(scratch: TemporaryTables, typed: TypedRows) -> str:
    """Slice by slice: what one statement reads and spills, DuckDB's allocator keeps for a while. A million rows that
    came at once took 1 GB for that long."""
    reader = typed.reader()
    scratch.session.register("no_rows", reader.schema.empty_table())
    table = scratch.create("incoming", "SELECT *, CAST(0 AS INTEGER) AS slice FROM no_rows")
    scratch.session.unregister("no_rows")
    for number, rows in enumerate(_slices(reader, _slice_rows(typed))):
        _insert(scratch.session, table, rows, number)
    return table


def _insert(session: duckdb.DuckDBPyConnection, table: str, rows: pa.Table, number: int) -> None:
    session.execute(f"INSERT INTO {table} SELECT *, {number} FROM rows")


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


def _settle_repeated(session: duckdb.DuckDBPyConnection, rows: str, quarantine: str, cursor: str | None) -> int:
    """Leave one row per `source_id`, or none where it is unknown which; how many ids came with different values."""
    with TemporaryTables(session) as scratch:
        repeated = scratch.create(
            "repeated",
            f"""SELECT source_id, count(DISTINCT content_hash) > 1 AS differs FROM {rows}
            GROUP BY source_id HAVING count(*) > 1""",
        )
        if not _count(session, f"FROM {repeated}"):
            return 0
        order = f'"{cursor}" DESC NULLS LAST' if cursor else "true"
        latest = scratch.create(
            "latest",
            f"""SELECT *, count(DISTINCT content_hash) OVER (PARTITION BY source_id) > 1 AS contradicts FROM (
                SELECT * FROM {rows} SEMI JOIN {repeated} USING (source_id)
                QUALIFY rank() OVER (PARTITION BY source_id ORDER BY {order}) = 1)""",
        )
        session.execute(
            f"""INSERT INTO {quarantine} SELECT source_id, landing_object, landing_line, '{CONTRADICTED}'
            FROM {rows} WHERE source_id IN (SELECT source_id FROM {latest} WHERE contradicts)"""
        )
        session.execute(f"DELETE FROM {rows} WHERE source_id IN (SELECT source_id FROM {repeated})")
        session.execute(
            f"""INSERT INTO {rows} BY NAME
            SELECT * EXCLUDE (contradicts) FROM {latest} WHERE NOT contradicts
            QUALIFY row_number() OVER (PARTITION BY source_id ORDER BY landing_object, landing_line) = 1"""
        )
        return _count(session, f"FROM {repeated} WHERE differs")


def _slice_rows(typed: TypedRows) -> int:
    """How many rows are written at a time: about `SLICE_BYTES` of them, as they were received."""
    manifest = typed.landed.manifest
    return max(MIN_SLICE_ROWS, SLICE_BYTES * manifest.records // max(1, manifest.body_bytes))


def _count(session: duckdb.DuckDBPyConnection, source: str) -> int:
    row = session.execute(f"SELECT count(*) {source}").fetchone()
    assert row is not None  # noqa: S101 - an aggregate always answers one row
    return int(row[0])
