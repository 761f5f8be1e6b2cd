"""The ways a list is paged: numbered pages, cursors, offsets. Each yields pages and tells the extraction its gaps.

`Slice` is what a connector reads out of one reply; the loops here know nothing of any platform.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import orjson

from sync_platform.errors import SyncError
from sync_platform.sources.client import Reply
from sync_platform.sources.declaration import Record
from sync_platform.sources.extraction import Extraction, Page

MOST_PAGES = 1_000_000
STALE_PAGES = 3


@dataclass(frozen=True)
class Slice:
    """One page of a list as read: its records and what the source says about the rest.

    `total` records in the whole list, `pages` in the whole list, `next_cursor` of the following page; None: not said.
    """

    records: list[Record]
    reply: Reply
    total: int | None = None
    pages: int | None = None
    next_cursor: str | None = None

    def as_page(self, dataset: str) -> Page:
        return Page(dataset, self.records, (self.reply,))


async def numbered(
    extraction: Extraction, dataset: str, fetch: Callable[[int], Awaitable[Slice]], claims: bool = True
) -> AsyncIterator[Page]:
    """Pages 1..n: the first says how many, the others are fetched concurrently. `claims`: its total is the list's.

    A page that says there are more by now is a finding: those were not read.
    """
    try:
        first = await fetch(1)
    except SyncError as error:
        extraction.expects(dataset, 1)
        extraction.failed(dataset, error)
        return
    count = min(max(first.pages or 1, 1), MOST_PAGES)
    extraction.expects(dataset, count)
    if claims and first.total is not None:
        extraction.claims(dataset, first.total)
    yield first.as_page(dataset)
    most = count
    async for page in extraction.each(dataset, range(2, count + 1), fetch):
        most = max(most, page.pages or 0)
        yield page.as_page(dataset)
    if most > count:
        extraction.finds(dataset, f"the list grew from {count} to {most} pages while it was read")


async def by_cursor(
    extraction: Extraction, dataset: str, fetch: Callable[[str | None], Awaitable[Slice]]
) -> AsyncIterator[Page]:
    """Follow cursors to the end. A cursor seen before, or three pages in a row that add nothing, ends it as a finding.

    Memory: 8 bytes per record.
    """
    cursor: str | None = None
    cursors: set[str] = set()
    seen: set[int] = set()
    claimed = False
    stale_in_a_row = 0
    while True:
        extraction.expects(dataset, 1)
        try:
            part = await fetch(cursor)
        except SyncError as error:
            extraction.failed(dataset, error)
            return
        if not claimed and part.total is not None:
            extraction.claims(dataset, part.total)
            claimed = True
        fingerprints = _fingerprints(part.records)
        stale_in_a_row = stale_in_a_row + 1 if fingerprints <= seen else 0
        seen |= fingerprints
        yield part.as_page(dataset)
        cursor = part.next_cursor
        if cursor is None:
            return
        if cursor in cursors or stale_in_a_row >= STALE_PAGES:
            extraction.finds(dataset, f"the cursor never ends: {cursor!r} came again, or pages that add nothing follow")
            return
        cursors.add(cursor)


async def by_offset(
    extraction: Extraction, dataset: str, fetch: Callable[[int], Awaitable[Slice]], limit: int
) -> AsyncIterator[Page]:
    """Offsets 0, limit, 2·limit … until a page is short, or the total the source gave is reached.

    A page whose records all came before ends it as a finding. Memory: 8 bytes per record.
    """
    offset = 0
    seen: set[int] = set()
    while True:
        extraction.expects(dataset, 1)
        try:
            part = await fetch(offset)
        except SyncError as error:
            extraction.failed(dataset, error)
            return
        fingerprints = _fingerprints(part.records)
        if part.records and fingerprints <= seen:
            extraction.finds(dataset, f"the page at offset {offset} repeats what came before it")
            return
        seen |= fingerprints
        yield part.as_page(dataset)
        offset += len(part.records)
        if len(part.records) < limit or (part.total is not None and offset >= part.total):
            if part.total is not None and offset < part.total:
                extraction.finds(dataset, f"the list ends at {offset} of {part.total} records")
            return


def _fingerprints(records: list[Record]) -> set[int]:
    """What tells records apart. Taken before a page is handed on: whoever takes it may seal the records in place."""
    return {hash(orjson.dumps(record)) for record in records}
