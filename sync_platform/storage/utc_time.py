"""Times in UTC: now, and as databases return them."""

from __future__ import annotations

from datetime import UTC, datetime


def utc_now() -> datetime:
    """This moment, by the clock of this machine."""
    return datetime.now(UTC)


def in_utc(moment: datetime) -> datetime:
    """A stored time as UTC. SQLite returns times without a time zone, and every stored time is UTC."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
