"""Whether a restaurant is open at a moment, by its hours in OpenStreetMap's syntax. Times are Hong Kong's.

On a public holiday, and on its eve, the hours that are stated for such days count in place of the weekday's. An
interval belongs to the day on which it opens: hours after midnight are those of the day before.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sync_platform.quality.opening_hours.osm_hours import stated_intervals
from sync_platform.quality.opening_hours.public_holidays import day_names
from sync_platform.quality.opening_hours.stated_hours import read_hours
from sync_platform.quality.opening_hours.weekly_hours import DAY
from sync_platform.sources.period import HONG_KONG


class DayMinute(NamedTuple):
    """A moment as minutes since the beginning of a day; `names`: those of the day (`public_holidays.day_names`)."""

    names: tuple[str, ...]
    minute: int


def day_minutes(moment: datetime) -> Iterator[DayMinute]:
    """The moment as a minute of its day in Hong Kong, and of the day before, whose hours may end after midnight."""
    local = moment.astimezone(HONG_KONG)
    minute = local.hour * 60 + local.minute
    yield DayMinute(day_names(local.date()), minute)
    yield DayMinute(day_names(local.date() - timedelta(days=1)), minute + DAY)


def intervals_in(text: str | None) -> list[dict[str, Any]] | None:
    """The intervals by day (`osm_hours.stated_intervals`) of hours in OpenStreetMap's syntax; None if not known."""
    hours = read_hours((text,)) if text else None
    return list(stated_intervals(hours)) if hours else None


def is_open(text: str | None, moment: datetime) -> bool | None:
    """Whether a restaurant with these hours is open at the moment; None where its hours are not known."""
    hours = read_hours((text,)) if text else None
    if hours is None:
        return None
    return any(each.opens <= minute < each.closes for names, minute in day_minutes(moment) for each in hours.on(names))
