"""Reads the `since` parameter of deltas and the cursors of lists, which several platforms share.

What belongs here: reading these parameters and writing cursors. What doesn't: the lists that they point into.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64
from datetime import UTC, datetime, timedelta, timezone

HONG_KONG = timezone(timedelta(hours=8))


def since_day(text: str) -> str:
    """A moment in ISO 8601 (UTC without an offset) in Hong Kong's time, to compare as text; empty for other text."""
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError:
        return ""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return moment.astimezone(HONG_KONG).isoformat(timespec="seconds")


def write_cursor(offset: int | None) -> str | None:
    """An opaque cursor for an offset; None where the list ends."""
    return None if offset is None else urlsafe_b64encode(f"o{offset}".encode()).decode().rstrip("=")


def read_cursor(text: str) -> int | None:
    """The offset in a cursor; 0 for an empty one, None for a text that is not a cursor of `write_cursor`."""
    if not text:
        return 0
    try:
        inside = urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    except (NotBase64, UnicodeDecodeError):
        return None
    return int(inside[1:]) if inside[:1] == "o" and inside[1:].isdecimal() else None
