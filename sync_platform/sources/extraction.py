"""One extraction of one platform: what it asks for, how it fetches, and what is missing from what it got.

A connector reads the scope, uses the client, yields pages, and reports every gap: a dataset with a reported gap is
incomplete, and an incomplete dataset retires nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Protocol, TypeVar

import orjson

from sync_platform.errors import SyncError, stops_the_platform
from sync_platform.sources.client import Client, Reply
from sync_platform.sources.concurrency import concurrently
from sync_platform.sources.gaps import Gaps, PartGaps, add_note, sum_of_claims
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.sources.received import Page, Part, Record
from sync_platform.sources.scope import Scope

Item = TypeVar("Item")
Result = TypeVar("Result")


class SecretBook(Protocol):
    """Where a platform keeps a secret it was handed (a rotated refresh token), sealed, between runs."""

    def read(self, name: str) -> str | None: ...

    def write(self, name: str, value: str) -> None: ...


class LandedParts(Protocol):
    """The whole parts that an interrupted sync landed."""

    def pages(self, dataset: str, part: str) -> list[Page]:
        """The pages of a part; none where it was not landed whole."""
        ...


class NothingLanded:
    """A sync that starts from nothing."""

    def pages(self, dataset: str, part: str) -> list[Page]:
        return []


class HasSourceIds(Protocol):
    """A dataset, as far as an extraction needs it."""

    @property
    def name(self) -> str: ...

    def source_id(self, record: Record) -> str | None: ...


class ExtractionState:
    """Everything that changes while an extraction runs; its parts share it.

    `observed_at`: the moment that the records show. `unchanged`: per dataset that the source calls unchanged, its
    replies. `first_loss`: the first page that was lost.
    """

    def __init__(self, datasets: Iterable[HasSourceIds], observed_at: datetime) -> None:
        self.observed_at = observed_at
        self.datasets = {dataset.name: dataset for dataset in datasets}
        self.gaps = {name: Gaps() for name in self.datasets}
        self.unchanged: dict[str, tuple[Reply, ...]] = {}
        self.first_loss: SyncError | None = None
        self.reported_stop: SyncError | None = None


@dataclass(frozen=True, eq=False)
class Extraction:
    """Handed to `Platform.pages`: the client, the scope, the credentials, and where gaps are reported.

    `known_etags`: by URL, of the bodies that were landed last and are complete.
    """

    client: Client
    scope: Scope
    credentials: Mapping[str, str] = field(repr=False)
    secrets: SecretBook
    state: ExtractionState
    archive_url: str = ""
    landed_parts: LandedParts = field(default_factory=NothingLanded)
    known_etags: Mapping[str, str] = field(default_factory=dict)
    part: PartGaps = field(default_factory=PartGaps)

    @property
    def gaps(self) -> Mapping[str, Gaps]:
        return self.state.gaps

    @property
    def day(self) -> date:
        """The day, in Hong Kong, that the records show: a list that starts today starts on it. A sync that runs past
        midnight stays on it."""
        return day_in_hong_kong(self.state.observed_at)

    def wants(self, dataset: str) -> bool:
        """Whether a dataset is to be fetched: terms may allow ids only."""
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
        """The source answers (304) that the dataset is what was landed last: that is landed again, as seen now."""
        self.state.unchanged[dataset] = replies

    def report_total(self, dataset: str, total: int) -> None:
        """The source's own total of records in what was asked for; several totals add up."""
        gaps = self.gaps[dataset]
        gaps.claimed = sum_of_claims(gaps.claimed, total)
        self.part.claimed = sum_of_claims(self.part.claimed, total)

    def expect_pages(self, dataset: str, pages: int) -> None:
        self.gaps[dataset].pages_expected += pages

    def report_failure(self, dataset: str, error: SyncError) -> None:
        """A page is lost; raises the error again where it makes no sense to ask this platform for more."""
        self.part.is_whole = False
        add_note(self.gaps[dataset].failures, str(error))
        self.state.first_loss = self.state.first_loss or error
        if stops_the_platform(error):
            self.state.reported_stop = error
            raise error

    def report_stop(self, error: SyncError) -> None:
        """The platform can be asked for no more. Unless a dataset already reported it, every dataset is incomplete."""
        if error is not self.state.reported_stop:
            for gaps in self.gaps.values():
                add_note(gaps.failures, str(error))

    def report_capped(self, dataset: str, slice_name: str) -> None:
        """A slice holds more records than the source will list."""
        self.part.is_whole = False
        add_note(self.gaps[dataset].capped_slices, slice_name)

    def report_omitted(self, dataset: str, ids: Iterable[str]) -> None:
        """Ids that were asked for and are silently missing from the answer."""
        self.part.is_whole = False
        self.gaps[dataset].omitted_ids.extend(ids)

    def report_finding(self, dataset: str, finding: str) -> None:
        """Anything else that means records may be missing."""
        self.part.is_whole = False
        add_note(self.gaps[dataset].findings, finding)

    def inherit_gaps(self, dataset: str, parent: str) -> None:
        """Where records of `parent` are known to be missing, what this dataset has of them is missing too."""
        if self.gaps[parent].is_known:
            self.report_finding(dataset, f"what belongs to the missing {parent} is missing too")

    async def each(
        self, dataset: str, items: Iterable[Item], fetch: Callable[[Item], Awaitable[Result]]
    ) -> AsyncIterator[Result]:
        """`fetch(item)` for every item, a few at a time, results as they arrive; a lost one is a reported failure."""
        async for result in concurrently(items, fetch, self.client.concurrency):
            if isinstance(result, SyncError):
                self.report_failure(dataset, result)
            else:
                yield result

    async def each_stream(
        self, dataset: str, items: Iterable[Item], stream: Callable[[Item], AsyncIterator[Result]]
    ) -> AsyncIterator[Result]:
        """Like `each` for a `stream` that yields several results per item."""

        async def drained(item: Item) -> list[Result]:
            return [result async for result in stream(item)]

        async for results in self.each(dataset, items, drained):
            for result in results:
                yield result

    async def each_part(
        self,
        dataset: str,
        items: Iterable[Item],
        stream: Callable[[Extraction, Item], AsyncIterator[Page]],
        name: Callable[[Item], str] = str,
    ) -> AsyncIterator[Page]:
        """Like `each_stream` for what belongs to one item each (one restaurant's reviews), with resumption: a part that
        an interrupted sync landed whole is taken from there. `stream` reports to the extraction that it is given."""
        missing: list[Item] = []
        for item in items:
            pages = self.landed_parts.pages(dataset, name(item))
            if not pages or pages[0].part is None:
                missing.append(item)
                continue
            self.expect_pages(dataset, len(pages))
            if pages[0].part.claimed is not None:
                self.report_total(dataset, pages[0].part.claimed)
            for page in pages:
                yield page

        async def fetched(item: Item) -> list[Page]:
            own = replace(self, part=PartGaps())
            pages = [page async for page in stream(own, item)]
            if not own.part.is_whole:
                return pages
            part = Part(name(item), len(pages), own.part.claimed)
            return [replace(page, part=part) for page in pages]

        async for pages in self.each(dataset, missing, fetched):
            for page in pages:
                yield page
