"""Moments in options: a time with its time zone, or a day, which means that day in Hong Kong."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sync_platform.documents.local_time import local_time
from sync_platform.errors import UsageError
from sync_platform.sources.period import HONG_KONG

RESOLUTION = timedelta(microseconds=1)
YEARS = range(1900, 2200)
"""The years of moments; at the ends of the calendar, another zone or the day after does not exist."""


def parse_moment(text: str, option: str = "--as-of") -> datetime:
    """A moment in UTC; a day means its last moment. UsageError, naming the option, for anything else."""
    day = _day(text, option)
    if day is not None:
        return datetime.combine(day + timedelta(days=1), time(), HONG_KONG).astimezone(UTC) - RESOLUTION
    return _moment(text, option)


def parse_beginning(text: str, option: str = "--from") -> datetime:
    """A moment in UTC; a day means its first moment. UsageError, naming the option, for anything else."""
    day = _day(text, option)
    return datetime.combine(day, time(), HONG_KONG).astimezone(UTC) if day is not None else _moment(text, option)


def require_begun(beginning: datetime, text: str, option: str, now: datetime) -> None:
    """UsageError if a span begins in the future: nothing can be in it, and the year may be a slip."""
    if beginning > now:
        raise UsageError(f"{option} {text} lies in the future: nothing has happened yet; it is {local_time(now)} now")


def _day(text: str, option: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    _require_year(day, text, option)
    return day


def _require_year(day: date, text: str, option: str) -> None:
    if day.year not in YEARS:
        raise UsageError(f"{option} {text!r} is not in the years from {YEARS[0]} to {YEARS[-1]}")


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is neither a day (2026-11-24) nor a moment (2026-11-24T18:00:00+08:00)"
        ) from None
    _require_year(moment, text, option)
    if moment.tzinfo is None:
        raise UsageError(f"{option} {text!r} names no time zone: write {text}+08:00 for Hong Kong, or {text}Z")
    return moment.astimezone(UTC)
