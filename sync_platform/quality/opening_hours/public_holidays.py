"""Public holidays of Hong Kong, and the names by which opening hours state a date.

The holidays come from the package `holidays`: the Chinese ones move with the lunar calendar, and the government moves a
holiday that falls on a Sunday, so no formula of our own would stay right.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import cache, lru_cache

from sync_platform.quality.opening_hours.weekly_hours import HOLIDAY, HOLIDAY_EVE, WEEKDAYS

GENERAL = "optional"
"""What the package calls the general holidays, which are the public ones. Its "public" ones are the statutory ones."""


def holiday_on(day: date) -> str | None:
    """The English name of the public holiday on a day in Hong Kong; None for none."""
    return _holidays(day.year).get(day)


@lru_cache(maxsize=100)
def day_names(day: date) -> tuple[str, ...]:
    """The names of a date in opening hours (DAYS), the one that counts first in front: PH, PH -1 day, the weekday."""
    is_holiday, is_eve = holiday_on(day) is not None, holiday_on(day + timedelta(days=1)) is not None
    return (*((HOLIDAY,) if is_holiday else ()), *((HOLIDAY_EVE,) if is_eve else ()), WEEKDAYS[day.weekday()])


@cache
def _holidays(year: int) -> Mapping[date, str]:
    from holidays import country_holidays  # the import takes 0.1 s, and few commands need it

    return dict(country_holidays("HK", years=year, language="en_HK", categories=GENERAL))
