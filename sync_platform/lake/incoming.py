"""The incoming rows of one observation, as temporary tables: rows to be stored, and records for quarantine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import duckdb
import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from sync_platform.lake.corrected_values import ValueCorrection, correct_incoming, shown_right
from sync_platform.lake.erased_rows import erase_incoming
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset
from sync_platform.storage.temporary_tables import TemporaryTables

if TYPE_CHECKING:  # a command that parses no records does not load their contracts, which takes a second
    from sync_platform.lake.rows import TypedRows

SLICE_BYTES = 50_000_000
MIN_SLICE_ROWS = 1_000
VECTOR_ROWS = 2_048  # that DuckDB works on at once; to write their versions as JSON, it takes 16 times their size
MAX_VECTOR_BYTES = 8_000_000  # of text
MANY_BYTES = 64_000_000  # of rows; to compare 120 MB of them with what is stored takes more than the usual memory
MORE_MEMORY = "512MB"  # for so many bytes: enough for 300,000 rows of 1.6 kB, because DuckDB spills the rest
MOST_MEMORY = "1GB"  # for rows with long texts, and for replaying a dataset's whole history
FRAME_SLICE_ROWS = 5_000  # the history of a computed row is several kB of text, which DuckDB keeps while it writes
CONFLICT = "conflict"
"""A rule of every dataset: all records of one id have the same values."""


def _conflict(problem: str) -> str:
    return f'[{{"rule":"{CONFLICT}","path":null,"problem":"{problem}"}}]'


CONTRADICTED = _conflict("the record came more than once with different values")
LIVE_AND_DELETED = _conflict("the record came both live and deleted, and no change time shows which is later")


VERSION = "CASE WHEN deleted THEN 'deleted' ELSE content_hash END"
"""SQL: equal for records of one id that say the same."""


@dataclass(frozen=True)
class IncomingRows:
    """The rows that are compared with a table, as names of temporary tables.

    `rows`: the table's own columns, `deleted` (the row ends), and for landed records `content_hash`, `landing_object`
    and `landing_line`. Its column `slice` numbers small parts of the rows, which are written one after the other.
    `only_quarantined`: keys whose records are all in quarantine; None for none.
    """

    rows: str
    only_quarantined: str | None = None


@dataclass(frozen=True)
class Arrival:
    """The content of a landed dataset: its rows, the relation of its quarantined records, and counts.

    `quarantine`: name of the temporary table of records that cannot be stored (source_id, landing_object, landing_line,
    problems as JSON; record_hash where there is no id). The counts: `rows`, the distinct records to be stored;
    `duplicates`, further records with the same id; `quarantined`, records not stored; `only_quarantined`, ids with all
    records in quarantine; `conflicts`, ids that came more than once with different values; `contradicting`, quarantined
    versions of such an id, where no change time shows which is the latest; `unidentified`, quarantined records without
    a readable id. `passed_on`: the corrections whose right value the source shows. `memory`: how much writing the rows
    needs (such as `1GB`), where that is more than usual.
    Every record received is a row, a duplicate, quarantined, or out of scope.
    """

    incoming: IncomingRows
    quarantine: str
    rows: int
    duplicates: int
    quarantined: int
    only_quarantined: int
    contradicting: int
    conflicts: int
    unidentified: int
    passed_on: tuple[ValueCorrection, ...] = ()
    memory: str | None = None

    @property
    def missing(self) -> list[str]:
        """Why the list of records is not complete, in words."""
        if not self.unidentified:
            return []
        return [f"{self.unidentified:,} records in quarantine have no readable id"]

    def defects(self, quarantined: list[str]) -> list[str]:
        """What is wrong with the records, in words; it does not prevent the retirement of other rows.

        `quarantined`: descriptions of the first quarantined records.
        """
        reasons = []
        if self.quarantined:
            reasons.append(f"{self.quarantined:,} records are in quarantine, such as {quarantined[0]}")
        if self.conflicts:
            reasons.append(f"{self.conflicts:,} records came more than once with different values")
        return reasons


def load_incoming(scratch: TemporaryTables, typed: TypedRows) -> Arrival:
    """Read the landed rows. If several have the same `source_id`, the latest is used.

    The latest has the largest value in the `cursor` column; a record without a value may be the latest too. Where
    several may be the latest and differ, it is unknown which is right: all are quarantined, and the stored row stays.
    Tombstones of one id do not differ. Rows of erased persons have the erased form, and corrected values are right.
    """
    session = scratch.session
    rows, memory = _read(scratch, typed)
    quarantine = scratch.create(
        "quarantined",
        f"""SELECT source_id, landing_object, landing_line, problems,
            CASE WHEN source_id IS NULL THEN content_hash END AS record_hash
        FROM {rows} WHERE problems IS NOT NULL""",
    )
    if _count(session, f"FROM {quarantine}"):
        session.execute(f"DELETE FROM {rows} WHERE problems IS NOT NULL")
    erase_incoming(scratch, rows, typed.dataset, typed.erased)
    corrections = typed.applied_corrections()
    passed_on = shown_right(session, rows, typed.dataset, corrections, typed.landed.manifest.observed_at)
    correct_incoming(scratch, rows, typed.dataset, corrections)
    received = _count(session, f"FROM {rows}")
    conflicts = _resolve_repeated(session, rows, quarantine, typed.dataset)
    distinct = _count(session, f"FROM {rows}")
    only_quarantined = scratch.create(
        "only_quarantined",
        f"""SELECT DISTINCT source_id FROM {quarantine} q ANTI JOIN {rows} i ON i.source_id = q.source_id
        WHERE source_id IS NOT NULL""",
    )
    quarantined, unidentified, contradicting = session.execute(
        f"""SELECT count(*), count(*) FILTER (source_id IS NULL),
            count(*) FILTER (problems IN ('{CONTRADICTED}', '{LIVE_AND_DELETED}'))
        FROM {quarantine}"""
    ).fetchall()[0]
    return Arrival(
        IncomingRows(rows, only_quarantined),
        quarantine,
        rows=distinct,
        duplicates=received - contradicting - distinct,
        quarantined=quarantined,
        only_quarantined=_count(session, f"FROM {only_quarantined}"),
        contradicting=contradicting,
        conflicts=conflicts,
        unidentified=unidentified,
        passed_on=tuple(passed_on),
        memory=memory,
    )


def load_frame(scratch: TemporaryTables, table: TrackedTable, frame: pl.DataFrame) -> IncomingRows:
    """Load computed rows: a frame with the table's columns, and `ended` for a row that is to be removed."""
    columns = ", ".join(f'"{column.name}"::{column.sql_type} AS "{column.name}"' for column in table.columns)
    scratch.session.register("worked_out", frame.to_arrow())
    try:
        number = f"((row_number() OVER () - 1) // {FRAME_SLICE_ROWS})::INTEGER"
        rows = scratch.create("incoming", f"SELECT {columns}, ended AS deleted, {number} AS slice FROM worked_out")
    finally:
        scratch.session.unregister("worked_out")
    return IncomingRows(rows)


def _read(scratch: TemporaryTables, typed: TypedRows) -> tuple[str, str | None]:
    """Read the rows slice by slice, because DuckDB keeps the memory of one statement for a while: a million rows in one
    statement took 1 GB. Returns the table, and the memory that writing its rows needs, where it is more than usual.
    """
    reader = typed.reader()
    scratch.session.register("no_rows", reader.schema.empty_table())
    table = scratch.create("incoming", "SELECT *, CAST(0 AS INTEGER) AS slice FROM no_rows")
    scratch.session.unregister("no_rows")
    size, has_long_texts = 0, False
    for number, (rows, is_part) in enumerate(_slices(reader, _slice_rows(typed))):
        _insert(scratch.session, table, rows, number)
        size, has_long_texts = size + rows.nbytes, has_long_texts or is_part
    return table, MOST_MEMORY if has_long_texts else MORE_MEMORY if size > MANY_BYTES else None


def _insert(session: duckdb.DuckDBPyConnection, table: str, rows: pa.Table, number: int) -> None:
    session.execute(f"INSERT INTO {table} SELECT *, {number} FROM rows")


def _slices(reader: pa.RecordBatchReader, least_rows: int) -> Iterator[tuple[pa.Table, bool]]:
    """The reader's batches, joined into tables of at least `least_rows` rows; the last may be smaller.

    A batch with long texts is divided into smaller tables, each with True.
    """
    batches: list[pa.RecordBatch] = []
    count = 0
    for batch in reader:
        sizes = _text_bytes_by_row(batch)
        if _largest_vector_bytes(sizes) > MAX_VECTOR_BYTES:
            yield from ((pa.Table.from_batches([part]), True) for part in _light_parts(batch, sizes))
            continue
        batches.append(batch)
        count += batch.num_rows
        if count >= least_rows:
            yield pa.Table.from_batches(batches), False
            batches, count = [], 0
    if batches:
        yield pa.Table.from_batches(batches), False


def _text_bytes_by_row(batch: pa.RecordBatch) -> npt.NDArray[np.int64]:
    """The size of all texts of each row in UTF-8, without those in lists."""
    sizes = np.zeros(batch.num_rows, np.int64)
    for column in batch.columns:
        if pa.types.is_string(column.type):
            sizes += pc.fill_null(pc.binary_length(column), 0).to_numpy(zero_copy_only=False)
    return sizes


def _largest_vector_bytes(sizes: npt.NDArray[np.int64]) -> int:
    before = np.concatenate([[0], np.cumsum(sizes)])
    return int((before[VECTOR_ROWS:] - before[:-VECTOR_ROWS]).max() if len(sizes) > VECTOR_ROWS else before[-1])


def _light_parts(batch: pa.RecordBatch, sizes: npt.NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
    """Parts of a batch with about half of `MAX_VECTOR_BYTES` of text each, or one row, because an update writes two
    versions."""
    part_of_row = np.cumsum(sizes) // (MAX_VECTOR_BYTES // 2)
    ends = [*(np.flatnonzero(np.diff(part_of_row)) + 1).tolist(), batch.num_rows]
    for start, end in pairwise([0, *ends]):
        yield batch.slice(start, end - start)


def _resolve_repeated(session: duckdb.DuckDBPyConnection, rows: str, quarantine: str, dataset: Dataset) -> int:
    """Keep one row per `source_id`, or none where it is unknown which is right; quarantine those.

    Returns the number of ids that came with different values. The order in which records came decides nothing: of
    records without a difference, the one with the largest volatile values is kept.
    """
    with TemporaryTables(session) as scratch:
        repeated = scratch.create(
            "repeated",
            f"""SELECT source_id, count(DISTINCT {VERSION}) > 1 AS differs FROM {rows}
            GROUP BY source_id HAVING count(*) > 1""",
        )
        if not _count(session, f"FROM {repeated}"):
            return 0
        change_time = f'"{dataset.cursor}"' if dataset.cursor else "NULL"
        latest = scratch.create(
            "latest",
            f"""SELECT *, count(DISTINCT {VERSION}) OVER one_id > 1 AS contradicts,
                count(DISTINCT deleted) OVER one_id > 1 AS is_half_deleted
            FROM (SELECT * FROM {rows} SEMI JOIN {repeated} USING (source_id)
                QUALIFY {change_time} IS NULL OR {change_time} = max({change_time}) OVER (PARTITION BY source_id))
            WINDOW one_id AS (PARTITION BY source_id)""",
        )
        session.execute(
            f"""INSERT INTO {quarantine} BY NAME SELECT source_id, landing_object, landing_line,
                CASE WHEN is_half_deleted THEN '{LIVE_AND_DELETED}' ELSE '{CONTRADICTED}' END AS problems
            FROM {rows} JOIN (SELECT DISTINCT source_id, is_half_deleted FROM {latest} WHERE contradicts)
                USING (source_id)"""
        )
        session.execute(f"DELETE FROM {rows} WHERE source_id IN (SELECT source_id FROM {repeated})")
        session.execute(
            f"""INSERT INTO {rows} BY NAME
            SELECT * EXCLUDE (contradicts, is_half_deleted) FROM {latest} WHERE NOT contradicts
            QUALIFY row_number() OVER (PARTITION BY source_id ORDER BY {_preference(dataset)}) = 1"""
        )
        return _count(session, f"FROM {repeated} WHERE differs")


def _preference(dataset: Dataset) -> str:
    """SQL: the order of the rows of one id that do not differ, best first. It ends with the place in landing."""
    free = [
        column.name
        for column in columns_of(dataset.row)
        if column.name == dataset.cursor or column.name in dataset.volatile or column.is_set or column.one_of
    ]
    return ", ".join([*(f'"{name}" DESC NULLS LAST' for name in free), "landing_object", "landing_line"])


def _slice_rows(typed: TypedRows) -> int:
    """The number of rows per slice: about `SLICE_BYTES` as received."""
    manifest = typed.landed.manifest
    return max(MIN_SLICE_ROWS, SLICE_BYTES * manifest.records // max(1, manifest.body_bytes))


def _count(session: duckdb.DuckDBPyConnection, source: str) -> int:
    row = session.execute(f"SELECT count(*) {source}").fetchone()
    assert row is not None  # noqa: S101 - an aggregate always returns one row
    return int(row[0])
