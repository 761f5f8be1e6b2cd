"""Landed records become typed rows: decoded against the contract, hashed, and handed on in Arrow batches.

A record that does not fit is rejected with the path of its fault; its neighbours go on, and it stays in landing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

import msgspec
import orjson
import pyarrow as pa

from sync_platform.lake.schema import ARROW_TYPES, columns_of
from sync_platform.landing.reader import Landed
from sync_platform.sources.declaration import Dataset, Platform, Row

MOST_REJECTIONS_KEPT = 100
OUT_OF_RANGE = (pa.ArrowInvalid, OverflowError, UnicodeEncodeError)
_Found = tuple[int, Row, bool]
"""A record's line, its row, and whether the source says that it is gone."""


@dataclass(frozen=True)
class Rejection:
    """A landed record that does not fit the contract: where it stands, and what is wrong at which path."""

    landing_object: str
    landing_line: int
    url: str
    problem: str

    def __str__(self) -> str:
        return f"{self.problem} ({self.url}; {self.landing_object}:{self.landing_line})"


@dataclass
class TypedRows:
    """The rows of one landed dataset, streamed; what was rejected is known once the stream is read."""

    landed: Landed
    platform: Platform
    rejected: int = 0
    rejections: list[Rejection] = field(default_factory=list)
    unknown_fields: set[str] = field(default_factory=set)
    not_ours: int = 0

    @property
    def dataset(self) -> Dataset:
        return self.platform.dataset(self.landed.manifest.dataset)

    @property
    def schema(self) -> pa.Schema:
        """Arrow schema: the row's columns, `content_hash`, `deleted`, `landing_object`, `landing_line`."""
        own = [pa.field(column.name, ARROW_TYPES[column.sql_type]) for column in columns_of(self.dataset.row)]
        return pa.schema(
            [
                *own,
                ("content_hash", pa.string()),
                ("deleted", pa.bool_()),
                ("landing_object", pa.string()),
                ("landing_line", pa.int64()),
            ]
        )

    def reader(self) -> pa.RecordBatchReader:
        """The rows as Arrow batches, one landing object at a time; read once."""
        return pa.RecordBatchReader.from_batches(self.schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        schema = self.schema
        for key, body in self.landed.objects():
            found = self._typed(key, body)
            try:
                if found:
                    yield self._batch(schema, key, found)
            except OUT_OF_RANGE:  # at least one row has a value that its column cannot hold: find out which
                storable = [one for one in found if self._is_storable(schema, key, one)]
                if storable:
                    yield self._batch(schema, key, storable)

    def _batch(self, schema: pa.Schema, key: str, found: list[_Found]) -> pa.RecordBatch:
        names = [column.name for column in columns_of(self.dataset.row)]
        values = attrgetter(*names) if len(names) > 1 else lambda row: (getattr(row, names[0]),)
        lines, rows, deleted = map(list, zip(*found, strict=True))
        columns: list[Any] = [list(column) for column in zip(*map(values, rows), strict=True)]
        columns += [self._hashes(rows), deleted, [key] * len(rows), lines]
        arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
        return pa.RecordBatch.from_arrays(arrays, schema=schema)

    def _is_storable(self, schema: pa.Schema, key: str, one: _Found) -> bool:
        """Whether every column can hold its value; rejects the record otherwise."""
        line, row, _ = one
        for column in columns_of(self.dataset.row):
            try:
                pa.array([getattr(row, column.name)], schema.field(column.name).type)
            except OUT_OF_RANGE:
                self._reject(key, line, f"the record cannot become a row: {column.name} does not fit {column.sql_type}")
                return False
        return True

    def _typed(self, key: str, body: bytes) -> list[_Found]:
        records = self._decoded(key, body)
        marks = self._deletion_marks(body) if self.dataset.deleted else None
        found: list[_Found] = []
        to_row = self.dataset.to_row
        for line, record in enumerate(records, 1):
            if record is None:
                continue
            try:
                row = to_row(record)
            except (ValueError, TypeError, KeyError, ArithmeticError) as error:
                self._reject(key, line, f"the record cannot become a row: {error}")
                continue
            if row is None:
                self.not_ours += 1
                continue
            if not row.source_id.strip():
                self._reject(key, line, "the record's id is empty")
                continue
            found.append((line, row, bool(marks and marks[line - 1])))
        return found

    def _decoded(self, key: str, body: bytes) -> list[Any]:
        """Every line decoded to the wire shape; None in the place of a rejected one. The first object of a sync is
        also searched for fields that the contract does not know."""
        if not self.unknown_fields and key.endswith("-000001.ndjson.zst"):
            self._find_unknown_fields(body)
        decoder = msgspec.json.Decoder(self.dataset.wire)
        try:
            return decoder.decode_lines(body)
        except (msgspec.DecodeError, RecursionError):
            pass  # at least one line does not fit: find out which
        decoded: list[Any] = []
        for line, text in enumerate(body.splitlines(), 1):
            try:
                decoded.append(decoder.decode(text))
            except (msgspec.DecodeError, RecursionError) as error:
                self._reject(key, line, str(error))
                decoded.append(None)
        return decoded

    def _deletion_marks(self, body: bytes) -> list[bool]:
        return [bool(orjson.loads(line).get(self.dataset.deleted)) for line in body.splitlines()]

    def _hashes(self, rows: list[Row]) -> list[str]:
        """Per row: SHA-256, first 128 bits, of its JSON without absent and volatile columns."""
        encoder = msgspec.json.Encoder(order="deterministic")
        volatile = self.dataset.volatile
        if not volatile:
            return [hashlib.sha256(encoder.encode(row)).hexdigest()[:32] for row in rows]
        hashes = []
        for row in rows:
            lasting = {name: value for name, value in msgspec.to_builtins(row).items() if name not in volatile}
            hashes.append(hashlib.sha256(encoder.encode(lasting)).hexdigest()[:32])
        return hashes

    def _find_unknown_fields(self, body: bytes) -> None:
        known = {field.encode_name for field in msgspec.structs.fields(self.dataset.wire)}
        known |= set(self.dataset.key) | {self.dataset.deleted or ""}
        for line in body.splitlines():
            self.unknown_fields |= orjson.loads(line).keys() - known

    def _reject(self, key: str, line: int, problem: str) -> None:
        self.rejected += 1
        if len(self.rejections) < MOST_REJECTIONS_KEPT:
            page = self.landed.page_of(key, line)
            self.rejections.append(Rejection(key, line, page.bodies[0].url if page.bodies else "", problem))
