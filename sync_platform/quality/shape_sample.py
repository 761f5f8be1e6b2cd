"""A sample of the records of one sync, from which their shape is computed.

What belongs here: choosing lines, and collecting the values at their paths. What does not: the meaning of a shape.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from zlib import crc32

import orjson

from sync_platform.quality.shape import (
    MAX_MARKS,
    MAX_PATHS,
    MAX_RECORDS,
    ExampleValue,
    Field,
    Shape,
    bounded,
    parent_of,
)
from sync_platform.vault.sealed_values import PREFIX

MAX_VIEWS = 4 * MAX_PATHS  # while the sample is being read
MAX_DEPTH = 8  # deeper values are ignored
MAX_ELEMENTS = 50  # of an array in one record
MAX_NAME_CHARS = 200
MAX_NAMES = 50  # an object with more names is a map with open keys
MAX_EXAMPLES = 2  # per path and type
EXAMPLE_CHARS = 60
_SPREAD = 2654435769  # 2**32 / golden ratio: CRC-32s alone are not random enough for similar lines
_SEALED = PREFIX.encode()
_TYPES = {
    str: "string", int: "integer", float: "number", bool: "boolean", dict: "object", list: "array", type(None): "null",
}  # fmt: skip
_LETTER, _DIGIT = re.compile(r"[^\W\d_]"), re.compile(r"\d")
_SYNTAX = re.compile(r"[.\[\]*%\x00-\x1f]")


class ShapeSample:
    """Receives landed objects one by one and keeps a sample of their lines; only `shape` parses the lines.

    It keeps the lines with the smallest hashes. That is a random choice over the whole sync, independent of its size
    and of the order of the lines. Memory: the sample and one object's lines.
    `has_personal_fields`: a personal field that arrives under a new name is not sealed. So examples then show only the
    form of a value (`xxx 9999`), and the sample keeps no hashes of values.
    """

    def __init__(self, *, has_personal_fields: bool, most_records: int = MAX_RECORDS) -> None:
        self._has_personal_fields, self._most = has_personal_fields, most_records
        self._limit = 2**32
        self._kept: list[tuple[int, bytes, str, int]] = []

    def take(self, key: str, body: bytes) -> None:
        """Add an object: its key and its landed lines (NDJSON, UTF-8)."""
        for number, line in enumerate(body.splitlines(), 1):
            rank = crc32(line) * _SPREAD & 0xFFFFFFFF
            if rank < self._limit:
                self._kept.append((rank, line, key, number))
        if len(self._kept) >= 2 * self._most:
            self._trim()

    def shape(self) -> Shape:
        """The shape of the lines taken so far."""
        self._trim()
        records = [(orjson.loads(line), key, number) for _, line, key, number in self._kept]
        open_maps: set[str] = set()
        views = self._views(records, open_maps)
        while wide := _too_wide(views):
            open_maps |= wide
            views = self._views(records, open_maps)
        fields = {path: view.field() for path, view in views.items()}
        return bounded(Shape(len(records), fields, sorted(open_maps)))

    def _trim(self) -> None:
        self._kept.sort()
        del self._kept[self._most :]
        if len(self._kept) == self._most:
            self._limit = self._kept[-1][0] + 1  # a line of equal rank may still sort first by its text

    def _views(self, records: list[tuple[Any, str, int]], open_maps: set[str]) -> dict[str, _PathValues]:
        """The view of every path; stops early when it discovers an open map."""
        views: dict[str, _PathValues] = {}
        for record, key, line in records:
            values_by_path: dict[str, dict[str, Any]] = {}
            for name, value in record.items():
                _walk(value, _safe(name), 1, open_maps, values_by_path)
            known = len(views)
            for path, values in values_by_path.items():
                if path not in views and len(views) < MAX_VIEWS:
                    views[path] = _PathValues(self._has_personal_fields)
                if path in views:
                    views[path].add(values, key, line)
            if len(views) > known and _too_wide(views):
                break
        return views


class _PathValues:
    """Collects the values of one path and builds its Field."""

    def __init__(self, has_personal_fields: bool) -> None:
        self._has_personal_fields = has_personal_fields
        self._types: dict[str, int] = {}
        self._filled, self._sealed = 0, False
        self._marks: set[int] = set()
        self._examples: dict[
            str, dict[int, ExampleValue]
        ] = {}  # by CRC-32; the smallest ones rarely change between syncs

    def add(self, values: dict[str, Any], key: str, line: int) -> None:
        """Add the values of one record at the path, one per type."""
        self._filled += len(values) > ("null" in values)
        for kind, value in values.items():
            self._types[kind] = self._types.get(kind, 0) + 1
            if kind == "null":
                continue
            text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
            rank = crc32(text)
            is_sealed = _SEALED in text
            if is_sealed:
                self._sealed = True
            elif not self._has_personal_fields:
                self._marks.add(crc32(b"%.2f" % value) if kind == "number" else rank)
            examples = self._examples.setdefault(kind, {})
            if (len(examples) < MAX_EXAMPLES or rank < max(examples)) and rank not in examples:
                examples[rank] = ExampleValue(None if is_sealed else self._shown(text), key, line)
                if len(examples) > MAX_EXAMPLES:
                    del examples[max(examples)]

    def field(self) -> Field:
        examples = {
            kind: [examples_by_rank[rank] for rank in sorted(examples_by_rank)]
            for kind, examples_by_rank in sorted(self._examples.items())
        }
        marks = sorted(self._marks)[:MAX_MARKS]
        return Field(self._filled, dict(sorted(self._types.items())), examples, marks, self._sealed)

    def _shown(self, text: bytes) -> str:
        sample = text[: 4 * EXAMPLE_CHARS + 4].decode(errors="ignore")
        if self._has_personal_fields and sample not in ("true", "false"):
            sample = _LETTER.sub("x", _DIGIT.sub("9", sample))
        return sample if len(sample) <= EXAMPLE_CHARS else sample[:EXAMPLE_CHARS] + "…"


def _walk(value: Any, path: str, depth: int, open_maps: set[str], values_by_path: dict[str, dict[str, Any]]) -> None:
    """Collect the values of one record at the path and below it; the first value of each type is used."""
    kind = _TYPES[type(value)]
    noted = values_by_path.get(path)
    if noted is None:
        values_by_path[path] = {kind: value}
    elif kind not in noted:
        noted[kind] = value
    if depth < MAX_DEPTH and kind == "object":
        is_open = path in open_maps
        for name, inner in value.items():
            _walk(inner, f"{path}.*" if is_open else f"{path}.{_safe(name)}", depth + 1, open_maps, values_by_path)
    elif depth < MAX_DEPTH and kind == "array":
        for inner in value[:MAX_ELEMENTS]:
            _walk(inner, f"{path}[]", depth + 1, open_maps, values_by_path)


@lru_cache(4096)
def _safe(name: str) -> str:
    return _SYNTAX.sub(lambda match: f"%{ord(match[0]):02X}", name[:MAX_NAME_CHARS])


def _too_wide(paths: Iterable[str]) -> set[str]:
    parents = Counter(parent for parent, kind in map(parent_of, paths) if parent and kind == "object")
    return {parent for parent, names in parents.items() if names > MAX_NAMES}
