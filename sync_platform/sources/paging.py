"""The ways a list is paged: numbered pages, cursors, offsets. Each yields pages and tells the extraction its gaps.

`Slice` is what a connector reads out of one reply; the loops here know nothing of any platform.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

from sync_platform.errors import SyncError
from sync_platform.sources.client import Reply
from sync_platform.sources.declaration import Record
from sync_platform.sources.extraction import Extraction, Page
from sync_platform.sources.fingerprints import Fingerprints

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

    The largest total that a page tells counts. A page that says there are more by now is a finding: those were not
    read; so are three pages in a row that add nothing, which end the list. Memory: 9 bytes per record.
    """
    try:
        first = await fetch(1)
    except SyncError as error:
        extraction.expects(dataset, 1)
        extraction.failed(dataset, error)
        return
    count = min(max(first.pages or 1, 1), MOST_PAGES)
    extraction.expects(dataset, count)
    claimed = _Claim(extraction, dataset if claims else None)
    claimed.raise_to(first.total)
    news = _News(extraction, dataset)
    news.take(first.records)
    yield first.as_page(dataset)
    most, asked = count, 1

    def pages() -> Iterator[int]:
        nonlocal asked
        while asked < count and not news.is_over:
            asked += 1
            yield asked

    async for page in extraction.each(dataset, pages(), fetch):
        most = max(most, page.pages or 0)
        claimed.raise_to(page.total)
        news.take(page.records)
        yield page.as_page(dataset)
    if news.is_over:
        extraction.expects(dataset, asked - count)
        extraction.finds(dataset, f"of {count:,} pages {asked:,} were read: the last {STALE_PAGES} added nothing")
    elif most > count:
        extraction.finds(dataset, f"the list grew from {count} to {most} pages while it was read")


async def by_cursor(
    extraction: Extraction, dataset: str, fetch: Callable[[str | None], Awaitable[Slice]]
) -> AsyncIterator[Page]:
    """Follow cursors to the end. A cursor seen before, or three pages in a row that add nothing, ends it as a finding.

    The largest total that a page tells counts. Where none is told, only the pages themselves can show that some are
    missing: records that come on two of them are a finding, and so is a last page without any.
    Memory: 9 bytes per record.
    """
    cursor: str | None = None
    cursors: set[str] = set()
    news = _News(extraction, dataset)
    claimed = _Claim(extraction, dataset)
    repeated = 0
    while True:
        extraction.expects(dataset, 1)
        try:
            part = await fetch(cursor)
        except SyncError as error:
            extraction.failed(dataset, error)
            return
        claimed.raise_to(part.total)
        repeated += news.take(part.records)
        yield part.as_page(dataset)
        if part.next_cursor is None:
            if part.total is None and repeated:
                extraction.finds(dataset, f"the list moved while it was read: {repeated} records came on two pages")
            if part.total is None and cursor is not None and not part.records:
                extraction.finds(dataset, f"the cursor {cursor!r} was to lead to more records, and there are none")
            return
        cursor = part.next_cursor
        if cursor in cursors or news.is_over:
            extraction.finds(dataset, f"the cursor never ends: {cursor!r} came again, or pages that add nothing follow")
            return
        cursors.add(cursor)


async def by_offset(
    extraction: Extraction, dataset: str, fetch: Callable[[int], Awaitable[Slice]], limit: int
) -> AsyncIterator[Page]:
    """Offsets 0, limit, 2·limit … until a page is short, or the total the source gave is reached.

    A page whose records all came before ends it as a finding. A lost page is stepped over, unless it is the first or
    the one before it was lost too. Memory: 9 bytes per record.
    """
    offset = 0
    seen = Fingerprints()
    lost = False
    while True:
        extraction.expects(dataset, 1)
        try:
            part = await fetch(offset)
        except SyncError as error:
            extraction.failed(dataset, error)
            if lost or not offset:
                return
            lost, offset = True, offset + limit
            continue
        lost = False
        if not seen.add(extraction.fingerprints(dataset, part.records)) and part.records:
            extraction.finds(dataset, f"the page at offset {offset} repeats what came before it")
            return
        yield part.as_page(dataset)
        offset += len(part.records)
        if len(part.records) < limit or (part.total is not None and offset >= part.total):
            if part.total is not None and offset < part.total:
                extraction.finds(dataset, f"the list ends at {offset} of {part.total} records")
            return


class _Claim:
    """The source's total of one list: what it tells on one page and on another is not added up."""

    def __init__(self, extraction: Extraction, dataset: str | None) -> None:
        self._extraction, self._dataset = extraction, dataset
        self._told: int | None = None

    def raise_to(self, total: int | None) -> None:
        if self._dataset is None or total is None or (self._told is not None and total <= self._told):
            return
        self._extraction.claims(self._dataset, total - (self._told or 0))
        self._told = total


class _News:
    """Whether pages still add anything: `is_over` after three in a row that did not."""

    def __init__(self, extraction: Extraction, dataset: str) -> None:
        self._extraction, self._dataset = extraction, dataset
        self._seen = Fingerprints()
        self._stale_in_a_row = 0

    def take(self, records: list[Record]) -> int:
        """Take in a page; how many of its records came on an earlier one."""
        fingerprints = self._extraction.fingerprints(self._dataset, records)
        repeated = len(fingerprints) - self._seen.add(fingerprints)
        self._stale_in_a_row = self._stale_in_a_row + 1 if repeated == len(fingerprints) else 0
        return repeated

    @property
    def is_over(self) -> bool:
        return self._stale_in_a_row >= STALE_PAGES
