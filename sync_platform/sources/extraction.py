"""One extraction of one platform: its scope, how it fetches, and what is known to be missing.

A connector reads the scope, uses the client, yields pages, and reports every gap. A dataset with a reported gap is
incomplete: it retires only rows of the parts that were read whole.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Protocol, TypeVar

import orjson

from sync_platform.errors import SyncError, stops_the_platform
from sync_platform.sources.client import Client
from sync_platform.sources.concurrency import concurrently
from sync_platform.sources.extraction_state import ExtractionState
from sync_platform.sources.gaps import Gaps, PartGaps, add_note, most_left_out, sum_of_claims
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.sources.received import Page, Part, Record
from sync_platform.sources.reply import Reply
from sync_platform.sources.scope import Scope

Item = TypeVar("Item")
Result = TypeVar("Result")


class SecretStore(Protocol):
    """Stores secrets that a platform issues, such as a rotated refresh token, sealed, from one run to the next."""

    def read(self, name: str) -> str | None: ...

    def write(self, name: str, value: str) -> None: ...

    def replace(self, name: str, old: str | None, value: str) -> bool:
        """Store a secret if it is still `old` (None: there is none yet); False where another process changed it."""
        ...


class LandedParts(Protocol):
    """The whole parts that an interrupted sync landed."""

    def pages(self, dataset: str, part: str) -> list[Page]:
        """The pages of a part; none where it was not landed whole."""
        ...


class NoLandedParts:
    """For a sync that has no interrupted sync to continue."""

    def pages(self, dataset: str, part: str) -> list[Page]:
        return []


@dataclass(frozen=True, eq=False)
class Extraction:
    """The argument of `Platform.pages`: the client, the scope, the credentials, and the reports of gaps.

    `known_etags`: by URL, the ETags of the bodies that were landed last and are complete.
    """

    client: Client
    scope: Scope
    credentials: Mapping[str, str] = field(repr=False)
    secrets: SecretStore
    state: ExtractionState
    archive_url: str = ""
    landed_parts: LandedParts = field(default_factory=NoLandedParts)
    known_etags: Mapping[str, str] = field(default_factory=dict)
    part: PartGaps = field(default_factory=PartGaps)

    @property
    def gaps(self) -> Mapping[str, Gaps]:
        return self.state.gaps

    @property
    def day(self) -> date:
        """The day, in Hong Kong, that the records show: a list from today on starts on it.

        It stays the same when a sync runs past midnight.
        """
        return self.state.fixed_day or day_in_hong_kong(self.state.observed_at)

    def wants(self, dataset: str) -> bool:
        """True if a dataset is fetched. Where the terms allow ids only, only the first dataset is."""
        return dataset in self.gaps

    def source_id(self, dataset: str, record: Record) -> str | None:
        """The record's `source_id`, or None where it has none."""
        return self.state.datasets[dataset].source_id(record)

    def fingerprints(self, dataset: str, records: list[Record]) -> set[int]:
        """Hashes that distinguish a dataset's records: of their ids, or of the whole record where it has none."""
        ids = [self.source_id(dataset, record) for record in records]
        return {hash(orjson.dumps(record) if own is None else own) for own, record in zip(ids, records, strict=True)}

    def report_observed_at(self, moment: datetime) -> None:
        """For a connector that reads an archive: when its file was made."""
        self.state.observed_at = moment

    def report_unchanged(self, dataset: str, replies: tuple[Reply, ...]) -> None:
        """The source answers 304: the dataset is unchanged. What was landed last is landed again, as observed now."""
        self.state.unchanged[dataset] = replies

    def report_total(self, dataset: str, total: int) -> None:
        """The source's own total of the records of one list; the totals of several lists are added."""
        gaps = self.gaps[dataset]
        gaps.claimed = sum_of_claims(gaps.claimed, total)
        self.part.claimed = sum_of_claims(self.part.claimed, total)

    def lower_total(self, dataset: str, by: int) -> None:
        """A list that was read again has fewer records than the total that was reported for it."""
        gaps = self.gaps[dataset]
        gaps.claimed, self.part.claimed = max(0, (gaps.claimed or 0) - by), max(0, (self.part.claimed or 0) - by)

    def expect_pages(self, dataset: str, pages: int) -> None:
        self.gaps[dataset].pages_expected += pages

    def report_failure(self, dataset: str, error: SyncError) -> None:
        """A page is lost; raises the error again if no more requests may be sent to the platform."""
        self.part.is_whole = False
        add_note(self.gaps[dataset].failures, str(error))
        self.state.first_loss = self.state.first_loss or error
        if stops_the_platform(error):
            self.state.reported_stop = error
            raise error

    def report_stop(self, error: SyncError) -> None:
        """No more requests can be sent to the platform: every dataset is incomplete, unless one reported the error."""
        if error is not self.state.reported_stop:
            for gaps in self.gaps.values():
                add_note(gaps.failures, str(error))

    def report_capped(self, dataset: str, slice_name: str) -> None:
        """A slice has more records than the source lists."""
        self.part.is_whole = False
        add_note(self.gaps[dataset].capped_slices, slice_name)

    def report_omitted(self, dataset: str, ids: Iterable[str]) -> None:
        """Requested ids that are missing from the answer, without an error."""
        self.part.is_whole = False
        self.gaps[dataset].omitted_ids.extend(ids)

    def report_finding(self, dataset: str, finding: str) -> None:
        """Anything else that means records may be missing: from the part that is read, or from the list as a whole."""
        self.part.is_whole = False
        gaps = self.gaps[dataset]
        if self.part.name is None:
            add_note(gaps.findings, finding)
        else:
            add_note(gaps.part_findings, f"{self.part.name}: {finding}")

    def report_unproven(self, dataset: str, doubt: str) -> None:
        """Nothing is known to be missing, and nothing proves that the list, or the part that is read, is whole.

        Rows that it does not show are retired only when the next full sync does not show them either.
        """
        gaps = self.gaps[dataset]
        if self.part.name is None:
            gaps.is_unproven = True
            add_note(gaps.doubts, doubt)
        else:
            gaps.parts.unproven.add(self.part.name)
            self.part.is_proven = False
            add_note(gaps.doubts, f"in part {self.part.name} {doubt}")

    def report_loose_readings(self, dataset: str, reply: Reply) -> None:
        """The fields of an answer that were read although they have another form than declared."""
        self.state.loose_readings[dataset].update(set(reply.loose_readings))

    def report_left_out(self, dataset: str, left_out: int, of: int, records: str, why: str) -> None:
        """Listed records that are not requested, because the list shows that they are out of scope.

        `records`: what a finding calls them. A filter that leaves out more than half of a list is a finding, because
        it is more likely that the filter is wrong than that the list is.
        """
        self.state.left_out[dataset] += left_out
        if finding := most_left_out(left_out, of, records, why):
            self.report_finding(dataset, finding)

    def report_note(self, dataset: str, note: str) -> None:
        """Report something odd that costs no record."""
        add_note(self.gaps[dataset].notes, note)

    def inherit_gaps(self, dataset: str, parent: str) -> None:
        """Where records of `parent` are known to be missing, their records in this dataset are missing too."""
        if self.gaps[parent].is_known:
            self.report_missing_parents(dataset, parent, f"what belongs to the missing {parent} is missing too")

    def inherit_doubt(self, dataset: str, parent: str) -> None:
        """Where nothing proves that all records of `parent` were listed, nothing proves it for this dataset."""
        if self.gaps[parent].is_unproven or self.gaps[parent].parts.unproven:
            self.report_unproven(dataset, f"nothing proves that all {parent} were listed")

    def report_missing_parents(self, dataset: str, parent: str, finding: str) -> None:
        """Records of `parent` are missing, and with them their records in this dataset; `finding` says so."""
        gaps = self.gaps[dataset]
        gaps.parent, gaps.missing_parents = parent, finding

    def report_all_parts_known(self, dataset: str) -> None:
        """The source lists all parts of a dataset: records of a part that is not read and not expected are gone."""
        self.gaps[dataset].parts.are_all_known = True

    def for_part(self, name: str) -> Extraction:
        """This extraction, for reading one part of a list: what is reported to it concerns that part."""
        return replace(self, part=PartGaps(name))

    async def each(
        self, dataset: str, items: Iterable[Item], fetch: Callable[[Item], Awaitable[Result]]
    ) -> AsyncIterator[Result]:
        """Yield the result of `fetch` for every item, a few at a time; an error is reported as a lost page."""
        async for result in concurrently(items, fetch, self.client.concurrency):
            if isinstance(result, SyncError):
                self.report_failure(dataset, result)
            else:
                yield result

    async def each_stream(
        self, dataset: str, items: Iterable[Item], stream: Callable[[Item], AsyncIterator[Result]]
    ) -> AsyncIterator[Result]:
        """Like `each` for a `stream` that yields several results per item."""

        async def results_of(item: Item) -> list[Result]:
            return [result async for result in stream(item)]

        async for results in self.each(dataset, items, results_of):
            for result in results:
                yield result

    async def each_part(
        self,
        dataset: str,
        items: Iterable[Item],
        stream: Callable[[Extraction, Item], AsyncIterator[Page]],
        name: Callable[[Item], str] = str,
    ) -> AsyncIterator[Page]:
        """Like `each_stream` for records that belong to one item each (one restaurant's reviews), with resumption.

        `name`: the name of an item's part. A part that an interrupted sync landed whole is not fetched again. `stream`
        reports to the extraction that it receives.
        """
        missing: list[Item] = []
        wanted, parts = list(items), self.gaps[dataset].parts
        parts.expect(map(name, wanted))
        for item in wanted:
            pages = self.landed_parts.pages(dataset, name(item))
            if not pages or pages[0].part is None or self._claims_more(dataset, pages, pages[0].part.claimed):
                missing.append(item)
                continue
            self.expect_pages(dataset, len(pages))
            if pages[0].part.claimed is not None:
                self.report_total(dataset, pages[0].part.claimed)
            if not pages[0].part.is_proven:
                self.for_part(name(item)).report_unproven(dataset, "its end was not sure when it was read")
            for page in pages:
                yield page
            parts.note_read([name(item)])

        async def fetched(item: Item) -> tuple[Part | None, list[Page]]:
            own = self.for_part(name(item))
            pages = [page async for page in stream(own, item)]
            if own.part.is_whole and self._claims_more(dataset, pages, own.part.claimed):
                own.report_finding(dataset, f"the source claims {own.part.claimed:,} records, and lists fewer")
            if not own.part.is_whole:
                return None, pages
            part = Part(name(item), len(pages), own.part.claimed, own.part.is_proven)
            return part, [replace(page, part=part) for page in pages]

        async for part, pages in self.each(dataset, missing, fetched):
            for page in pages:
                yield page
            if part is not None:  # it counts once it is yielded: when the platform stops, fetched pages are lost
                parts.note_read([part.name])

    def _claims_more(self, dataset: str, pages: list[Page], claimed: int | None) -> bool:
        """True if the source claims more records of a part than its pages have."""
        if claimed is None:
            return False
        return len(self.fingerprints(dataset, [record for page in pages for record in page.records])) < claimed
