"""Reads opening hours as platforms and people write them, in English, Chinese or OpenStreetMap's syntax.

`1 11:00-22:30` (OpenRice; 1 is Monday, 8 a public holiday), `mon 11:30-22:00` (Bistrochat), `MONDAY 11:00-22:00`
(TripAdvisor), `Mon-Fri 11:30am - 3pm, 6pm - 11pm`, `星期一至五 上午11時至下午10時（最後落單 21:30）`, `24 hours`,
`Mo-Sa 11:00-22:00; Su off`. Times are Hong Kong's. What cannot be read, or may mean several things, is not known:
nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from sync_platform.quality.opening_hours.day_words import day_range
from sync_platform.quality.opening_hours.hours_tokens import HoursToken, hours_tokens
from sync_platform.quality.opening_hours.weekly_hours import (
    DAY,
    DAYS,
    NOON,
    WEEKDAYS,
    Interval,
    Intervals,
    WeeklyHours,
    interval,
)

_STATEMENTS_END = re.compile(r"[;\n。；]")


class UnreadableHours(Exception):
    """A line that cannot be read, or that contradicts another."""


@dataclass(frozen=True)
class HoursStatement:
    """The hours of some days; no interval means closed."""

    days: frozenset[str]
    intervals: Intervals


def read_hours(lines: Sequence[str] | None) -> WeeklyHours | None:
    """The hours that these lines state together; None where there are none, or where any line cannot be read."""
    return _read(tuple(lines)) if lines else None


@lru_cache(maxsize=20_000)
def _read(lines: tuple[str, ...]) -> WeeklyHours | None:
    try:
        statements = [each for line in lines for part in _STATEMENTS_END.split(line) for each in _statements(part)]
        stated = {day: _hours_of(day, statements) for day in DAYS if any(day in each.days for each in statements)}
    except UnreadableHours:
        return None
    return WeeklyHours.of(stated) if stated else None


def _statements(line: str) -> Iterable[HoursStatement]:
    if not line.strip():
        return
    tokens = hours_tokens(line)
    if not tokens:
        raise UnreadableHours(line)
    reader = _LineReader(tokens)
    while reader.has_more:
        yield reader.statement()


class _LineReader:
    """Reads the statements of one line from its tokens."""

    def __init__(self, tokens: list[HoursToken]) -> None:
        self._tokens = tokens
        self._at = 0

    @property
    def has_more(self) -> bool:
        return self._at < len(self._tokens)

    def statement(self) -> HoursStatement:
        """Days and their hours; hours without days are those of every weekday. `closed` may come before its days."""
        days = self._days()
        if self._next_is("closed"):
            self._take("closed")
            days = days or self._days()
            if not days:
                raise UnreadableHours("closed on no day")
            self._skip_separator()
            return HoursStatement(frozenset(days), ())
        statement = HoursStatement(frozenset(days or WEEKDAYS), tuple(self._intervals()))
        if self.has_more and not days:
            raise UnreadableHours("hours of every day, and more")
        return statement

    def _days(self) -> list[str]:
        names: list[str] = []
        while self._next_is("day"):
            days = self._take("day").days
            if self._next_is("dash") and self._is(1, "day"):
                self._take("dash")
                last = self._take("day").days
                if len(days) != 1 or len(last) != 1 or not {*days, *last} <= set(WEEKDAYS):
                    raise UnreadableHours("a range of days that are no weekdays")
                days = day_range(days[0], last[0])
            names += days
            if self._next_is("between") and self._is(1, "day"):
                self._take("between")
        return names

    def _intervals(self) -> Iterable[Interval]:
        if self._next_is("all_day"):
            self._take("all_day")
            self._skip_separator()
            yield Interval(0, DAY)
            return
        while True:
            yield self._interval()
            self._skip_separator()
            if not self._next_is("time"):
                return

    def _interval(self) -> Interval:
        first = self._take("time")
        self._take("dash")
        is_next_day = self._skip("next_day")
        last = self._take("time")
        is_next_day = self._skip("next_day") or is_next_day
        if first.has_meridiem != last.has_meridiem or _is_ambiguous(first, last):
            raise UnreadableHours("times of which one may be in the afternoon")
        closes = last.minutes + DAY if is_next_day and first.minutes < last.minutes < DAY else last.minutes
        hours = interval(first.minutes, closes)
        if hours is None:
            raise UnreadableHours("an impossible time")
        return hours

    def _next_is(self, kind: str) -> bool:
        return self._is(0, kind)

    def _is(self, ahead: int, kind: str) -> bool:
        return self._at + ahead < len(self._tokens) and self._tokens[self._at + ahead].kind == kind

    def _take(self, kind: str) -> HoursToken:
        if not self._next_is(kind):
            raise UnreadableHours(f"no {kind} where one is expected")
        self._at += 1
        return self._tokens[self._at - 1]

    def _skip(self, kind: str) -> bool:
        is_next = self._next_is(kind)
        self._at += is_next
        return is_next

    def _skip_separator(self) -> None:
        self._skip("between")


def _is_ambiguous(first: HoursToken, last: HoursToken) -> bool:
    """True for `11:00-3:00`: the second time is of the afternoon, or of the night."""
    is_backwards = last.minutes <= first.minutes < NOON + 60
    return is_backwards and last.is_short and last.minutes > 0 and not last.has_meridiem


def _hours_of(day: str, statements: Iterable[HoursStatement]) -> Intervals:
    """The intervals of a day. A statement about fewer days replaces one about more, as `daily` and `Sunday closed`.

    Raises UnreadableHours where two statements contradict each other, or where it is not clear whether the hours of
    fewer days replace the others or are added to them.
    """
    about = [each for each in statements if day in each.days]
    fewest = min(len(each.days) for each in about)
    nearest = [each for each in about if len(each.days) == fewest]
    if len({bool(each.intervals) for each in nearest}) > 1:
        raise UnreadableHours(f"{day} is both open and closed")
    intervals = tuple(each for statement in nearest for each in statement.intervals)
    replaced = [each for other in about if len(other.days) > fewest for each in other.intervals]
    if intervals and any(not any(_overlap(one, other) for one in intervals) for other in replaced):
        raise UnreadableHours(f"{day} may have more hours")
    return intervals


def _overlap(one: Interval, other: Interval) -> bool:
    return one.opens < other.closes and other.opens < one.closes
