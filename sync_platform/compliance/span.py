"""The span of time that a report covers, and the observation periods that lie wholly within it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sync_platform.documents.local_time import local_minute
from sync_platform.sources.period import HONG_KONG, Cadence, Period, day_in_hong_kong, period_of


@dataclass(frozen=True)
class Span:
    """From `first` to `last`, moments in UTC, both included."""

    first: datetime
    last: datetime

    def contains(self, moment: datetime) -> bool:
        return self.first <= moment <= self.last

    def whole_periods(self, cadence: Cadence, now: datetime) -> list[Period]:
        """The periods that lie wholly within the span and are over, earliest first."""
        whole_periods, period = [], period_of(cadence, day_in_hong_kong(self.first))
        while _begins(period) <= self.last and period.end <= now:
            if self.first <= _begins(period) and period.end - timedelta(microseconds=1) <= self.last:
                whole_periods.append(period)
            period = period_of(cadence, period.last + timedelta(days=1))
        return whole_periods

    def moments(self, day_of_month: int, hour: int, now: datetime) -> Iterator[datetime]:
        """That day and hour (in Hong Kong) of every month, if the moment lies within the span and is past."""
        month = period_of("monthly", day_in_hong_kong(self.first))
        while month.first <= day_in_hong_kong(min(self.last, now)):
            moment = datetime(month.first.year, month.first.month, day_of_month, hour, tzinfo=HONG_KONG)
            if self.contains(moment.astimezone(UTC)) and moment <= now:
                yield moment.astimezone(UTC)
            month = period_of("monthly", month.last + timedelta(days=1))


def day_text(moment: datetime) -> str:
    """The day in Hong Kong, YYYY-MM-DD."""
    return f"{day_in_hong_kong(moment):%Y-%m-%d}"


def moment_text(moment: datetime | None) -> str | None:
    """A moment to the minute; None for None."""
    return None if moment is None else local_minute(moment)


def _begins(period: Period) -> datetime:
    first: date = period.first
    return datetime(first.year, first.month, first.day, tzinfo=HONG_KONG).astimezone(UTC)
