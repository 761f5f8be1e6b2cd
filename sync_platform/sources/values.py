"""The values that platforms send, converted: blanks, zero coordinates, times, hours, money. No value is guessed.

The annotation of a parameter is also the type that a field must have (`sent_as`), so text is not taken for a number
unless the function's name says so. Each raises ValueError for a value that cannot be converted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from math import isfinite
from typing import Annotated
from zoneinfo import ZoneInfo

import msgspec

from sync_platform.sources.period import HONG_KONG
from sync_platform.sources.scalars import moment_in, not_zero, number_in

NumberText = Annotated[str, msgspec.Meta(pattern=r"^(-?\d+(\.\d+)?)?$")]
"""A number as text, in JSON's own notation; empty for none. Any other notation of it is a loose one."""
FARTHEST = 180.0  # degrees: no coordinate is larger
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def filled(text: str | None) -> str | None:
    """The text without surrounding white space, or None for a blank."""
    if text is None:
        return None
    return text.strip() or None


def filled_texts(texts: list[str] | None) -> list[str]:
    """The texts of a list without surrounding white space, blanks left out."""
    return [text for text in map(filled, texts or ()) if text]


def identity(value: int | str | None) -> str | None:
    """An id as text, or None for a blank: platforms send one id as a number here and as text there."""
    return None if value is None else filled(str(value))


def name_of_code(names: Mapping[int, str]) -> Callable[[int | None], str | None]:
    """A converter from a code to its name; a code without a name becomes `unknown:<code>`."""

    def convert(code: int | None) -> str | None:
        return None if code is None else names.get(code, f"unknown:{code}")

    return convert


def coordinate(degrees: float | None) -> float | None:
    """Degrees, or None for a missing coordinate: platforms send 0 for unknown. ValueError beyond 180."""
    if degrees is None:
        return None
    if not isfinite(degrees) or abs(degrees) > FARTHEST:
        raise ValueError("not a coordinate")
    return degrees or None


def coordinate_or_text(value: float | NumberText | None) -> float | None:
    """Like `coordinate`, for a platform that sends it as text too; a blank text is missing."""
    if not isinstance(value, str):
        return coordinate(value)
    try:
        return coordinate(float(number_in(value))) if value.strip() else None
    except ValueError as error:
        raise ValueError(f"not a coordinate: {error}") from None


def nonzero(number: float | None) -> float | None:
    """A number, or None for 0, which means unknown."""
    return number or None


def nonzero_count(number: int | None) -> int | None:
    """A whole number, or None for 0, which means unknown."""
    return number or None


def money(amount: float | None) -> Decimal | None:
    """An amount in HKD with cents, or None."""
    return money_or_text(amount)


def money_or_text(amount: float | NumberText | None) -> Decimal | None:
    """Like `money`, for a platform that sends it as text too; a blank text is missing."""
    if amount is None or (isinstance(amount, str) and not amount.strip()):
        return None
    try:
        exact = number_in(amount) if isinstance(amount, str) else Decimal(str(amount))
        rounded = exact.quantize(Decimal("0.01"))
    except (ValueError, InvalidOperation) as error:
        raise ValueError(f"not an amount of money: {error}") from None
    if not rounded.is_finite():
        raise ValueError("not an amount of money")
    return rounded


def day(sent: date | None) -> date | None:
    """A day, or None; ValueError for one of year 1, which stands for no date."""
    return None if sent is None else not_zero(sent)


def moment(text: str | None, zone: ZoneInfo = HONG_KONG) -> datetime | None:
    """A time in UTC, in any notation that `moment_in` reads; without an offset it is in `zone`."""
    return moment_in(text, zone) if text and not text.isspace() else None


def hours_of_days(days: dict[str, list[tuple[str, str]] | None] | None) -> list[str]:
    """Opening hours from the periods of each day: one line per period, `mon 11:30-22:00`, from Monday on.

    A day without periods is closed (`sun closed`), and a day that is missing is unknown. What is no weekday, such as
    `ph`, comes after the week.
    """
    lines = []
    named = days or {}
    for name in dict.fromkeys((*WEEK, *sorted(named))):
        periods = named.get(name)
        if periods is not None:
            lines += [f"{name} {'-'.join(period)}" for period in periods] or [f"{name} closed"]
    return lines
