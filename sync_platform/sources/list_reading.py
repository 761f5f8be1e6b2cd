"""One read of a list from its first page to its end: what its pages listed, and the signs that it moved.

What belongs here: the facts of one read. What does not: which page is requested next (sources/paging.py), and what
several reads prove together (sources/list_proof.py).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from sync_platform.errors import SyncError, stops_the_platform
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.fingerprints import Fingerprints
from sync_platform.sources.gaps import believable_total
from sync_platform.sources.received import Page, Record
from sync_platform.sources.reply import Reply

Position = TypeVar("Position")
STALE_PAGES = 3
MAX_PAGES = 100_000  # of one list: 1.5 million records with pages of 15


@dataclass(frozen=True)
class Slice:
    """One page of a list as read: its records and what the source says about the rest.

    `total` records in the whole list, `pages` in the whole list, `next_cursor` of the following page; None where the
    source does not say. `problem`: why they could not be read, where the source does say.
    """

    records: list[Record]
    reply: Reply
    total: int | None = None
    pages: int | None = None
    next_cursor: str | None = None
    problem: str = ""

    def as_page(self, dataset: str) -> Page:
        return Page(dataset, self.records, (self.reply,))

    @property
    def is_empty_list(self) -> bool:
        """True for a list without records; False for an answer that is no list, such as 204."""
        return not self.records and not self.reply.has_no_content

    def without_records(self) -> Slice:
        return replace(self, records=[])


class ListReading:
    """One read of a list. Memory: 9 bytes per record.

    `is_landed`: its pages are landed, so they are expected. `name`, `noun`: what findings call the list and its
    records. `distinct`: the
    records that it listed, each once; `repeated`: how many came on a second page. `is_broken`: a page was lost.
    `is_endless`: it was stopped, because its pages went on and listed nothing new. `findings`: signs that records are
    missing, unless the total is reached.
    """

    def __init__(
        self,
        extraction: Extraction,
        dataset: str,
        *,
        is_landed: bool = True,
        name: str = "the list",
        noun: str = "records",
    ) -> None:
        self.extraction, self.dataset, self.is_landed, self.name, self.noun = (
            extraction,
            dataset,
            is_landed,
            name,
            noun,
        )
        self.repeated = 0
        self.is_broken = self.is_endless = False
        self.findings: list[str] = []
        self._ids = Fingerprints()
        self._totals: list[int] = []
        self._lengths: dict[int, int] = {}
        self._stale_in_a_row = 0
        self._doubt: str | None = None
        self._has_problem = False

    @property
    def distinct(self) -> int:
        return len(self._ids)

    @property
    def received(self) -> int:
        """How many records came, repeated ones included."""
        return sum(self._lengths.values())

    @property
    def has_all(self) -> bool:
        """True if as many records came as the total says."""
        return self.total is not None and self.distinct >= self.total

    @property
    def longest(self) -> int:
        """The records of the longest page."""
        return max(self._lengths.values(), default=0)

    @property
    def total(self) -> int | None:
        """The largest total of any page; None where no page has one, and where more records came than it says."""
        stated = self.stated_total
        return None if stated is None or self.distinct > stated else stated

    @property
    def stated_total(self) -> int | None:
        """The largest total of any page, also where the records that came show that it is wrong."""
        return max(self._totals, default=None)

    @property
    def has_wrong_total(self) -> bool:
        """True if more records came than the largest total says."""
        return self.total is None and self.stated_total is not None

    @property
    def has_moved(self) -> bool:
        """True if records were added or removed while it was read, as far as totals and repeated records show it."""
        if self.is_broken or self.is_endless:
            return False
        if self.total is None:
            return self.repeated > 0
        has_shrunk = any(later < earlier for earlier, later in zip(self._totals, self._totals[1:], strict=False))
        has_changed = has_shrunk or self._totals[0] != self._totals[-1]
        return has_shrunk or (self.distinct < self.total and (has_changed or self.repeated > 0))

    @property
    def doubt(self) -> str | None:
        """Why it is not sure that the list is whole: it has no total, and its pages do not prove its end.

        In words that follow the list's name: "ends with ...".
        """
        return None if self.total is not None else self._doubt

    @property
    def is_of_full_list(self) -> bool:
        """False for a list of changes only."""
        return self.extraction.scope.mode == "full"

    def expect(self, pages: int) -> None:
        if self.is_landed:
            self.extraction.expect_pages(self.dataset, pages)

    async def request(
        self, fetch: Callable[[Position], Awaitable[Slice]], position: Position, *, is_second: bool = False
    ) -> Slice | None:
        """Fetch a page; None if it is lost, which is reported. The page of a second request need not be landed."""
        self.expect(0 if is_second else 1)
        try:
            return await fetch(position)
        except SyncError as error:
            self.is_broken = True
            self.extraction.report_failure(self.dataset, error)
            return None

    async def try_page(self, fetch: Callable[[Position], Awaitable[Slice]], position: Position) -> Slice | None:
        """A page that the list need not have; None if it cannot be fetched, or adds nothing."""
        try:
            part = await fetch(position)
        except SyncError as error:
            if stops_the_platform(error):
                raise
            return None
        if self.adds_nothing(part):
            return None
        self.expect(1)
        return part

    def add(self, part: Slice, place: int, *, overlap: int = 0) -> Slice:
        """Take the page at a place, counted from 1; returns it.

        `overlap`: how many of its records may be those of the page before it, because of how it was requested.
        """
        listed = self.extraction.fingerprints(self.dataset, part.records)
        new = self._ids.add(listed)
        self.repeated += max(0, len(listed) - new - overlap)
        self._stale_in_a_row = 0 if new else self._stale_in_a_row + 1
        self._lengths[place] = len(part.records)
        if part.problem and not self._has_problem:
            self._has_problem = True
            self.findings.append(f"page {place} does not say how {self.name} goes on: {part.problem}")
        if part.total is not None:
            self._totals.append(believable_total(part.total))
        return part

    def is_without_end(self, place: int) -> bool:
        """True, and a finding, if no page is requested after this one because the list may have no end."""
        if place < MAX_PAGES:
            return False
        self.is_endless = True
        self.findings.append(f"{self.name} has more than {MAX_PAGES:,} pages, and may have no end")
        return True

    def adds(self, record: Record) -> bool:
        """True if no earlier page lists the record."""
        return all(each not in self._ids for each in self.extraction.fingerprints(self.dataset, [record]))

    def adds_nothing(self, part: Slice) -> bool:
        """True if a page is empty, or lists only records of earlier pages."""
        return not any(map(self.adds, part.records))

    @property
    def is_stale(self) -> bool:
        """True if the last pages listed nothing new, so that the list may never end."""
        return self._stale_in_a_row >= STALE_PAGES

    def doubt_because(self, doubt: str) -> None:
        self._doubt = self._doubt or doubt

    def doubt_short_pages(self) -> None:
        """A page that is shorter than others, although more follow, may have left records out."""
        listed = {place: length for place, length in self._lengths.items() if length}
        for place, length in sorted(listed.items()):
            if length < self.longest and place != max(listed):
                self.doubt_because(f"has {length} records on page {place} and {self.longest} on another one")
