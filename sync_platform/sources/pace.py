"""The pace of requests: a limit per second, a limit of requests in flight, and pauses that the platform asks for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

LONGEST_SLEEP_S = 3600.0


class Pause:
    """A pause of all requests to a platform. `is_on` until a request after it is answered without a new pause.

    `failed_trials`: how many requests in a row were sent after the pause and only made it longer.
    """

    def __init__(self) -> None:
        self.is_on = False
        self.failed_trials = 0
        self._since = self._until = 0.0
        self._times = 0

    def ask(self, seconds: float) -> None:
        """Pause from now on, at least for this time."""
        now = time.monotonic()
        if not self.is_on:
            self.is_on, self._since = True, now
        self._until = max(self._until, now + seconds)
        self._times += 1

    @property
    def length_s(self) -> float:
        """From the beginning of the pause to its end, as asked so far."""
        return self._until - self._since

    async def wait(self) -> None:
        """Return at the end of the pause, also if it becomes longer meanwhile."""
        while True:
            left_s = self._until - time.monotonic()
            if left_s <= 0:
                return
            await asyncio.sleep(min(left_s, LONGEST_SLEEP_S))

    @contextmanager
    def trial(self) -> Iterator[None]:
        """The first request after the pause: it ends the pause, unless the platform asks for another one."""
        times = self._times
        try:
            yield
        finally:
            if self._times == times:
                self.is_on, self.failed_trials = False, 0
            else:
                self.failed_trials += 1


class Pacer:
    """Spaces the starts of requests evenly and limits how many are in flight. Without `requests_per_second` the
    starts are not spaced. During a pause no request starts; after it one goes first, and the others follow."""

    def __init__(self, requests_per_second: float | None, concurrency: int) -> None:
        self._interval = 1.0 / requests_per_second if requests_per_second else 0.0
        self._next_start = 0.0
        self._slots = asyncio.Semaphore(concurrency)
        self._trial = asyncio.Lock()
        self.pause = Pause()

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        async with self._slots:
            await self._wait_for_start()
            while self.pause.is_on:
                async with self._trial:
                    if self.pause.is_on:
                        await self.pause.wait()
                        with self.pause.trial():
                            yield
                        return
                await self._wait_for_start()
            yield

    async def _wait_for_start(self) -> None:
        if self._interval:
            now = time.monotonic()
            start = max(now, self._next_start)
            self._next_start = start + self._interval
            if start > now:
                await asyncio.sleep(start - now)
