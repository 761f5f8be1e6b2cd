"""Telephone numbers in the international form of ITU-T E.164; numbers without a country code are Hong Kong's."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

import phonenumbers

_BETWEEN = re.compile(r"[;,、|/\n&]|\b(?:or|and)\b|及|或|和")
_FAX = re.compile(r"\bfax\b|傳真|传真", re.IGNORECASE)
_EXTENSION = re.compile(r"\s*(?:ext\.?|extension|x|內線|内线|#)\s*\d+.*$", re.IGNORECASE)
_HONG_KONG = re.compile(r"(?:(?:\+|00)?852)?([2-9]\d{7})")
"""Source: Numbering Plan of Hong Kong, Office of the Communications Authority."""


@lru_cache(maxsize=200_000)
def e164_numbers(text: str) -> tuple[str, ...]:
    """The distinct numbers in a text, such as `+85223456789`, sorted. Text that is no telephone number is left out."""
    parts = _BETWEEN.split(unicodedata.normalize("NFKC", text))
    return tuple(sorted({number for part in parts for number in _numbers(" ".join(part.split()))}))


def phone_text(text: str) -> str | None:
    """The numbers of a text in one text, `; ` between several; None where there is none."""
    return "; ".join(e164_numbers(text)) or None


def _numbers(part: str) -> list[str]:
    """The numbers of a part of a text: the part is one, or has some between other words. A fax number is none."""
    before, *after = _FAX.split(part, maxsplit=1)
    if after:
        return _numbers(before) if any(each.isdigit() for each in after[0]) else []
    if number := _e164(_EXTENSION.sub("", part)):
        return [number]
    found = phonenumbers.PhoneNumberMatcher(part, "HK")
    return [phonenumbers.format_number(each.number, phonenumbers.PhoneNumberFormat.E164) for each in found]


def _e164(written: str) -> str | None:
    if match := _HONG_KONG.fullmatch(re.sub(r"\(0\)|[\s().\-]", "", written)):
        return f"+852{match[1]}"
    try:
        number = phonenumbers.parse(written, "HK")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
