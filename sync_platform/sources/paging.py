"""The ways to page through a list: numbered pages, cursors, offsets. Each yields pages and reports the gaps it finds.

`Slice` is what a connector reads out of one reply; the loops here know nothing of any platform.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass

from sync_platform.errors import SyncError
from sync_platform.sources.client import Reply
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.fingerprints import Fingerprints
from sync_platform.sources.received import Page, Record

MOST_PAGES = 1_000_000
STALE_PAGES = 3


@dataclass(frozen=True)
class Slice:
    """One page of a list as read: its records and what the source says about the rest.

    `total` records in the whole list, `pages` in the whole list, `next_cursor` of the following page; None where the
    source does not say.
    """

    records: list[Record]
    reply: Reply
    total: int | None = None
    pages: int | None = None
    next_cursor: str | None = None

    def as_page(self, dataset: str) -> Page:
        return Page(dataset, self.records, (self.reply,))


async def numbered(
    extraction: Extraction, dataset: str, fetch: Callable[[int], Awaitable[Slice]]
) -> AsyncIterator[Page]:
    """Pages 1 to n: the first says how many there are, the others are fetched concurrently.

    The largest total of any page is used. A list that grows while it is read is a finding: its new pages are not read.
    Three pages in a row without a new record end the list as a finding. Memory: 9 bytes per record.
    """
    try:
        first = await fetch(1)
    except SyncError as error:
        extraction.expect_pages(dataset, 1)
        extraction.report_failure(dataset, error)
        return
    count = min(max(first.pages or 1, 1), MOST_PAGES)
    extraction.expect_pages(dataset, count)
    total = _LargestTotal(extraction, dataset)
    total.raise_to(first.total)
    repetition = _Repetition(extraction, dataset)
    repetition.add(first.records)
    yield first.as_page(dataset)
    most, requested = count, 1

    def pages() -> Iterator[int]:
        nonlocal requested
        while requested < count and not repetition.is_endless:
            requested += 1
            yield requested

    async for page in extraction.each(dataset, pages(), fetch):
        most = max(most, page.pages or 0)
        total.raise_to(page.total)
        repetition.add(page.records)
        yield page.as_page(dataset)
    if repetition.is_endless:
        extraction.expect_pages(dataset, requested - count)
        extraction.report_finding(
            dataset, f"of {count:,} pages {requested:,} were read: the last {STALE_PAGES} added nothing"
        )
    elif most > count:
        extraction.report_finding(dataset, f"the list grew from {count} to {most} pages while it was read")


async def by_cursor(
    extraction: Extraction, dataset: str, fetch: Callable[[str | None], Awaitable[Slice]]
) -> AsyncIterator[Page]:
    """Follow cursors to the end. A repeated cursor, or three pages in a row without a new record, end it as a finding.

    The largest total of any page is used. Without a total only the pages can show that some are missing: records that
    come on two pages are a finding, and so is an empty last page. Memory: 9 bytes per record.
    """
    cursor: str | None = None
    cursors: set[str] = set()
    repetition = _Repetition(extraction, dataset)
    total = _LargestTotal(extraction, dataset)
    repeated = 0
    while True:
        extraction.expect_pages(dataset, 1)
        try:
            part = await fetch(cursor)
        except SyncError as error:
            extraction.report_failure(dataset, error)
            return
        total.raise_to(part.total)
        repeated += repetition.add(part.records)
        yield part.as_page(dataset)
        if part.next_cursor is None:
            if part.total is None and repeated:
                extraction.report_finding(
                    dataset, f"the list moved while it was read: {repeated} records came on two pages"
                )
            if part.total is None and cursor is not None and not part.records:
                extraction.report_finding(
                    dataset, f"the cursor {cursor!r} was to lead to more records, and there are none"
                )
            return
        cursor = part.next_cursor
        if cursor in cursors or repetition.is_endless:
            extraction.report_finding(
                dataset, f"the cursor never ends: {cursor!r} came again, or pages that add nothing follow"
            )
            return
        cursors.add(cursor)


async def by_offset(
    extraction: Extraction, dataset: str, fetch: Callable[[int], Awaitable[Slice]], limit: int
) -> AsyncIterator[Page]:
    """Offsets 0, limit, 2·limit … until a page is short, or the source's total is reached.

    The total of the first page is used. A page without a new record ends the list as a finding. A lost page is skipped,
    unless it is the first or follows another lost one. Memory: 9 bytes per record.
    """
    offset = 0
    seen = Fingerprints()
    lost = False
    while True:
        extraction.expect_pages(dataset, 1)
        try:
            part = await fetch(offset)
        except SyncError as error:
            extraction.report_failure(dataset, error)
            if lost or not offset:
                return
            lost, offset = True, offset + limit
            continue
        lost = False
        if not offset and part.total is not None:
            extraction.report_total(dataset, part.total)
        if not seen.add(extraction.fingerprints(dataset, part.records)) and part.records:
            extraction.report_finding(dataset, f"the page at offset {offset} repeats what came before it")
            return
        yield part.as_page(dataset)
        offset += len(part.records)
        if len(part.records) < limit or (part.total is not None and offset >= part.total):
            if part.total is not None and offset < part.total:
                extraction.report_finding(dataset, f"the list ends at {offset} of {part.total} records")
            return


class _LargestTotal:
    """The largest total that the source gives for one list: the totals of its pages are not added up."""

    def __init__(self, extraction: Extraction, dataset: str) -> None:
        self._extraction, self._dataset = extraction, dataset
        self._reported: int | None = None

    def raise_to(self, total: int | None) -> None:
        if total is None or (self._reported is not None and total <= self._reported):
            return
        self._extraction.report_total(self._dataset, total - (self._reported or 0))
        self._reported = total


class _Repetition:
    """Counts pages without a new record: `is_endless` is True after three in a row."""

    def __init__(self, extraction: Extraction, dataset: str) -> None:
        self._extraction, self._dataset = extraction, dataset
        self._seen = Fingerprints()
        self._stale_in_a_row = 0

    def add(self, records: list[Record]) -> int:
        """Add a page; returns how many of its records an earlier page had."""
        fingerprints = self._extraction.fingerprints(self._dataset, records)
        repeated = len(fingerprints) - self._seen.add(fingerprints)
        self._stale_in_a_row = self._stale_in_a_row + 1 if repeated == len(fingerprints) else 0
        return repeated

    @property
    def is_endless(self) -> bool:
        return self._stale_in_a_row >= STALE_PAGES
