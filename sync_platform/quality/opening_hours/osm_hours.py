"""Opening hours as text in OpenStreetMap's `opening_hours` syntax.

Source of the syntax: https://wiki.openstreetmap.org/wiki/Key:opening_hours/specification. `stated_hours` reads it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sync_platform.quality.opening_hours.weekly_hours import (
    DAY,
    HOLIDAY,
    HOLIDAY_EVE,
    WEEKDAYS,
    Interval,
    Intervals,
    WeeklyHours,
)

ALWAYS = "24/7"
_WHOLE_DAY = (Interval(0, DAY),)


def osm_text(hours: WeeklyHours) -> str:
    """The hours as text, such as `Mo-Fr 11:00-15:00,18:00-22:00; Sa 11:00-02:00; Su off; PH off`.

    A rule after `;` replaces the hours of its days, and so would cut an interval of the day before that ends past
    midnight. Where there is such an interval, the closed days come first, and the other rules are joined by a comma.
    """
    stated = dict(hours.days)
    weekdays = {day: stated[day] for day in WEEKDAYS if day in stated}
    if stated == dict.fromkeys(WEEKDAYS, _WHOLE_DAY):
        return ALWAYS
    by_intervals: dict[Intervals, list[str]] = {}
    for day, intervals in weekdays.items():
        by_intervals.setdefault(intervals, []).append(day)
    off = [f"{_days(by_intervals.pop(()))} off"] if () in by_intervals else []
    is_open = [f"{_days(days)} {_times(intervals)}" for intervals, days in by_intervals.items()]
    holidays = [f"{day} {_times(stated[day])}" for day in (HOLIDAY_EVE, HOLIDAY) if day in stated]
    if any(each.is_past_midnight for intervals in by_intervals for each in intervals):
        return "; ".join([*off, ", ".join(is_open), *holidays])
    return "; ".join([*is_open, *off, *holidays])


def stated_intervals(hours: WeeklyHours) -> Iterator[dict[str, Any]]:
    """Each interval of each stated day; of a closed day, one without times. `number` counts those of a day from 1."""
    for day, intervals in hours.days:
        for number, each in enumerate(intervals, 1):
            yield {
                "day": day,
                "number": number,
                "opens": clock_time(each.opens),
                "closes": clock_time(each.closes),
                "is_past_midnight": each.is_past_midnight,
                "is_closed": False,
            }
        if not intervals:
            yield {
                "day": day,
                "number": 1,
                "opens": None,
                "closes": None,
                "is_past_midnight": False,
                "is_closed": True,
            }


def clock_time(minutes: int) -> str:
    """Minutes since midnight as HH:MM; midnight at the end of a day is 24:00, and one minute later is 00:01."""
    if minutes > DAY:
        minutes -= DAY
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _times(intervals: Intervals) -> str:
    return ",".join(f"{clock_time(each.opens)}-{clock_time(each.closes)}" for each in intervals) or "off"


def _days(days: list[str]) -> str:
    """The days, with a dash for three or more in a row, such as `Mo-Th,Su`; two in a row are `Sa-Su`."""
    runs: list[list[str]] = []
    for day in days:
        if runs and WEEKDAYS.index(day) == WEEKDAYS.index(runs[-1][-1]) + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
