"""Folding: what of one record's changes is kept once they are past their retention, and how that replays as before.

At most three changes are left: when it was first seen; its last version, whole, with where that is landed; and its
removal, if it is gone. So the history still replays to exactly the table, and the table's rows still have an origin.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from sync_platform.lake.schema import CHANGES

Row = tuple[Any, ...]
"""One change: its values in the order of `CHANGES`; `before` and `after` as JSON text."""
_AT = {column.name: number for number, column in enumerate(CHANGES)}
_values = msgspec.json.Decoder(dict[str, msgspec.Raw])


def fold(changes: Sequence[Row]) -> list[Row]:
    """What is left of a record's changes, given in order of observation, then of commit.

    Changes that cannot be fewer are given back as they are.
    """
    versions = [row for row in changes if not _is_removal(row)]
    if not versions:
        return list(changes)
    first, last = versions[0], _last_version(changes)
    left = [] if first is last else [_replaced(first, **_SEEN)]
    left.append(last if len(versions) == 1 else _whole(last, versions, is_first=first is last))
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
"""What makes a change say only that the record was there."""


def _whole(last: Row, versions: Sequence[Row], *, is_first: bool) -> Row:
    """The last version, with the value that each column had then, byte for byte as some change gave it."""
    state: dict[str, msgspec.Raw] = {}
    for row in versions:
        state |= _values.decode(_of(row, "after") or "{}")
    return _replaced(
        last,
        operation="insert" if is_first else "update",
        changed_fields=list(state),
        before=None,
        after=msgspec.json.encode(state).decode(),
    )


def _last_version(changes: Sequence[Row]) -> Row:
    """The last change that is no removal and brought other content than the one before it (lake/replay.py).

    Rows that were not landed have no content hash, and every change of theirs counts.
    """
    found = None
    for before, row in zip((None, *changes), changes, strict=False):
        if _is_removal(row):
            continue
        content, earlier = _of(row, "content_hash"), _of(before, "content_hash") if before else None
        if found is None or content is None or content != earlier or _is_removal(before):
            found = row
    if found is None:
        raise AssertionError("asked of changes that are all removals")
    return found


def _end(changes: Sequence[Row]) -> list[Row]:
    """The first of the removals that the changes end with, if they do."""
    ends: list[Row] = []
    for row in reversed(changes):
        if not _is_removal(row):
            break
        ends = [row]
    return ends


def _is_removal(row: Row | None) -> bool:
    return row is not None and _of(row, "operation") == "remove"


def _of(row: Row, name: str) -> Any:
    return row[_AT[name]]


def _replaced(row: Row, **values: Any) -> Row:
    return tuple(values.get(column.name, value) for column, value in zip(CHANGES, row, strict=True))
