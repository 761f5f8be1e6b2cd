"""The values platforms send, made plain: blanks, zero coordinates, times, money. Nothing is ever guessed."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from zoneinfo import ZoneInfo

from sync_platform.sources.period import HONG_KONG

FARTHEST = 180.0  # degrees: no place on earth lies farther


def filled(text: str | None) -> str | None:
    """The text without surrounding white space, or None for a blank."""
    if text is None:
        return None
    return text.strip() or None


def coordinate(value: float | str | None) -> float | None:
    """Degrees, or None for a missing one: platforms send 0 (or an empty string) for unknown. ValueError beyond 180."""
    if value is None or value == "":
        return None
    degrees = float(value)
    if not isfinite(degrees) or abs(degrees) > FARTHEST:
        raise ValueError("not a coordinate")
    return degrees or None


def money(value: str | float | None) -> Decimal | None:
    """An amount in HKD with cents, or None; ValueError for text that is no amount."""
    if value is None or value == "":
        return None
    try:
        amount = Decimal(str(value)).quantize(Decimal("0.01"))
    except InvalidOperation:
        raise ValueError("not an amount of money") from None
    if not amount.is_finite():
        raise ValueError("not an amount of money")
    return amount


def moment(text: str | None, zone: ZoneInfo = HONG_KONG) -> datetime | None:
    """A time in UTC from ISO 8601 text (`Z`, `+0800` and `+08:00` alike); without an offset it is in `zone`."""
    if not text:
        return None
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).astimezone(UTC)


def unix_moment(seconds: int | float | None) -> datetime | None:
    """A time in UTC from Unix seconds."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
