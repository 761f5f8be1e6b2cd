"""Telephone numbers: the national number, in any way of writing."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

SHORTEST, LONGEST = 6, 15  # digits; shorter texts are no telephone numbers, longer ones violate ITU-T E.164
_EXTENSION = re.compile(r"\s*(?:ext\.?|extension|x|內線|内线)\s*\d+.*$", re.IGNORECASE)
_BETWEEN = re.compile(r"[;,、|]|\bor\b|\s/\s|(?<=\d{7})/|(?<=\d{4})/(?=\d{4}\s?\d{4})")
_DIGITS = re.compile(r"\d")
_AREA_CODE = re.compile(r"\s*\(?0\d{1,4}\)?\s*")
"""In front of a slash between spaces: 089 / 1234567."""
_HONG_KONG = "852"
_WITH_TRUNK_PREFIX = 11  # digits
_IN_HONG_KONG = re.compile(r"\+852[ -]?([1-9][0-9]{3})[ -]?([0-9]{4})")


@lru_cache(maxsize=200_000)
def parse_phones(text: str) -> tuple[str, ...]:
    """The distinct national significant numbers in a text, in its order; too short or too long ones are left out.

    `+852 2345 6789`, `852-23456789` and `2345 6789` are one number, and so are `310/246-1501` and `+1 310 246 1501`, or
    `03-1234-5678` and `+81 3-1234-5678`.
    """
    parts: list[str] = []
    for part in _BETWEEN.split(text):
        if parts and _AREA_CODE.fullmatch(parts[-1]):
            part = parts.pop() + part
        parts.append(part)
    numbers = [national for part in parts if (national := _national(part))]
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
            return _without_trunk_prefix(phonenumbers.national_significant_number(parsed))
    digits = "".join(str(int(digit)) for digit in _DIGITS.findall(written))
    if len(digits) == 11 and digits.startswith(_HONG_KONG):
        return digits[3:]
    digits = _without_trunk_prefix(digits)
    return digits if SHORTEST <= len(digits) <= LONGEST and set(digits) != {"0"} else ""


def _without_trunk_prefix(digits: str) -> str:
    """The digits without what is dialled in front of an area code within a country: 1 in North America, 8 in Russia, 0
    in most others. Italy's 0 belongs to the number; it is left out as well, so that both ways of writing agree."""
    if len(digits) == _WITH_TRUNK_PREFIX and digits[0] in "18":
        return digits[1:]
    return digits.removeprefix("0")
