"""Hash chains: they reveal whether an entry of a log was changed, removed, added or moved.

What belongs here: how a link is computed, and where a chain is broken. `lineage.batches` in the lake is a
chain (lake/chain.py), and so are the audit log, the file lists, the tombstones and the events of privacy requests
(storage/chained_table.py).

A link is the SHA-256 (hex) of netstrings (`<bytes>:<text>,`; cr.yp.to/proto/netstrings.txt): the chain's name, the
previous link, and the entry's own fields in order. An empty field is written `-`, which is not a netstring.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Protocol, TypeVar

FIRST = "0" * 64
"""The previous link of the first entry of a chain."""


class ChainEntry(Protocol):
    """An entry of a chain: numbered from 1 without gaps."""

    @property
    def number(self) -> int: ...
    @property
    def previous(self) -> str: ...
    @property
    def link(self) -> str: ...
    def own_link(self) -> str:
        """The link computed from the entry's fields."""
        ...


T = TypeVar("T", bound=ChainEntry)


def link(chain: str, previous: str, fields: Iterable[str | int | datetime | None]) -> str:
    """The link of an entry; times are written as microseconds since 1970 (UTC)."""
    digest = hashlib.sha256()
    for value in (chain, previous, *fields):
        digest.update(_netstring(value))
    return digest.hexdigest()


def broken_links(entries: Iterable[T]) -> Iterator[tuple[T, str]]:
    """The entries at which the chain is broken, each with a description of the problem.

    `entries` are in order of their numbers. The next entry is compared with the stored link of a broken entry, so each
    fault is reported once.
    """
    number, previous = 0, FIRST
    for entry in entries:
        if entry.number > number + 1:
            gap = f"{number + 1}" if entry.number == number + 2 else f"{number + 1} to {entry.number - 1}"
            yield entry, f"number {gap} is missing before it"
        elif entry.number <= number:
            yield entry, f"number {entry.number} occurs more than once: one was added, or the chain forked"
        elif entry.previous != previous:
            yield entry, "it does not follow on the entry before it: one of the two was changed or is out of order"
        if entry.own_link() != entry.link:
            yield entry, "its fields do not give its link: the entry itself was changed"
        number, previous = entry.number, entry.link


def _netstring(value: str | int | datetime | None) -> bytes:
    if value is None:
        return b"-"
    text = str(microseconds(value) if isinstance(value, datetime) else value).encode()
    return b"%d:%b," % (len(text), text)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 (UTC), computed with integers because a float would lose the last digit."""
    since = moment - datetime(1970, 1, 1, tzinfo=moment.tzinfo)
    offset = moment.utcoffset()
    if offset is None:
        raise ValueError(f"{moment} has no time zone")
    return (
        (since.days * 86_400 + since.seconds) * 1_000_000
        + since.microseconds
        - round(offset.total_seconds()) * 1_000_000
    )
