"""Whether a restaurant is open at a moment, by its hours. Times are Hong Kong's; public holidays count as weekdays."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sync_platform.quality.opening_hours.osm_hours import stated_intervals
from sync_platform.quality.opening_hours.stated_hours import read_hours
from sync_platform.quality.opening_hours.weekly_hours import DAY, WEEK
from sync_platform.sources.period import HONG_KONG

Spans = tuple[tuple[int, int], ...]


def open_spans(text: str | None) -> Spans | None:
    """The spans of the week of hours in OpenStreetMap's syntax (`WeeklyHours.spans`); None where they are not known."""
    hours = read_hours((text,)) if text else None
    return hours.spans if hours else None


def intervals_in(text: str | None) -> list[dict[str, Any]] | None:
    """The intervals by day (`osm_hours.stated_intervals`) of hours in OpenStreetMap's syntax; None if not known."""
    hours = read_hours((text,)) if text else None
    return list(stated_intervals(hours)) if hours else None


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
