"""The structured form of opening hours: the intervals of each weekday and of public holidays.

Equal hours have an equal form, however they are written: intervals that overlap or touch are one, an interval that ends
at midnight and goes on the next morning is one, and 23:59 is the end of the day.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

DAY, WEEK = 24 * 60, 7 * 24 * 60
NOON = 12 * 60
WEEKDAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")
HOLIDAY, HOLIDAY_EVE = "PH", "PH -1 day"
DAYS = (*WEEKDAYS, HOLIDAY, HOLIDAY_EVE)
"""Days in OpenStreetMap's notation."""
_LAST_MINUTE = DAY - 1


class Interval(NamedTuple):
    """Minutes since midnight of the day on which it opens. `closes` is outside; past midnight it is more than DAY."""

    opens: int
    closes: int

    @property
    def is_past_midnight(self) -> bool:
        return self.closes > DAY


Intervals = tuple[Interval, ...]


def interval(opens: int, closes: int) -> Interval | None:
    """The interval between two times of the clock; None where it is none.

    A closing time that is not later than the opening time is of the next day. Equal times are no interval, except
    midnight to midnight.
    """
    end = DAY if closes in (0, _LAST_MINUTE) else closes
    if end <= opens:
        end += DAY
    hours = Interval(opens, end)
    return hours if 0 <= opens < DAY and opens < end and _can_be_written(hours) else None


def _can_be_written(each: Interval) -> bool:
    """False for 24 hours and more, unless from midnight to midnight: the two times would be equal, or mean less."""
    return each.closes - each.opens < DAY or each == (0, DAY)


@dataclass(frozen=True)
class WeeklyHours:
    """The intervals of each day that is stated, in the order of DAYS; a day without intervals is closed."""

    days: tuple[tuple[str, Intervals], ...]

    @classmethod
    def of(cls, stated: Mapping[str, Iterable[Interval]]) -> WeeklyHours:
        """The form of these intervals by day."""
        joined = {day: _joined(stated[day]) for day in DAYS if day in stated}
        for day, following in zip(WEEKDAYS, (*WEEKDAYS[1:], WEEKDAYS[0]), strict=True):
            while joined.get(day) and joined.get(following):
                evening, morning = _joined_at_midnight(joined[day], joined[following])
                if morning == joined[following]:
                    break
                joined[day], joined[following] = evening, morning
        return cls(tuple(joined.items()))

    def on(self, names: Iterable[str]) -> Intervals:
        """The intervals of a date with these names of DAYS, of which the first that is stated counts."""
        stated = dict(self.days)
        return next((stated[name] for name in names if name in stated), ())

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The intervals of the weekdays in minutes since Monday 00:00; the end is outside, and may lie after Sunday."""
        return tuple(
            (WEEKDAYS.index(day) * DAY + each.opens, WEEKDAYS.index(day) * DAY + each.closes)
            for day, intervals in self.days
            if day in WEEKDAYS
            for each in intervals
        )


def _joined(intervals: Iterable[Interval]) -> Intervals:
    """The intervals of one day in order; those that overlap or touch are one."""
    joined: list[Interval] = []
    for each in sorted(intervals):
        whole = Interval(joined[-1].opens, max(joined[-1].closes, each.closes)) if joined else each
        if joined and each.opens <= joined[-1].closes and _can_be_written(whole):
            joined[-1] = whole
        else:
            joined.append(each)
    return tuple(joined)


def _joined_at_midnight(evening: Intervals, morning: Intervals) -> tuple[Intervals, Intervals]:
    """Two days in a row: hours of the second day that continue those of the first belong to the first."""
    last, first = evening[-1], morning[0]
    continues = last.closes >= DAY and DAY + first.opens <= last.closes and first.closes <= NOON
    end = max(last.closes, DAY + first.closes)
    if not continues or last.opens == 0 or not _can_be_written(Interval(last.opens, end)):
        return evening, morning
    return (*evening[:-1], Interval(last.opens, end)), morning[1:]
