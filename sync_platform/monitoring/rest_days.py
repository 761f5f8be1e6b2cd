"""Rest days in Hong Kong: Saturdays, Sundays and public holidays, on which sources change less."""

from __future__ import annotations

from datetime import date

from sync_platform.quality.opening_hours.public_holidays import holiday_on

SATURDAY = 5


def is_rest_day(day: date) -> bool:
    return day.weekday() >= SATURDAY or holiday_on(day) is not None
