"""Shrink tolerance: how many of the live rows one full list may retire.

A platform declares the share of its rows that may be gone after one period of its cadence. Two things make more of them
ordinary: a longer time since the last complete list, and a small list, whose losses vary more from one period to the
next. A share that an operator sets counts exactly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import datetime

from sync_platform.sources.period import Cadence

PERIOD_DAYS: dict[Cadence, int] = {"weekly": 7, "monthly": 31}
DEVIATIONS = 3
"""Losses up to this many standard deviations above the mean are ordinary. The number of losses has a Poisson
distribution, whose standard deviation is the square root of its mean."""
MAX_EXTRA = 1 / 3
"""What is allowed beyond the share ends at this part of the live rows: a list that collapses is never ordinary."""


@dataclass(frozen=True)
class ShrinkTolerance:
    """The share of the live rows that may be retired after one period.

    `periods`: how many periods have passed since the last complete list, at least one; None for a share that counts
    exactly.
    """

    share: float
    periods: float | None = None

    def rows(self, live: int) -> int:
        """The largest number of rows that may be retired.

        It is at least one; otherwise a small table could never lose a row. (lake/retirement.py rejects a list in which
        every row is missing.)
        """
        exact = max(1, int(self.share * live))
        if self.periods is None:
            return exact
        mean = self.share * live * self.periods
        ordinary = mean + DEVIATIONS * math.sqrt(mean)
        return max(exact, int(min(ordinary, MAX_EXTRA * live)))

    def plus(self, share: float) -> ShrinkTolerance:
        """The tolerance with a larger share."""
        return replace(self, share=self.share + share)


def periods_between_lists(cadence: Cadence, before: datetime | None, after: datetime) -> float:
    """The periods between two lists, at least one; one where there is no list before."""
    if before is None:
        return 1.0
    return max(1.0, (after - before).total_seconds() / 86_400 / PERIOD_DAYS[cadence])
