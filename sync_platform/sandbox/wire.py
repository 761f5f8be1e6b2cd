"""What goes over the wire: the request as a view reads it, and its answer, a finished reply or a list.

What belongs here: shapes that the server, the faults and the views share. What doesn't: any one platform's shape.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar, overload

import orjson

from sync_platform.sandbox.record_formats import RecordFormat

T = TypeVar("T")
JSON = "application/json; charset=utf-8"
MAX_KEPT = 50_000


@dataclass(slots=True)
class WireRequest:
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
        """The parameter as an integer, moved into the bounds; the default where it is absent or not a number."""
        value = self.text(name)
        number = int(value) if value.lstrip("-").isdecimal() else default
        return max(lowest, min(highest, number))

    def header(self, name: bytes) -> str:
        """The header's value, empty where it is absent; `name` is in lower case."""
        return self.headers.get(name, b"").decode("latin-1")


@dataclass(slots=True)
class WireReply:
    """One finished reply."""

    body: bytes
    status: int = 200
    content_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()


def json_reply(value: Any, status: int = 200, content_type: str = JSON) -> WireReply:
    """A reply with the value as JSON."""
    return WireReply(orjson.dumps(value), status, content_type)


class RenderedRows(Sequence[bytes]):
    """Records as bytes, each rendered on first use; the first MAX_KEPT are kept."""

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
        row = self._kept.get(index)
        if row is None:
            row = self._render(self._items[index])
            if len(self._kept) < MAX_KEPT:
                self._kept[index] = row
        return row

    def choose(self, positions: Sequence[int]) -> SelectedRows:
        """The rows at these positions, without rendering them again."""
        return SelectedRows(self, positions)


class SelectedRows(Sequence[bytes]):
    """Some rows of a longer sequence."""

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


@dataclass(slots=True)
class ListPage:
    """One page of a list: `total` counts all its records, `next_offset` is None on the last page."""

    rows: Sequence[bytes]
    total: int
    offset: int
    size: int
    next_offset: int | None

    def joined(self) -> bytes:
        """The page's records, separated by commas."""
        return b",".join(self.rows)


@dataclass(frozen=True, slots=True)
class ListAnswer:
    """A list and the requested window of it, before it is rendered: list faults change it.

    `wrap` makes the body around a page. `cap` is the most records that the platform sends of one list, over all pages;
    `total` stays the true number. `is_record`: the answer is one record instead of a list. `special` maps each fault of
    the platform's own that this answer can play to its effect.
    """

    rows: Sequence[bytes]
    offset: int
    size: int
    wrap: Callable[[ListPage], bytes]
    record: RecordFormat
    total: int
    content_type: str = JSON
    headers: tuple[tuple[bytes, bytes], ...] = ()
    cap: int | None = None
    is_record: bool = False
    special: Mapping[str, Callable[[ListAnswer], ListAnswer]] = field(default_factory=dict)

    @property
    def reach(self) -> int:
        """How many records the pages contain together."""
        return min(len(self.rows), self.cap or len(self.rows))

    def page(self) -> ListPage:
        """The page at `offset`, of at most `size` records."""
        end = self.reach
        stop = min(self.offset + self.size, end)
        rows = self.rows[self.offset : stop] if self.offset < end else ()
        return ListPage(rows, self.total, self.offset, self.size, stop if stop < end else None)

    def reply(self) -> WireReply:
        """The page, rendered."""
        return WireReply(self.wrap(self.page()), 200, self.content_type, self.headers)


def list_answer(
    rows: Sequence[bytes], offset: int, size: int, wrap: Callable[[ListPage], bytes], record: RecordFormat
) -> ListAnswer:
    """A plain answer with all the rows."""
    return ListAnswer(rows, offset, size, wrap, record, len(rows))
