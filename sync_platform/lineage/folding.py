"""Folding: reduces the changes of one record that are past their retention, so that they still replay to the table.

At most three changes are left: the first observation; the last version with all its columns and its landing line; and
the removal or the expiry, if the record is gone. So the table's rows still have an origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from sync_platform.lake.schema import CHANGES, ENDS

Row = tuple[Any, ...]
"""One change: its values in the order of `CHANGES`; `before` and `after` as JSON text."""
_AT = {column.name: number for number, column in enumerate(CHANGES)}
_values = msgspec.json.Decoder(dict[str, msgspec.Raw])


def fold(changes: Sequence[Row]) -> list[Row]:
    """Fold the changes of one record, which are in order of observation, then of commit.

    Changes that cannot be reduced are returned unchanged.
    """
    versions = [row for row in changes if not _is_end(row)]
    if not versions:
        return list(changes)
    first, last = versions[0], _last_version(changes)
    left = [] if first is last else [_replaced(first, **_SEEN)]
    has_one = len(versions) == 1 and not any(_value_of(row, "after") for row in changes if _is_end(row))
    left.append(last if has_one else _whole(last, changes, is_first=first is last))
    return [*left, *_end(changes)]


_SEEN: dict[str, Any] = {
    "operation": "insert",
    "changed_fields": [],
    "before": None,
    "after": "{}",
    "content_hash": None,
    "landing_object": None,
    "landing_line": None,
}
"""The values of a change that says only that the record was first seen."""


def _whole(last: Row, changes: Sequence[Row], *, is_first: bool) -> Row:
    """The last version with the values of all columns; each value has the same bytes as in its change.

    A removal has values too where the record was computed, or where its person was erased after it.
    """
    state: dict[str, msgspec.Raw] = {}
    for row in changes:
        state |= _values.decode(_value_of(row, "after") or "{}")
    return _replaced(
        last,
        operation="insert" if is_first else "update",
        changed_fields=list(state),
        before=None,
        after=msgspec.json.encode(state).decode(),
    )


def _last_version(changes: Sequence[Row]) -> Row:
    """The last change that is no end and has other content than the one before it (lake/replay.py).

    Computed rows have no content hash, so every change of theirs has other content.
    """
    last_version = None
    for before, row in zip((None, *changes), changes, strict=False):
        if _is_end(row):
            continue
        content, earlier = _value_of(row, "content_hash"), _value_of(before, "content_hash") if before else None
        if last_version is None or content is None or content != earlier or _is_end(before):
            last_version = row
    if last_version is None:
        raise AssertionError("all of these changes are ends")
    return last_version


def _end(changes: Sequence[Row]) -> list[Row]:
    """The first of the removals and expiries at the end of the changes, if there are any."""
    ends: list[Row] = []
    for row in reversed(changes):
        if not _is_end(row):
            break
        ends = [row]
    return ends


def _is_end(row: Row | None) -> bool:
    return row is not None and _value_of(row, "operation") in ENDS


def _value_of(row: Row, name: str) -> Any:
    return row[_AT[name]]


def _replaced(row: Row, **values: Any) -> Row:
    return tuple(values.get(column.name, value) for column, value in zip(CHANGES, row, strict=True))
