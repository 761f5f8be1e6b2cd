"""Makes typed rows of landed records: decodes, checks against the contract, hashes, and returns them as Arrow batches.

A record that cannot become a row, or that breaks a hard rule, becomes a row with `problems`, for quarantine. The other
records are not affected.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import msgspec
import orjson
import polars as pl
import pyarrow as pa

from sync_platform.lake.content_hashes import content_hashes, line_hash
from sync_platform.lake.schema import ARROW_TYPES
from sync_platform.quality.contract import Contract
from sync_platform.quality.contract_counts import ContractCounts
from sync_platform.quality.drift import Drift
from sync_platform.quality.loose_readings import LooseReadings
from sync_platform.quality.shape import Shape
from sync_platform.quality.shape_sample import ShapeSample
from sync_platform.sources.columns import Row, columns_of
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.decoding import NO_VALUE, NoRow
from sync_platform.sources.loose_records import LooseValue, read_loosely
from sync_platform.sources.source_ids import id_problem
from sync_platform.storage.lake_text import LONGEST_TEXT_BYTES, UNREADABLE, lake_text, lake_value, text_bytes

OUT_OF_RANGE = (pa.ArrowInvalid, OverflowError, UnicodeEncodeError)
_TypedRecord = tuple[int, Row, bool]
"""A record's line, its row, and True if the record is a tombstone."""
_Problems = list[dict[str, str | None]]
"""The problems of one record, each with `rule`, `path` and `problem` (words)."""
LONGEST_PROBLEM = 400  # characters
ESCAPED_NUL = rb"\u0000"  # as a landed line has it
CHECKED_AT_ONCE = 5_000  # rows; checking a few rows takes as long as checking this many
SHAPE = "shape"
"""A rule of every dataset: a record has the declared shape."""


@dataclass(frozen=True)
class RecordSummary:
    """The summary of one dataset's landed records: contract counts, the number out of scope (`not_ours`), and shape.

    `loose`: the fields that were read although they have another form than declared.
    """

    contract_counts: ContractCounts
    not_ours: int
    shape: Shape
    loose: list[Drift]


class RowMaker:
    """Makes rows of the landed objects of one dataset, in the order in which `take` gets them.

    Memory: about `CHECKED_AT_ONCE` rows, and the sample from which the shape is computed.
    """

    def __init__(self, dataset: Dataset) -> None:
        self._dataset = dataset
        self._contract = Contract(dataset)
        self._sample = ShapeSample(has_personal_fields=dataset.personal is not None)
        self._contract_counts, self._not_ours = ContractCounts(), 0
        self._loose = LooseReadings(dataset)
        self._waiting: list[pa.RecordBatch] = []
        self._has_unreadable = False  # in the waiting rows
        self.schema = row_schema(dataset)

    def take(self, key: str, body: bytes) -> Iterator[pa.RecordBatch]:
        """Parse an object, given its key and its lines (NDJSON, UTF-8), and yield the rows that are ready."""
        broken: dict[int, _Problems] = {}
        has_nul = ESCAPED_NUL in body
        records = self._typed_records(key, body, broken, has_nul)
        if any(len(line) > LONGEST_TEXT_BYTES for line in body.splitlines()):
            records = [record for record in records if self._is_short_enough(record, broken)]
        self._has_unreadable |= has_nul or UNREADABLE.encode() in body
        self._sample.take(key, body)
        try:
            batch = self._batch(key, records)
        except OUT_OF_RANGE:  # at least one row has a value that does not fit its column
            batch = self._batch(key, [record for record in records if self._is_storable(record, broken)])
        if broken:
            yield self._unstorable(key, body, broken)
        self._waiting.append(batch)
        if sum(batch.num_rows for batch in self._waiting) >= CHECKED_AT_ONCE:
            yield from self.rest()

    def rest(self) -> Iterator[pa.RecordBatch]:
        """Yield the remaining rows."""
        if self._waiting:
            yield self._checked(pa.concat_batches(self._waiting))
            self._waiting.clear()
            self._has_unreadable = False

    def summary(self) -> RecordSummary:
        return RecordSummary(self._contract_counts, self._not_ours, self._sample.shape(), self._loose.drift())

    def _batch(self, key: str, records: list[_TypedRecord]) -> pa.RecordBatch:
        if not records:
            return pa.RecordBatch.from_pylist([], schema=self.schema)
        names = [column.name for column in columns_of(self._dataset.row)]
        values = attrgetter(*names) if len(names) > 1 else lambda row: (getattr(row, names[0]),)
        lines, rows, deleted = map(list, zip(*records, strict=True))
        columns: list[Any] = [list(column) for column in zip(*map(values, rows), strict=True)]
        columns += [content_hashes(self._dataset, rows), deleted, [key] * len(rows), lines, [None] * len(rows)]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, self.schema, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=self.schema)

    def _checked(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """The batch, with `problems` filled for rows that break hard rules."""
        frame = pl.DataFrame(batch)
        breaches = [*self._contract.breaches(frame), *self._loose.breaches(batch)]
        if self._has_unreadable:
            breaches += self._contract.unreadable(frame)
        self._contract_counts.add(batch, breaches, cells=len(self._contract.names))
        problems: dict[int, _Problems] = {}
        for breach in breaches:
            if breach.is_hard:
                problems.setdefault(breach.row, []).append(
                    {"rule": breach.rule, "path": breach.column, "problem": breach.problem}
                )
        if not problems:
            return batch
        texts = [_as_json(problems[row]) if row in problems else None for row in range(batch.num_rows)]
        index = batch.schema.get_field_index("problems")
        return batch.set_column(index, batch.schema.field(index), pa.array(texts, pa.string()))

    def _unstorable(self, key: str, body: bytes, broken: dict[int, _Problems]) -> pa.RecordBatch:
        """Rows with only `problems` and the hash of their line, for records that cannot become rows; with their ids
        where those are readable."""
        lines = sorted(broken)
        texts = body.splitlines()
        records = [
            {
                **self._identity_of(texts[line - 1]),
                "landing_object": key,
                "landing_line": line,
                "problems": _as_json(broken[line]),
            }
            for line in lines
        ]
        self._contract_counts.add_unparsable(
            key, [(line, broken[line]) for line in lines], cells=len(self._contract.names)
        )
        return pa.RecordBatch.from_pylist(records, schema=self.schema)

    def _identity_of(self, text: bytes) -> dict[str, str | None]:
        """The id of a record that cannot become a row, and the hash of its line, if it has more than the key."""
        try:
            record = orjson.loads(text)
        except orjson.JSONDecodeError:
            record = None
        if not isinstance(record, dict):
            return {"source_id": None, "content_hash": line_hash(text)}
        has_content = any(value is not None for name, value in record.items() if name not in self._dataset.key)
        return {
            "source_id": self._dataset.source_id(record),
            "content_hash": line_hash(text) if has_content else None,
        }

    def _is_storable(self, record: _TypedRecord, broken: dict[int, _Problems]) -> bool:
        """True if every column can store its value; otherwise the problem is added to `broken`."""
        line, row, _ = record
        for column in columns_of(self._dataset.row):
            try:
                pa.array([getattr(row, column.name)], self.schema.field(column.name).type)
            except OUT_OF_RANGE:
                broken[line] = _shape_problem(f"{column.name} does not fit {column.sql_type}", column.name)
                return False
        return True

    def _is_short_enough(self, record: _TypedRecord, broken: dict[int, _Problems]) -> bool:
        """True if no text is too long to be stored; otherwise the problem is added to `broken`."""
        line, row, _ = record
        for column in columns_of(self._dataset.row):
            if (size := text_bytes(getattr(row, column.name))) > LONGEST_TEXT_BYTES:
                most = f"more than the {LONGEST_TEXT_BYTES:,} that are stored"
                broken[line] = _shape_problem(f"{column.name} has {size:,} bytes, {most}", column.name)
                return False
        return True

    def _typed_records(self, key: str, body: bytes, broken: dict[int, _Problems], has_nul: bool) -> list[_TypedRecord]:
        records: list[_TypedRecord] = []
        to_row = self._dataset.to_row
        marks = self._deletion_marks(body) if self._dataset.deleted else None
        for line, record in enumerate(self._decoded(key, body, broken), 1):
            if record is None:
                continue
            try:
                row = to_row(record)
            except NO_VALUE:
                row = self._row_with_gaps(key, line, record, broken)
                if line in broken:
                    continue
            if row is None:
                self._not_ours += 1
                continue
            problem = id_problem(row.source_id)
            if problem:
                broken[line] = _shape_problem(problem, "source_id")
                continue
            if has_nul:
                _replace_nul(row)
            records.append((line, row, bool(marks and marks[line - 1])))
        return records

    def _row_with_gaps(self, key: str, line: int, record: Any, broken: dict[int, _Problems]) -> Row | None:
        try:
            row, unreadable = self._dataset.record_decoding.to_row_with_gaps(record)
        except NO_VALUE as error:
            path = error.path if isinstance(error, NoRow) else None
            broken[line] = _shape_problem(f"the record cannot become a row: {error}", path)
            return None
        self._loose.add_unreadable(key, line, unreadable)
        return row

    def _decoded(self, key: str, body: bytes, broken: dict[int, _Problems]) -> list[Any]:
        """Every line decoded to the wire shape; None for a line that does not have this shape."""
        decoder = msgspec.json.Decoder(self._dataset.wire)
        try:
            return decoder.decode_lines(body)
        except (msgspec.DecodeError, RecursionError):
            pass  # at least one line does not fit: decode line by line to find it
        decoded: list[Any] = []
        for line, text in enumerate(body.splitlines(), 1):
            try:
                decoded.append(decoder.decode(text))
            except (msgspec.DecodeError, RecursionError):
                decoded.append(self._loosely_decoded(key, line, text, broken))
        return decoded

    def _loosely_decoded(self, key: str, line: int, text: bytes, broken: dict[int, _Problems]) -> Any:
        """A line that strict decoding refused, read loosely; None where it cannot be read."""
        loose = LooseValue()
        try:
            wire = self._dataset.wire
            loose = read_loosely(msgspec.json.decode(text), wire, self._dataset.record_decoding.meanings)
            decoded = msgspec.convert(loose.value, wire)
        except (msgspec.DecodeError, RecursionError) as error:
            problem, _, path = str(error).partition(" - at `")
            why = loose.refusals.get(path.rstrip("`"))
            if why:
                problem = f"{problem.partition(' matching regex')[0]}: {why}"
            broken[line] = _shape_problem(problem, path.rstrip("`") or None)
            return None
        self._loose.add(key, line, loose)
        return decoded

    def _deletion_marks(self, body: bytes) -> list[bool]:
        return [self._dataset.is_deleted(orjson.loads(line)) for line in body.splitlines()]


def row_schema(dataset: Dataset) -> pa.Schema:
    """Arrow schema: the row's columns, `content_hash`, `deleted`, `landing_object`, `landing_line`, and `problems`.

    `problems` (JSON) is filled for a record that cannot be stored. The row's other columns, even `source_id`, may then
    be empty.
    """
    own = [pa.field(column.name, ARROW_TYPES[column.sql_type]) for column in columns_of(dataset.row)]
    return pa.schema(
        [
            *own,
            ("content_hash", pa.string()),
            ("deleted", pa.bool_()),
            ("landing_object", pa.string()),
            ("landing_line", pa.int64()),
            ("problems", pa.string()),
        ]
    )


def _replace_nul(row: Row) -> None:
    """Replace each NUL in the texts of a row; the landed line keeps the original."""
    for column in columns_of(type(row)):
        setattr(row, column.name, lake_value(getattr(row, column.name)))


def _shape_problem(problem: str, path: str | None = None) -> _Problems:
    return [{"rule": SHAPE, "path": _shortened(path), "problem": _shortened(problem)}]


def _shortened(text: str | None) -> str | None:
    """The text without its middle where it is long, because a problem quotes the value, which may have megabytes."""
    if text is None:
        return None
    half = LONGEST_PROBLEM // 2
    return lake_text(text if len(text) <= LONGEST_PROBLEM else f"{text[:half]} … {text[-half:]}")


def _as_json(problems: _Problems) -> str:
    return orjson.dumps(problems).decode()
