"""Runs several fetches at a time, no faster than the caller reads their results."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from typing import TypeVar

from sync_platform.errors import SyncError

Item = TypeVar("Item")
Result = TypeVar("Result")
_END = object()


async def concurrently(
    items: Iterable[Item], fetch: Callable[[Item], Awaitable[Result]], width: int
) -> AsyncIterator[Result | SyncError]:
    """Run `fetch` over items, at most `width` at a time and no more than `width` results ahead of the reader.

    A SyncError of `fetch` is yielded in place of its result.
    """
    pending: set[asyncio.Task[Result | SyncError]] = set()
    remaining = iter(items)

    async def result_or_error(item: Item) -> Result | SyncError:
        try:
            return await fetch(item)
        except SyncError as error:
            return error

    try:
        while True:
            while len(pending) < width and (item := next(remaining, _END)) is not _END:
                pending.add(asyncio.create_task(result_or_error(item)))  # type: ignore[arg-type] # the sentinel is ruled out
            if not pending:
                return
            done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                yield task.result()
    finally:
        for task in pending:
            task.cancel()
        await asyncio.gather(*pending, return_exceptions=True)
