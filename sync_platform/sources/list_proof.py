"""Reads a list, again where it moved while it was read, and reports what the reads prove.

A list is whole if as many distinct records came as its total says. Without a total, it is whole if its end is sure:
sources/paging.py says when. A list that is neither whole nor known to have a gap is unproven: rows that it does not
show are retired only when the next full sync does not show them either (lake/confirmation.py).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

from sync_platform.sources.extraction import Extraction
from sync_platform.sources.fingerprints import Fingerprints
from sync_platform.sources.list_reading import ListReading, Slice
from sync_platform.sources.received import Page

MAX_READS = 3
Read = Callable[[ListReading], AsyncIterator[Slice]]
"""Reads a list once, page by page."""


class ListProof:
    """The reads of one list. Memory: 18 bytes per record.

    `is_landed`: its pages are landed. `has_claim`: its total is a part of the dataset's. `name`, `noun`: what findings
    call the list and its records. `last`: the last read.
    """

    def __init__(
        self,
        extraction: Extraction,
        dataset: str,
        *,
        is_landed: bool = True,
        has_claim: bool = True,
        name: str = "the list",
        noun: str = "records",
    ) -> None:
        self._extraction, self._dataset, self._is_landed = extraction, dataset, is_landed
        self._has_claim, self._name, self._noun = has_claim, name, noun
        self._seen = Fingerprints()
        self._claimed = 0
        self.last = self._new_reading()

    async def pages(self, read: Read) -> AsyncIterator[Page]:
        async for part in self.slices(read):
            yield part.as_page(self._dataset)

    async def slices(self, read: Read) -> AsyncIterator[Slice]:
        """The pages of all reads. From the second read on they have only records that no earlier read listed.

        A list is read again if it moved, at most three times. A read that lists nothing new agrees with those before.
        """
        for number in range(1, MAX_READS + 1):
            self.last = self._new_reading()
            known = len(self._seen)
            async for part in read(self.last):
                self._claim()
                yield self._take(part, is_first=number == 1)
            agrees = number > 1 and len(self._seen) == known
            if not self.last.has_moved or agrees:
                break
        self._report(has_settled=agrees or not self.last.has_moved)

    def _new_reading(self) -> ListReading:
        return ListReading(self._extraction, self._dataset, is_landed=self._is_landed, name=self._name, noun=self._noun)

    def _take(self, part: Slice, is_first: bool) -> Slice:
        """Note the records of a page; leave out those of an earlier read, which may show an older version."""
        if is_first:
            self._seen.add(self._extraction.fingerprints(self._dataset, part.records))
            return part
        fresh = [each for each in part.records if self._seen.add(self._extraction.fingerprints(self._dataset, [each]))]
        return replace(part, records=fresh)

    def _claim(self) -> None:
        """Report the largest total of the read: the totals of its pages are not added up."""
        total = self.last.total or 0
        if self._has_claim and total > self._claimed:
            self._extraction.report_total(self._dataset, total - self._claimed)
            self._claimed = total

    def _report(self, has_settled: bool) -> None:
        """Report what the reads prove; a lost page was reported when it was lost."""
        last, total, came = self.last, self.last.total, len(self._seen)
        if total is not None and total < self._claimed:
            self._extraction.lower_total(self._dataset, self._claimed - total)
        if total is not None and came >= total and not last.is_endless:
            return
        findings = list(last.findings)
        if not has_settled:
            counted = f"it counts {total:,} {self._noun}, {came:,} came" if total is not None else "records came twice"
            findings.append(f"{self._name} moved in each of {MAX_READS} reads: {counted}")
        if last.has_wrong_total:
            stated = f"{last.stated_total:,} {self._noun}, and lists {last.distinct:,}"
            self._extraction.report_note(self._dataset, f"{self._name} counts {stated}: the count is not used")
        for finding in findings:
            self._extraction.report_finding(self._dataset, finding)
        if not findings and not last.is_broken and last.doubt and last.is_of_full_list:
            self._extraction.report_unproven(self._dataset, f"{self._name} {last.doubt}")
