"""Opening hours as platforms write them, read as spans of the week.

`1 11:00-22:30` (OpenRice; 1 is Monday), `mon 11:30-22:00` (Bistrochat), `MONDAY 11:00-22:00` (TripAdvisor); `closed` in
place of the times for a day without any. Times are Hong Kong's; a span that ends before it begins ends the next day.
Public holidays are not known.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

from sync_platform.sources.period import HONG_KONG

DAY, WEEK = 24 * 60, 7 * 24 * 60
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LINE = re.compile(r"([1-7]|[a-z]{3,9}) (?:(closed)|(\d{1,2}):(\d\d)(?::\d\d)?-(\d{1,2}):(\d\d)(?::\d\d)?)")
Spans = tuple[tuple[int, int], ...]


def open_spans(lines: Sequence[str] | None) -> Spans | None:
    """The spans of the week, in minutes since Monday 00:00; the end is outside, and may lie after Sunday.

    None where the hours are not known, or a line of them cannot be read.
    """
    return _spans(tuple(lines)) if lines else None


@lru_cache(maxsize=20_000)
def _spans(lines: tuple[str, ...]) -> Spans | None:
    found: list[tuple[int, int]] = []
    for line in lines:
        read = _LINE.fullmatch(line.strip().lower())
        if read is None:
            return None
        name, closed, *times = read.groups()
        day = int(name) - 1 if name.isdigit() else next((at for at, each in enumerate(_DAYS) if name[:3] == each), None)
        if day is None:
            return None
        if not closed:
            first, last = int(times[0]) * 60 + int(times[1]), int(times[2]) * 60 + int(times[3])
            if first > DAY or last > 2 * DAY:
                return None
            found.append((day * DAY + first, day * DAY + (last if last > first else last + DAY)))
    return tuple(found)


def minute_of_week(moment: datetime) -> int:
    """The minutes since Monday 00:00 in Hong Kong."""
    local = moment.astimezone(HONG_KONG)
    return local.weekday() * DAY + local.hour * 60 + local.minute


def is_open(spans: Spans | None, moment: datetime) -> bool | None:
    """Whether a restaurant with these spans is open at the moment; None where its hours are not known."""
    if spans is None:
        return None
    minute = minute_of_week(moment)
    return any(first <= at < last for first, last in spans for at in (minute, minute + WEEK))
