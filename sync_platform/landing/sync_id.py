"""The id of a sync: it begins with the time of its start, so ids sort by time."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

TIME_FORMAT = "%Y%m%dT%H%M%S.%fZ"


def new_sync_id(now: datetime | None = None, after: str | None = None) -> str:
    """A fresh id that sorts by time: `20261124T083000.123456Z-1f3a9c`.

    `after`: an earlier sync. The id sorts after it even if it was made while the clock was ahead.
    """
    moment, before = now or datetime.now(UTC), time_of_sync(after) if after else None
    if before is not None:
        moment = max(moment, before + timedelta(microseconds=1))
    return f"{moment.strftime(TIME_FORMAT)}-{secrets.token_hex(3)}"


def time_of_sync(sync_id: str) -> datetime | None:
    """When a sync began, from its id; None for a text that is not such an id."""
    try:
        return datetime.strptime(sync_id.split("-")[0], TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None
