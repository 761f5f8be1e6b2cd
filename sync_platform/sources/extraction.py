"""One extraction of one platform: what it asks for, how it fetches, and what it had to leave out.

A connector reads the scope and the client here, yields pages, and tells every gap: a gap that is told makes the
dataset incomplete, and an incomplete dataset retires nothing.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol, TypeVar

import msgspec
import orjson

from sync_platform.errors import SyncError, stops_the_platform
from sync_platform.sources.client import Client, Reply
from sync_platform.sources.declaration import Dataset, Record, Scope

Item = TypeVar("Item")
Result = TypeVar("Result")
MOST_LISTED = 100
MOST_CLAIMED = 2**53  # a source may claim any number, and a table holds 64 bits


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
    """A share of a dataset that stands by itself (one restaurant's reviews), all of it there: its name, its pages,
    and the records that the source claims for it."""

    name: str
    pages: int
    claimed: int | None = None


@dataclass(frozen=True)
class Page:
    """Records of one dataset out of one reply (several where the platform spreads records over files).

    `part`: the whole part that it belongs to, if it does. `landed`: the bodies it came in, where an interrupted sync
    landed it; its records are sealed then.
    """

    dataset: str
    records: list[Record]
    replies: tuple[Reply, ...]
    part: Part | None = None
    landed: tuple[Body, ...] = ()


@dataclass
class Gaps:
    """What is known of one dataset's completeness; `reasons` is empty exactly when nothing is known to be missing."""

    claimed: int | None = None
    pages_expected: int = 0
    failures: list[str] = field(default_factory=list)
    capped_slices: list[str] = field(default_factory=list)
    omitted_ids: list[str] = field(default_factory=list)
    findings: list[str] = field(default_factory=list)


class SecretBook(Protocol):
    """Where a platform keeps a secret it was handed (a rotated refresh token), sealed, between runs."""

    def read(self, name: str) -> str | None: ...

    def write(self, name: str, value: str) -> None: ...


class LandedParts(Protocol):
    """What an interrupted sync landed in whole parts, to be gone on with."""

    def pages(self, dataset: str, part: str) -> list[Page]:
        """The pages of a part; none where it was not landed whole."""
        ...


class NothingLanded:
    """A sync that starts from nothing."""

    def pages(self, dataset: str, part: str) -> list[Page]:
        return []


@dataclass
class _Lost:
    """The first page that was lost, and the error that stopped the platform, once it is told."""

    first: SyncError | None = None
    told: SyncError | None = None


@dataclass
class _Share:
    """What is told of one part while it is fetched."""

    claimed: int | None = None
    is_whole: bool = True


class Extraction:
    """Handed to `Platform.pages`: the client, the scope, the credentials, and where gaps are told."""

    def __init__(
        self,
        client: Client,
        scope: Scope,
        credentials: Mapping[str, str],
        datasets: Iterable[Dataset],
        secrets: SecretBook,
        archive_url: str = "",
        landed_parts: LandedParts | None = None,
        known_etags: Mapping[str, str] | None = None,
    ) -> None:
        self.client, self.scope, self.credentials, self.secrets = client, scope, credentials, secrets
        self.archive_url = archive_url
        self.observed_at: datetime | None = None  # set by a connector that reads an archive: when its file was made
        self._datasets = {dataset.name: dataset for dataset in datasets}
        self.gaps: dict[str, Gaps] = {name: Gaps() for name in self._datasets}
        self.known_etags = known_etags or {}  # by URL, of what was landed last and is complete
        self.unchanged: dict[str, tuple[Reply, ...]] = {}
        self._landed_parts = landed_parts or NothingLanded()
        self._lost = _Lost()
        self._share = _Share()

    @property
    def first_loss(self) -> SyncError | None:
        return self._lost.first

    def claims(self, dataset: str, total: int) -> None:
        """The source's own total of records in what was asked for; told several times, they add up."""
        gaps, total = self.gaps[dataset], max(0, total)
        gaps.claimed = min((gaps.claimed or 0) + total, MOST_CLAIMED)
        self._share.claimed = min((self._share.claimed or 0) + total, MOST_CLAIMED)

    def expects(self, dataset: str, pages: int) -> None:
        self.gaps[dataset].pages_expected += pages

    def failed(self, dataset: str, error: SyncError) -> None:
        """A page is lost; raises the error again where asking this platform for more is pointless."""
        self._share.is_whole = False
        _note(self.gaps[dataset].failures, str(error))
        self._lost.first = self._lost.first or error
        if stops_the_platform(error):
            self._lost.told = error
            raise error

    def stopped(self, error: SyncError) -> None:
        """The platform can be asked for no more; unless it is known which dataset that hit, it hits all."""
        if error is not self._lost.told:
            for gaps in self.gaps.values():
                _note(gaps.failures, str(error))

    def wants(self, dataset: str) -> bool:
        """Whether a dataset is to be fetched: terms may allow ids only."""
        return dataset in self.gaps

    def source_id(self, dataset: str, record: Record) -> str | None:
        return self._datasets[dataset].source_id(record)

    def fingerprints(self, dataset: str, records: list[Record]) -> set[int]:
        """What tells a dataset's records apart: their ids, and all of one that bears none."""
        found = map(self._datasets[dataset].source_id, records)
        return {hash(orjson.dumps(record) if own is None else own) for own, record in zip(found, records, strict=True)}

    def capped(self, dataset: str, slice_name: str) -> None:
        """A slice holds more records than the source will list."""
        self._share.is_whole = False
        _note(self.gaps[dataset].capped_slices, slice_name)

    def omitted(self, dataset: str, ids: Iterable[str]) -> None:
        """Ids that were asked for and silently left out."""
        self._share.is_whole = False
        self.gaps[dataset].omitted_ids.extend(ids)

    def finds(self, dataset: str, finding: str) -> None:
        """Anything else that means records may be missing."""
        self._share.is_whole = False
        _note(self.gaps[dataset].findings, finding)

    def is_unchanged(self, dataset: str, replies: tuple[Reply, ...]) -> None:
        """The source says (304) that the dataset is what was landed last: that is landed again as seen now."""
        self.unchanged[dataset] = replies

    def hangs_on(self, dataset: str, other: str) -> None:
        """Where records of `other` are known to be missing, what this dataset holds of them is missing too."""
        gaps = self.gaps[other]
        if gaps.failures or gaps.capped_slices or gaps.omitted_ids or gaps.findings:
            self.finds(dataset, f"what belongs to the missing {other} is missing too")

    async def each(
        self, dataset: str, items: Iterable[Item], fetch: Callable[[Item], Awaitable[Result]]
    ) -> AsyncIterator[Result]:
        """`fetch(item)` for every item, a few at a time, results as they arrive; a lost one is told as a failure."""
        async for result in concurrently(items, fetch, self.client.concurrency):
            if isinstance(result, SyncError):
                self.failed(dataset, result)
            else:
                yield result

    async def each_stream(
        self, dataset: str, items: Iterable[Item], stream: Callable[[Item], AsyncIterator[Result]]
    ) -> AsyncIterator[Result]:
        """Like `each` for a `stream` that yields several results per item (the pages of one restaurant's reviews)."""

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
        """Like `each_stream` for what belongs to one restaurant each: a part that an interrupted sync landed whole is
        taken from there. `stream` is handed an extraction of its own, to tell gaps to."""
        missing: list[Item] = []
        for item in items:
            pages = self._landed_parts.pages(dataset, name(item))
            if not pages or pages[0].part is None:
                missing.append(item)
                continue
            self.expects(dataset, len(pages))
            if pages[0].part.claimed is not None:
                self.claims(dataset, pages[0].part.claimed)
            for page in pages:
                yield page

        async def fetched(item: Item) -> list[Page]:
            own = copy.copy(self)
            own._share = share = _Share()
            pages = [page async for page in stream(own, item)]
            if not share.is_whole:
                return pages
            part = Part(name(item), len(pages), share.claimed)
            return [replace(page, part=part) for page in pages]

        async for pages in self.each(dataset, missing, fetched):
            for page in pages:
                yield page


async def concurrently(
    items: Iterable[Item], fetch: Callable[[Item], Awaitable[Result]], width: int
) -> AsyncIterator[Result | SyncError]:
    """Run `fetch` over items, at most `width` at a time and no more than `width` results ahead of the reader."""
    pending: set[asyncio.Task[Result | SyncError]] = set()
    remaining = iter(items)

    async def caught(item: Item) -> Result | SyncError:
        try:
            return await fetch(item)
        except SyncError as error:
            return error

    try:
        while True:
            while len(pending) < width and (item := next(remaining, _END)) is not _END:
                pending.add(asyncio.create_task(caught(item)))  # type: ignore[arg-type] # the sentinel is ruled out
            if not pending:
                return
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)


_END = object()


def _note(notes: list[str], text: str) -> None:
    """Keep the first hundred, so that a platform that fails everywhere does not fill memory."""
    if len(notes) < MOST_LISTED:
        notes.append(text)
    elif len(notes) == MOST_LISTED:
        notes.append("… and more")
