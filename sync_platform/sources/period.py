"""Observation periods: the month or week, in Hong Kong time, that a partition key names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from sync_platform.errors import UsageError

HONG_KONG = ZoneInfo("Asia/Hong_Kong")
Cadence = Literal["weekly", "monthly"]


@dataclass(frozen=True)
class Period:
    """One observation period: days `first` to `last`, both included; `key` as Dagster writes it."""

    cadence: Cadence
    key: str
    first: date
    last: date

    def contains(self, moment: datetime) -> bool:
        return self.first <= day_in_hong_kong(moment) <= self.last

    @property
    def end(self) -> datetime:
        """The first moment after the period, in UTC."""
        return datetime.combine(self.last + timedelta(days=1), time(), HONG_KONG).astimezone(UTC)


def day_in_hong_kong(moment: datetime) -> date:
    return moment.astimezone(HONG_KONG).date()


def period_of(cadence: Cadence, day: date) -> Period:
    """The period that a day falls in; weeks begin on Monday and are named by that day."""
    if cadence == "monthly":
        first = day.replace(day=1)
        last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
        return Period(cadence, first.strftime("%Y-%m"), first, last)
    first = day - timedelta(days=day.weekday())
    return Period(cadence, first.isoformat(), first, first + timedelta(days=6))


def current_period(cadence: Cadence, now: datetime | None = None) -> Period:
    return period_of(cadence, day_in_hong_kong(now or datetime.now(UTC)))


def periods_between(cadence: Cadence, first: str, last: str | None = None) -> list[Period]:
    """The periods of a span, earliest first, both ends included; `last` None: up to the current one.

    Each end is a month (2026-11) or a day (2026-11-16), for every cadence. A month means all periods that begin in it.
    """
    day, end = _first_day(first), day_in_hong_kong(datetime.now(UTC)) if last is None else _last_day(last)
    current = current_period(cadence)
    for each, text in ((end, last), (day, first)):
        if each > current.last:
            raise UsageError(f"{text!r} lies in the future")
    period = period_of(cadence, day)
    if period.first < day and len(first) == len("2026-11"):
        period = period_of(cadence, period.last + timedelta(days=1))
    periods = []
    while period.first <= end:
        periods.append(period)
        period = period_of(cadence, period.last + timedelta(days=1))
    return periods


def _first_day(text: str) -> date:
    """A day, or the first day of a month; UsageError for any other text."""
    for form in ("%Y-%m-%d", "%Y-%m"):
        try:
            return datetime.strptime(text, form).date()
        except ValueError:
            continue
    raise UsageError(f"{text!r} is neither a month such as 2026-11 nor a day such as 2026-11-16")


def _last_day(text: str) -> date:
    """A day, or the last day of a month; for the current month, today."""
    day = _first_day(text)
    if len(text) > len("2026-11"):
        return day
    today = day_in_hong_kong(datetime.now(UTC))
    if day > today:
        return day.replace(day=28)  # beyond the current period; the calendar's last month has no next one
    return min(today, period_of("monthly", day).last)


def parse_period(cadence: Cadence, text: str) -> Period:
    """A period from `2026-11` (monthly) or from any day of the week, `2026-11-16` (weekly); UsageError otherwise."""
    example = "a month such as 2026-11" if cadence == "monthly" else "a day of a week such as 2026-11-16"
    try:
        day = datetime.strptime(text, "%Y-%m").date() if cadence == "monthly" else date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"partition {text!r} is not {example}") from None
    if day > current_period(cadence).last:
        raise UsageError(f"partition {text!r} lies in the future")
    return period_of(cadence, day)
