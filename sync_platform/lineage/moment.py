"""Moments in options: a time with its time zone, or a day, which means that day in Hong Kong."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from sync_platform.errors import UsageError
from sync_platform.sources.period import HONG_KONG

RESOLUTION = timedelta(microseconds=1)


def parse_moment(text: str, option: str = "--as-of") -> datetime:
    """A moment in UTC; a day means its last moment. UsageError, naming the option, for anything else."""
    day = _day(text)
    if day is not None:
        return datetime.combine(day + timedelta(days=1), time(), HONG_KONG).astimezone(UTC) - RESOLUTION
    return _moment(text, option)


def parse_beginning(text: str, option: str = "--from") -> datetime:
    """A moment in UTC; a day means its first moment. UsageError, naming the option, for anything else."""
    day = _day(text)
    return datetime.combine(day, time(), HONG_KONG).astimezone(UTC) if day is not None else _moment(text, option)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if len(text) == len("2026-11-24") else None
    except ValueError:
        return None


def _moment(text: str, option: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is neither a day (2026-11-24) nor a moment (2026-11-24T18:00:00+08:00)"
        ) from None
    if moment.tzinfo is None:
        raise UsageError(f"{option} {text!r} names no time zone: write {text}+08:00 for Hong Kong, or {text}Z")
    return moment.astimezone(UTC)
