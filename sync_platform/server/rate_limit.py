"""Limits of how often something may be asked, by client, in this process."""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable

MOST_KEYS = 10_000
"""Clients that are remembered; the one that asked longest ago is forgotten first."""


class RateLimit:
    """At most `count` times within `per_s` seconds for each key (a sliding window)."""

    def __init__(self, count: int, per_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.count, self.per_s, self._clock = count, per_s, clock
        self._times: OrderedDict[str, deque[float]] = OrderedDict()

    def wait_s(self, key: str) -> float:
        """0 and the use is counted, or the seconds until the next use is possible."""
        now = self._clock()
        times = self._times.setdefault(key, deque())
        self._times.move_to_end(key)
        while times and times[0] <= now - self.per_s:
            times.popleft()
        if len(times) >= self.count:
            return times[0] + self.per_s - now
        times.append(now)
        while len(self._times) > MOST_KEYS:
            self._times.popitem(last=False)
        return 0

    def give_back(self, key: str) -> None:
        """Count the newest use no more."""
        if times := self._times.get(key):
            times.pop()
