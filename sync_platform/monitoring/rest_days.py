"""Rest days in Hong Kong: Saturdays, Sundays and public holidays, on which sources change less.

The holidays come from the package `holidays`: the Chinese ones move with the lunar calendar, and the government moves a
holiday that falls on a Sunday, so no formula of our own would stay right.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import cache

SATURDAY = 5
KINDS = ("public", "optional")
"""The statutory holidays, and the general ones: on both, the government and the banks are closed."""


def holiday_on(day: date) -> str | None:
    """The English name of the public holiday on a day in Hong Kong; None for none."""
    return _holidays(day.year).get(day)


def is_rest_day(day: date) -> bool:
    return day.weekday() >= SATURDAY or holiday_on(day) is not None


@cache
def _holidays(year: int) -> Mapping[date, str]:
    from holidays import country_holidays  # the import takes 0.1 s, and few commands need it

    return dict(country_holidays("HK", years=year, language="en_HK", categories=KINDS))
