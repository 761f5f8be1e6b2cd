"""Numbers, truth values, days and moments in other notations than JSON's own: "8,446", "Y", 1764028800.

What belongs here: what one value plainly means. A value with two meanings ("1,280" may be 1280 or 1.28; "01/02/2026")
is refused with ValueError, never guessed. What does not: which field has which type (loose_records.py).
"""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from sync_platform.sources.period import HONG_KONG, day_in_hong_kong

Day = TypeVar("Day", bound=date)
LARGEST_EXACT = 2**53  # a larger whole number may have lost digits as a float
_CURRENCY = re.compile(r"HK\$|HKD|港幣|港元", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?(?:\d+|[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d{0,2}(?: \d{3})+)(?:\.\d+)?")
_MINUS = "\u2212"  # the sign of mathematics
_ONE_COMMA = re.compile(r"[^,.]*,[^,.]*")
_TRUTHS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1", "是"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0", "否"), False),
}
_YEAR_FIRST = re.compile(r"(\d{4})([-/])(\d{1,2})\2(\d{1,2})(?=$|[T ])")
_UNIX = re.compile(r"\d{9,16}(?:\.\d+)?")
_EARLIEST, _LATEST = datetime(2000, 1, 1, tzinfo=UTC).timestamp(), datetime(2100, 1, 1, tzinfo=UTC).timestamp()
_PER_SECOND = (1, 1_000, 1_000_000)


def plain(text: str) -> str:
    """The text with full-width letters and digits as narrow ones, without surrounding white space (NFKC)."""
    return text.strip() if text.isascii() else unicodedata.normalize("NFKC", text).strip()


def number_in(text: str) -> Decimal:
    """The number that a text is: digits, grouped in threes by commas or blanks or not, with a decimal point.

    A mark of the Hong Kong dollar may stand before or after it. ValueError for any other text, and for one comma
    without a decimal point, which may be a decimal comma: whole_number_of reads it.
    """
    digits = _without_currency(text)
    if _NUMBER.fullmatch(digits) is None:
        raise ValueError("not a number")
    if _ONE_COMMA.fullmatch(digits):
        raise ValueError("two meanings: its comma groups thousands, or is a decimal comma")
    return Decimal(re.sub("[, ]", "", digits))


def whole_number_of(value: Any) -> int:
    """The whole number that a text ("8,446", a comma groups thousands) or a float (12.0) is.

    ValueError for any other value, for a fraction, and for a float too large to be exact.
    """
    if isinstance(value, str):
        digits = _without_currency(value)
        number = Decimal(re.sub("[, ]", "", digits)) if _NUMBER.fullmatch(digits) else None
        if number is not None and number == int(number):
            return int(number)
    elif isinstance(value, float) and value.is_integer() and abs(value) <= LARGEST_EXACT:
        return int(value)
    raise ValueError("not a whole number")


def id_text(value: Any) -> str | None:
    """An id as text: platforms send 12, 12.0, "12" and "12 " for one; None for a blank text and for any other value."""
    if isinstance(value, str):
        return value.strip() or None
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) <= LARGEST_EXACT else None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def truth_in(value: str | float) -> bool:
    """True for 1, "true", "yes", "Y", "t", "on", "是"; False for their opposites; ValueError for anything else."""
    known = _TRUTHS.get(plain(value).casefold()) if isinstance(value, str) else {1.0: True, 0.0: False}.get(value)
    if known is None:
        raise ValueError("neither true nor false")
    return known


def moment_in(text: str, zone: ZoneInfo = HONG_KONG) -> datetime:
    """A moment in UTC, from ISO 8601 text (year first, `-` or `/`) or from Unix seconds, milliseconds or microseconds.

    A time without an offset is in `zone`, and a day begins at midnight there. Unix times count from 2000 to 2100 only.
    ValueError for any other text: a week, the hour 24, a day that does not exist, a day before its month, the year 1.
    """
    try:
        parsed = _iso_moment(text)
    except ValueError:
        written = plain(text)
        if _UNIX.fullmatch(written):
            return _unix_moment(Decimal(written))
        parsed = _iso_moment(_YEAR_FIRST.sub(_padded, written.upper()))
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=zone)).astimezone(UTC)


def not_zero(day: Day) -> Day:
    """The day or moment; ValueError for one of year 1, because programs write 0001-01-01 for no date."""
    if day.year == 1:
        raise ValueError("a zero date")
    return day


def day_in(text: str) -> date:
    """A day in Hong Kong, from the same texts; ValueError where the day written and Hong Kong's at the time differ."""
    written = _YEAR_FIRST.sub(_padded, plain(text))
    day = day_in_hong_kong(moment_in(written))
    if written[4:5] == "-" and date.fromisoformat(written[:10]) != day:
        raise ValueError("two meanings: the day written, and the day in Hong Kong at that moment")
    return day


def _without_currency(text: str) -> str:
    return " ".join(_CURRENCY.sub("", plain(text).replace(_MINUS, "-"), count=1).split())


def _iso_moment(text: str) -> datetime:
    """Python reads more than we do: weeks, digits without marks, and from version 3.14 on the hour 24."""
    if "W" in text or (text.isdigit() and len(text) != len("20261124")) or text[11:13] == "24":
        raise ValueError("Invalid isoformat string: no day, or no time of a day")
    return not_zero(datetime.fromisoformat(text))


def _padded(match: re.Match[str]) -> str:
    return f"{match[1]}-{match[3]:0>2}-{match[4]:0>2}"


def _unix_moment(number: Decimal) -> datetime:
    for per_second in _PER_SECOND:
        seconds = float(number / per_second)
        if _EARLIEST <= seconds < _LATEST:
            return datetime.fromtimestamp(seconds, UTC)
    raise ValueError("not a time between 2000 and 2100")
