"""An index in memory of the opening hours of many restaurants: which of them are open at a moment.

What belongs here: arrays of the intervals by day. `open_moments` has the same rules for one restaurant.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from sync_platform.quality.opening_hours.stated_hours import read_hours
from sync_platform.quality.opening_hours.weekly_hours import DAYS
from sync_platform.unified.open_moments import DayMinute, day_minutes


class OpeningIndex:
    """The hours of restaurants, which are numbered in the order of `texts`; None: its hours are not known.

    Safe to use from several threads: it is never changed.
    """

    def __init__(self, texts: Iterable[str | None]) -> None:
        stated: dict[str, list[int]] = {day: [] for day in DAYS}
        intervals: dict[str, list[tuple[int, int, int]]] = {day: [] for day in DAYS}
        self._count = 0
        for number, text in enumerate(texts):
            self._count += 1
            hours = read_hours((text,)) if text else None
            for day, of_day in hours.days if hours else ():
                stated[day].append(number)
                intervals[day] += [(number, rows.opens, rows.closes) for rows in of_day]
        self._stated = {day: np.array(numbers, np.int32) for day, numbers in stated.items()}
        self._intervals = {day: np.array(rows, np.int32).reshape(-1, 3) for day, rows in intervals.items()}
        self._open_in = lru_cache(8)(self._find_open_in)

    def open_at(self, moment: datetime) -> npt.NDArray[np.int32]:
        """The numbers of the restaurants that are open at the moment, in ascending order."""
        today, day_before = (self._open_in(each) for each in day_minutes(moment))
        return np.flatnonzero(today | day_before).astype(np.int32)

    def _find_open_in(self, moment: DayMinute) -> npt.NDArray[np.bool_]:
        """For each restaurant, whether the hours of that day include the minute: those of the first stated name."""
        is_open, is_decided = np.zeros(self._count, np.bool_), np.zeros(self._count, np.bool_)
        for name in moment.names:
            numbers, opens, closes = self._intervals[name].T
            is_in = (opens <= moment.minute) & (moment.minute < closes) & ~is_decided[numbers]
            is_open[numbers[is_in]] = True
            is_decided[self._stated[name]] = True
        return is_open
