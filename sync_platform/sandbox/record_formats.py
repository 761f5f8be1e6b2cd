"""How a list fault changes one record, in JSON; a platform with another format declares its own.

What belongs here: changes to the bytes of one record. What doesn't: changes to a list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import orjson


class RecordFormat(Protocol):
    """The changes that list faults make to one record of a format."""

    def retyped(self, row: bytes) -> bytes: ...
    def widened(self, row: bytes) -> bytes: ...
    def altered(self, row: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class JsonRecord:
    """A JSON object. `number` and `label` are dotted paths: the fields that get another type or value."""

    number: str
    label: str

    def retyped(self, row: bytes) -> bytes:
        """The record with a value of another type in `number`."""
        return self._edited(row, self.number, lambda old: {"since": old} if isinstance(old, str) else "ask the staff")

    def widened(self, row: bytes) -> bytes:
        """The record with an additional, unknown field."""
        return orjson.dumps({**orjson.loads(row), "sandbox_new_field": {"since": "today", "value": 1}})

    def altered(self, row: bytes) -> bytes:
        """The record with another value in `label`."""
        return self._edited(row, self.label, _another_value)

    def _edited(self, row: bytes, path: str, change: Callable[[Any], Any]) -> bytes:
        record = orjson.loads(row)
        *parents, last = path.split(".")
        holder = record
        for parent in parents:
            holder = holder.setdefault(parent, {})
        holder[last] = change(holder.get(last))
        return orjson.dumps(record)


def _another_value(value: Any) -> Any:
    """Another value of the same type; a small number stays small."""
    if isinstance(value, str):
        return f"{value} (changed)"
    return value % 5 + 1 if isinstance(value, int) else 1
