"""Listings in JSON: a file of lines with one object each, or of one array of objects.

What belongs here: objects as a table. Fields of an object within an object become columns of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import polars as pl

from sync_platform.errors import UsageError

LINES = (".jsonl", ".ndjson")
ARRAY = ".json"


def read_json(path: Path) -> pl.DataFrame:
    """The table of a file of JSON; values of a column that has numbers and texts are texts. UsageError where the file
    is no such file."""
    body = path.read_bytes().removeprefix(b"\xef\xbb\xbf")
    objects = _read_lines(path, body) if path.suffix in LINES else _read_array(path, body)
    return flat(pl.DataFrame(objects, strict=False, infer_schema_length=None))


def _read_lines(path: Path, body: bytes) -> list[dict[str, Any]]:
    objects: list[dict[str, Any]] = []
    for number, line in enumerate(body.splitlines(), start=1):
        if line.strip():
            objects.append(_object(path, f"line {number}", _parsed(path, f"line {number}", line)))
    return objects


def _read_array(path: Path, body: bytes) -> list[dict[str, Any]]:
    found = _parsed(path, "it", body)
    if not isinstance(found, list):
        raise UsageError(f"{path} is no array of objects; a file with an object in each line is named .jsonl")
    return [_object(path, f"element {number}", each) for number, each in enumerate(found, start=1)]


def _parsed(path: Path, place: str, text: bytes) -> Any:
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise UsageError(f"{path}: {place} is not JSON: {error}") from None


def _object(path: Path, place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise UsageError(f"{path}: {place} is no object")
    return value


def flat(table: pl.DataFrame) -> pl.DataFrame:
    """The table with the fields of inner objects as columns, where no column has their name."""
    for name, kind in table.schema.items():
        if isinstance(kind, pl.Struct):
            fields = [field.name for field in kind.fields if field.name not in table.columns]
            table = table.with_columns(pl.col(name).struct.field(field) for field in fields).drop(name)
    return table
