"""What goes over the wire, before it is sent: the request as a view reads it, and its reply or listing.

What belongs here: shapes that the server, the faults and the views share. What doesn't: any one platform's shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, TypeVar, overload

import orjson

T = TypeVar("T")
JSON = "application/json; charset=utf-8"
MOST_RENDERED = 50_000


@dataclass(slots=True)
class Request:
    """`path` is below the platform's prefix; `url` is scheme, host and path as the client wrote them."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: Mapping[bytes, bytes]
    body: bytes
    url: str

    def text(self, name: str, default: str = "") -> str:
        """The parameter's first value."""
        return self.query[name][0] if name in self.query else default

    def number(self, name: str, default: int, lowest: int, highest: int) -> int:
        """The parameter as an integer within bounds; what isn't a number counts as absent."""
        value = self.text(name)
        found = int(value) if value.lstrip("-").isdecimal() else default
        return max(lowest, min(highest, found))

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")


@dataclass(slots=True)
class Reply:
    """One finished answer."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def json_reply(value: Any, status: int = 200, content_type: str = JSON) -> Reply:
    return Reply(orjson.dumps(value), status, content_type)


class Rendered(Sequence[bytes]):
    """Records rendered to bytes when first asked for, and kept up to a limit."""

    def __init__(self, items: Sequence[T], render: Callable[[T], bytes]) -> None:
        self._items: Sequence[Any] = items
        self._render: Callable[[Any], bytes] = render
        self._kept: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self._items)))]
        kept = self._kept.get(index)
        if kept is None:
            kept = self._render(self._items[index])
            if len(self._kept) < MOST_RENDERED:
                self._kept[index] = kept
        return kept

    def choose(self, positions: Sequence[int]) -> Chosen:
        """The same records at these positions only, sharing what is rendered."""
        return Chosen(self, positions)


class Chosen(Sequence[bytes]):
    """Some records of a longer sequence."""

    def __init__(self, rows: Sequence[bytes], positions: Sequence[int]) -> None:
        self._rows, self._positions = rows, positions

    def __len__(self) -> int:
        return len(self._positions)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> list[bytes]: ...
    def __getitem__(self, index: int | slice) -> bytes | list[bytes]:
        if isinstance(index, slice):
            return [self._rows[position] for position in self._positions[index]]
        return self._rows[self._positions[index]]

    def __iter__(self) -> Iterator[bytes]:
        return (self._rows[position] for position in self._positions)


class RecordFormat(Protocol):
    """How the faults spoil one record of a format."""

    def retyped(self, row: bytes) -> bytes: ...
    def widened(self, row: bytes) -> bytes: ...
    def altered(self, row: bytes) -> bytes: ...


@dataclass(frozen=True, slots=True)
class JsonRecord:
    """A JSON object; `number` is the dotted path of the field that changes type, `label` of the one that changes."""

    number: str
    label: str

    def retyped(self, row: bytes) -> bytes:
        """The field with a value of another type."""
        return self._edited(row, self.number, lambda old: {"value": old} if isinstance(old, str) else "not available")

    def widened(self, row: bytes) -> bytes:
        """The record with a field nobody has heard of."""
        return orjson.dumps({**orjson.loads(row), "sandbox_new_field": {"since": "today", "value": 1}})

    def altered(self, row: bytes) -> bytes:
        """The same record with another value in its label."""
        return self._edited(row, self.label, lambda old: _another(old))

    def _edited(self, row: bytes, path: str, change: Callable[[Any], Any]) -> bytes:
        record = orjson.loads(row)
        *parents, last = path.split(".")
        holder = record
        for parent in parents:
            holder = holder.setdefault(parent, {})
        holder[last] = change(holder.get(last))
        return orjson.dumps(record)


def _another(value: Any) -> Any:
    """Another value of the same type, small numbers staying small."""
    if isinstance(value, str):
        return f"{value} (changed)"
    return value % 5 + 1 if isinstance(value, int) else 1


@dataclass(slots=True)
class Page:
    """One page of a listing: `total` records in all, `next_offset` is None on the last page."""

    rows: Sequence[bytes]
    total: int
    offset: int
    size: int
    next_offset: int | None

    def joined(self) -> bytes:
        return b",".join(self.rows)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list, and the window of it that was asked for; `wrap` makes the body around a page.

    Faults change a listing before it is rendered. `special` holds the faults that only this listing knows.
    `cap` is the number of records the platform lets out of any one list; `total` stays the true number.
    """

    rows: Sequence[bytes]
    offset: int
    size: int
    wrap: Callable[[Page], bytes]
    record: RecordFormat
    total: int
    content_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    cap: int | None = None
    single: bool = False
    special: Mapping[str, Callable[[Listing], Listing]] = field(default_factory=dict)

    @property
    def reach(self) -> int:
        """How many records paging can lead to."""
        return min(len(self.rows), self.cap or len(self.rows))

    def page(self) -> Page:
        end = self.reach
        stop = min(self.offset + self.size, end)
        rows = self.rows[self.offset : stop] if self.offset < end else ()
        return Page(rows, self.total, self.offset, self.size, stop if stop < end else None)

    def reply(self) -> Reply:
        return Reply(self.wrap(self.page()), 200, self.content_type, self.headers)


def listing(
    rows: Sequence[bytes], offset: int, size: int, wrap: Callable[[Page], bytes], record: RecordFormat
) -> Listing:
    """A plain listing of all the rows."""
    return Listing(rows, offset, size, wrap, record, len(rows))


def spoil(original: Listing, faults: Sequence[str]) -> Reply:
    """The listing's reply with list faults applied, each as `faults.py` describes it."""
    shown = original
    for fault in faults:
        if fault in shown.special:
            shown = shown.special[fault](shown)
        elif fault == "empty":
            shown = replace(shown, rows=(), total=0)
        elif fault == "half":
            shown = replace(shown, rows=Chosen(shown.rows, range(shown.reach // 2)))
        elif fault == "shuffled":
            shown = replace(shown, rows=Chosen(shown.rows, range(len(shown.rows) - 1, -1, -1)))
    page = shown.page()
    if "repeated-page" in faults:
        page.rows = replace(shown, offset=max(0, shown.offset - shown.size)).page().rows
    if "endless-cursor" in faults and shown.rows:
        count = len(shown.rows)
        page.rows = [shown.rows[(shown.offset + step) % count] for step in range(shown.size)]
        page.total, page.next_offset = shown.offset + 2 * shown.size, shown.offset + shown.size
    rows = list(page.rows)
    if rows and "retyped" in faults:
        rows[0] = shown.record.retyped(rows[0])
    if "unknown-field" in faults:
        rows = [shown.record.widened(row) for row in rows]
    if rows and "duplicates" in faults:
        rows.append(shown.record.altered(rows[0]))
    page.rows = rows
    return Reply(shown.wrap(page), 200, shown.content_type, shown.headers)
