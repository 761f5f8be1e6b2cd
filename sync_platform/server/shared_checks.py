"""Checks that several requests share: requests with one question wait for one check that begins after they arrived.

So an answer is never older than its request, and under load one look into the ledger serves many requests.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")
OfLoop = tuple[asyncio.AbstractEventLoop, Hashable]


class SharedChecks(Generic[Key, Answer]):
    """Checks of one kind. `check` finds the answer for a key. Requests of different event loops share nothing."""

    def __init__(self, check: Callable[[Key], Awaitable[Answer]]) -> None:
        self._check = check
        self._running: dict[OfLoop, asyncio.Task[Answer]] = {}
        self._waiting: dict[OfLoop, asyncio.Task[Answer]] = {}

    async def answer(self, key: Key) -> Answer:
        """The answer of a check that begins after this call; what the check raises."""
        asked = (asyncio.get_running_loop(), key)
        if asked not in self._waiting:
            self._waiting[asked] = asyncio.create_task(self._check_next(asked, key))
        return await asyncio.shield(self._waiting[asked])  # a request that is given up does not end the others' check

    async def _check_next(self, asked: OfLoop, key: Key) -> Answer:
        if asked in self._running:
            await asyncio.wait({self._running[asked]})
        task = self._running[asked] = self._waiting.pop(asked)
        try:
            return await self._check(key)
        finally:
            if self._running.get(asked) is task:
                del self._running[asked]
