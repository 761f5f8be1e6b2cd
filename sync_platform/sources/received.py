"""What a platform sent: records, the bodies that they came in, and the pages that landing stores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
import orjson

from sync_platform.sources.reply import Reply
from sync_platform.sources.scalars import whole_number_of

Record = dict[str, Any]
"""One record as the platform sent it (JSON); the vault replaces its personal fields by sealed values."""


def records_of(items: list[Any]) -> list[Record]:
    """The records of a list as sent. An item that is not an object, or is nested deeper than can be landed, becomes a
    record that fits no contract, so that only that item goes to quarantine.

    Only the type of such an item is kept, because it may have personal values that no declared field names.
    """
    records = [item if isinstance(item, dict) else {"no_record": type(item).__name__} for item in items]
    if _can_be_landed(records):
        return records
    return [record if _can_be_landed(record) else {"no_record": "nested too deep"} for record in records]


def _can_be_landed(value: Any) -> bool:
    """True if orjson can write the value: it reads JSON 1,024 levels deep, and writes only 254."""
    try:
        orjson.dumps(value)
    except orjson.JSONEncodeError:
        return False
    return True


def integer_at(path: str) -> Callable[[Record], int | None]:
    """A function that reads the whole number at a dotted path of a record, in any notation; else it returns None."""

    def read(record: Record) -> int | None:
        value: Any = record
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        try:
            return value if isinstance(value, int) and not isinstance(value, bool) else whole_number_of(value)
        except ValueError:
            return None

    return read


class Body(msgspec.Struct, frozen=True):
    """One HTTP body as received."""

    url: str
    fetched_at: datetime
    status: int
    etag: str | None
    sha256: str
    size_bytes: int

    @classmethod
    def of(cls, reply: Reply) -> Body:
        return cls(reply.url, reply.fetched_at, reply.status, reply.etag, reply.sha256, len(reply.body))


class Part(msgspec.Struct, frozen=True):
    """A part of a dataset that is fetched on its own (one restaurant's reviews) and completely received: its name, its
    number of pages, and the number of records that the source claims. `is_proven`: its pages prove that it is whole."""

    name: str
    pages: int
    claimed: int | None = None
    is_proven: bool = True


@dataclass(frozen=True)
class Page:
    """Records of one dataset from one reply (several where the platform spreads records over files).

    `part`: the whole part that the page belongs to, if it does. `landed`: the bodies of the page, if an earlier sync
    landed it; its records are then sealed.
    """

    dataset: str
    records: list[Record]
    replies: tuple[Reply, ...]
    part: Part | None = None
    landed: tuple[Body, ...] = ()
