"""One extraction of one platform: what it asks for, how it fetches, and what it had to leave out.

A connector reads the scope and the client here, yields pages, and tells every gap: a gap that is told makes the
dataset incomplete, and an incomplete dataset retires nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from sync_platform.errors import SyncError, stops_the_platform
from sync_platform.sources.client import Client, Reply
from sync_platform.sources.declaration import Record, Scope

Item = TypeVar("Item")
Result = TypeVar("Result")
MOST_LISTED = 100


@dataclass(frozen=True)
class Page:
    """Records of one dataset out of one reply (several where the platform spreads records over files)."""

    dataset: str
    records: list[Record]
    replies: tuple[Reply, ...]


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


class Extraction:
    """Handed to `Platform.pages`: the client, the scope, the credentials, and where gaps are told."""

    def __init__(
        self,
        client: Client,
        scope: Scope,
        credentials: Mapping[str, str],
        datasets: Iterable[str],
        secrets: SecretBook,
        archive_url: str = "",
    ) -> None:
        self.client, self.scope, self.credentials, self.secrets = client, scope, credentials, secrets
        self.archive_url = archive_url
        self.observed_at: datetime | None = None  # set by a connector that reads an archive: when its file was made
        self.first_loss: SyncError | None = None
        self._told: SyncError | None = None
        self.gaps: dict[str, Gaps] = {dataset: Gaps() for dataset in datasets}

    def claims(self, dataset: str, total: int) -> None:
        """The source's own total of records in what was asked for; told several times, they add up."""
        gaps = self.gaps[dataset]
        gaps.claimed = (gaps.claimed or 0) + total

    def expects(self, dataset: str, pages: int) -> None:
        self.gaps[dataset].pages_expected += pages

    def failed(self, dataset: str, error: SyncError) -> None:
        """A page is lost; raises the error again where asking this platform for more is pointless."""
        _note(self.gaps[dataset].failures, str(error))
        self.first_loss = self.first_loss or error
        if stops_the_platform(error):
            self._told = error
            raise error

    def stopped(self, error: SyncError) -> None:
        """The platform can be asked for no more; unless it is known which dataset that hit, it hits all."""
        if error is not self._told:
            for gaps in self.gaps.values():
                _note(gaps.failures, str(error))

    def wants(self, dataset: str) -> bool:
        """Whether a dataset is to be fetched: terms may allow ids only."""
        return dataset in self.gaps

    def capped(self, dataset: str, slice_name: str) -> None:
        """A slice holds more records than the source will list."""
        _note(self.gaps[dataset].capped_slices, slice_name)

    def omitted(self, dataset: str, ids: Iterable[str]) -> None:
        """Ids that were asked for and silently left out."""
        self.gaps[dataset].omitted_ids.extend(ids)

    def finds(self, dataset: str, finding: str) -> None:
        """Anything else that means records may be missing."""
        _note(self.gaps[dataset].findings, finding)

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
