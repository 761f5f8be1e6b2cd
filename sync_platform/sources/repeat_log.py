"""Log lines on requests that are sent again: few, however many requests fail."""

from __future__ import annotations

import logging
import time

logger = logging.getLogger(__name__)
EVERY_S = 10.0


class RepeatLog:
    """Counts the requests of a client that are sent again, and logs their number at most every `EVERY_S` seconds."""

    def __init__(self, platform: str) -> None:
        self._platform = platform
        self._unlogged, self._logged_at = 0, float("-inf")

    def add(self, error: BaseException) -> None:
        """A request is sent again after an error. The first one is logged at once."""
        self._unlogged += 1
        now = time.monotonic()
        if now - self._logged_at >= EVERY_S:
            count = "1 request is" if self._unlogged == 1 else f"{self._unlogged} requests are"
            logger.info("%s: %s sent again, the last one after: %s", self._platform, count, error)
            self._unlogged, self._logged_at = 0, now
