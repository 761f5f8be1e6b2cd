"""The values of a query as they are written in JSON and in CSV; docs/sql.md lists the forms.

Python's types cannot hold some of DuckDB's values: the infinite dates, nanoseconds, the months of an interval. DuckDB
makes the texts of these types itself.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from typing import Any

import duckdb
import orjson
from duckdb.sqltypes import DuckDBPyType

AS_DUCKDB_WRITES = ("date", "interval", "time with time zone", "timestamp_ns", "bit")


def in_texts(relation: duckdb.DuckDBPyRelation, form: str) -> duckdb.DuckDBPyRelation:
    """The relation with a text for each value that Python's types cannot hold, or write in a form of their own.

    `form`: json, csv or table. The columns stay in their order; their names may be lost.
    """
    texts = [_text(f"#{number}", kind, form, 0) for number, kind in enumerate(relation.types, 1)]
    if not any(texts):
        return relation
    return relation.project(", ".join(text or f"#{number}" for number, text in enumerate(texts, 1)))


def _text(value: str, kind: DuckDBPyType, form: str, depth: int) -> str | None:
    """SQL for the text of a value, also where it is within another; None where the value is written as it is."""
    match kind.id:
        case "blob":
            return f"{value}::VARCHAR" if form == "table" else f"base64({value})"
        case "timestamp" | "timestamp_s" | "timestamp_ms":
            return _moment(f"{value}::TIMESTAMP", "TIMESTAMP", form)
        case "timestamp with time zone":
            return _moment(value, "TIMESTAMPTZ", form)
        case "timestamp_ns" if form == "json":
            return f"replace({value}::VARCHAR, ' ', 'T')"
        case name if name in AS_DUCKDB_WRITES:
            return f"{value}::VARCHAR"
        case "list" | "array":
            item = f"item_{depth}"
            text = _text(item, _kinds(kind)[0], form, depth + 1)
            return text and f"list_transform({value}::{_kinds(kind)[0]}[], lambda {item}: {text})"
        case "map":
            of_key, of_value = _kinds(kind)
            keys = _text(f"entry_{depth}.key", of_key, form, depth + 1)
            values = _text(f"entry_{depth}.value", of_value, form, depth + 1)
            key, text = keys or f"entry_{depth}.key", values or f"entry_{depth}.value"
            entries = f"list_transform(map_entries({value}), lambda entry_{depth}: {{'key': {key}, 'value': {text}}})"
            return f"map_from_entries({entries})" if keys or values else None
        case "struct":
            return _struct(value, kind, form, depth)
        case "union":
            texts = [_text(value, each, form, depth) for each in _kinds(kind)]
            return f"{value}::VARCHAR" if any(texts) else None
    return None


def _struct(value: str, kind: DuckDBPyType, form: str, depth: int) -> str | None:
    names = [name for name, _ in kind.children]
    fields = [f"struct_extract_at({value}, {number})" for number in range(1, len(names) + 1)]
    texts = [_text(field, each, form, depth) for field, each in zip(fields, _kinds(kind), strict=True)]
    if not any(texts):
        return None
    written = [text or field for text, field in zip(texts, fields, strict=True)]
    if all(names):
        named = ", ".join(f"{_quoted(name)} := {text}" for name, text in zip(names, written, strict=True))
        return f"CASE WHEN {value} IS NOT NULL THEN struct_pack({named}) END"
    return f"CASE WHEN {value} IS NOT NULL THEN row({', '.join(written)}) END"


def _kinds(kind: DuckDBPyType) -> list[DuckDBPyType]:
    """The types within a type. DuckDB lists the size of an array, and the tag of a union, beside them."""
    kinds = [each for _, each in kind.children if isinstance(each, DuckDBPyType)]
    return kinds[1:] if kind.id == "union" else kinds


def _moment(value: str, kind: str, form: str) -> str:
    """SQL for a moment in ISO 8601 with its microseconds, if it has any. Infinity, and years with other than four
    digits, are as DuckDB writes them."""
    between, offset = "T" if form == "json" else " ", "+00:00" if kind == "TIMESTAMPTZ" else ""
    to_second = f"%Y-%m-%d{between}%H:%M:%S"
    return (
        f"CASE WHEN {value} < {kind} '0001-01-01' OR {value} >= {kind} '10000-01-01' THEN {value}::VARCHAR "
        f"WHEN epoch_us({value}) % 1000000 = 0 THEN strftime({value}, '{to_second}{offset}') "
        f"ELSE strftime({value}, '{to_second}.%f{offset}') END"
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def distinct(names: Sequence[str]) -> list[str]:
    """The names of columns, each once: of two with the name `id` the second is `id_1`."""
    taken = set(names)
    chosen: list[str] = []
    for name in names:
        number = 0
        unique = name
        while unique in chosen or (number and unique in taken):
            number += 1
            unique = f"{name}_{number}"
        chosen.append(unique)
    return chosen


def json_text(value: Any) -> str:
    """A value as JSON on one line; numbers that JSON does not have are null."""
    try:
        return orjson.dumps(value, default=str, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:  # a whole number beyond 64 bits, or a key of a kind that orjson does not write
        return json.dumps(_plain(value), default=str, ensure_ascii=False, separators=(",", ":"))


def _plain(value: Any) -> Any:
    """The value with None in place of every number that JSON does not have, as orjson writes it, and keys as text."""
    if isinstance(value, dict):
        return {str(key) if not isinstance(key, bool | None) else key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def csv_value(value: Any) -> Any:
    """A value as it is written in CSV: NULL is empty, a truth value is `true` or `false`, and lists, structs and maps
    are JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return json_text(value) if isinstance(value, dict | list | tuple) else value
