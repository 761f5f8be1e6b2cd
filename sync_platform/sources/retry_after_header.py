"""The header Retry-After: for how long a platform asks to send nothing (RFC 9110, 10.2.3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from sync_platform.documents.local_time import local_time

LONGEST_BELIEVED_S = 366 * 86_400.0


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from now, never negative; None where the header is missing or cannot be read.

    A date is compared with the answer's own Date, so that a difference of the clocks does not matter.
    """
    value = headers.get("retry-after")
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        moment = _moment(value)
        seconds = (
            math.nan
            if moment is None
            else (moment - (_moment(headers.get("date")) or datetime.now(UTC))).total_seconds()
        )
    return None if math.isnan(seconds) else max(0.0, seconds)


def advice(wait_s: float) -> str:
    """What a person should do about a platform that asks for this wait."""
    if wait_s > LONGEST_BELIEVED_S:
        return "it asks for a wait of more than a year, so it blocks us: ask the platform before you sync it again"
    moment = datetime.now(UTC) + timedelta(seconds=wait_s)
    return f"sync it again after {local_time(moment)}, not before: an earlier request can make the wait longer"


def _moment(value: str | None) -> datetime | None:
    try:
        moment = parsedate_to_datetime(value) if value else None
    except (TypeError, ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=UTC) if moment and moment.tzinfo is None else moment
