"""Telephone numbers: the national number, in any way of writing."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

SHORTEST, LONGEST = 6, 15  # digits; shorter texts are no telephone numbers, longer ones violate ITU-T E.164
_EXTENSION = re.compile(r"\s*(?:ext\.?|extension|x|內線|内线)\s*\d+.*$", re.IGNORECASE)
_BETWEEN = re.compile(r"[;,、|]|\bor\b|\s/\s|(?<=\d{7})/|(?<=\d{4})/(?=\d{4}\s?\d{4})")
_DIGITS = re.compile(r"\d")
_HONG_KONG = "852"
_IN_HONG_KONG = re.compile(r"\+852[ -]?([1-9][0-9]{3})[ -]?([0-9]{4})")


@lru_cache(maxsize=200_000)
def parse_phones(text: str) -> tuple[str, ...]:
    """The distinct national significant numbers in a text, in its order; too short or too long ones are left out.

    `+852 2345 6789`, `852-23456789` and `2345 6789` are one number, and so are `310/246-1501` and `+1 310 246 1501`.
    """
    numbers = [national for part in _BETWEEN.split(text) if (national := _national(part))]
    return tuple(dict.fromkeys(numbers))


def _national(text: str) -> str:
    written = _EXTENSION.sub("", text.strip())
    if here := _IN_HONG_KONG.fullmatch(written):  # most numbers; phonenumbers gives the same, slowly
        return here[1] + here[2]
    if written.startswith(("+", "00", "＋")):
        try:
            parsed = phonenumbers.parse("+" + "".join(_DIGITS.findall(written)).removeprefix("00"))
        except phonenumbers.NumberParseException:
            pass
        else:
            return phonenumbers.national_significant_number(parsed)
    digits = "".join(str(int(digit)) for digit in _DIGITS.findall(written))
    if len(digits) == 11 and digits.startswith(_HONG_KONG):
        return digits[3:]
    if len(digits) == 11 and digits.startswith("1"):  # North America's trunk prefix is its country code
        return digits[1:]
    return digits if SHORTEST <= len(digits) <= LONGEST and set(digits) != {"0"} else ""
