"""The time that a server's clock shows, from the headers of an answer (RFC 9110, 6.6.1; RFC 9111, 5.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime


def server_time(headers: Mapping[str, str]) -> datetime | None:
    """`Date`, and the `Age` of an answer that a cache had stored; None where the server does not say."""
    try:
        made = parsedate_to_datetime(headers["date"])
        aged = made + timedelta(seconds=int(headers.get("age", "0")))
        return aged.replace(tzinfo=UTC) if aged.tzinfo is None else aged.astimezone(UTC)
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
