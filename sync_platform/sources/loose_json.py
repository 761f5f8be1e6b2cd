"""Decodes bodies that are almost JSON, as some platforms send them: one bad value does not lose the whole page.

`NaN`, `Infinity` and numbers too large for a double become an object that no contract accepts in place of a number:
their record goes to quarantine, and the other records are stored. In text, U+FFFD replaces what is not text (half a
surrogate pair, a broken byte), as in WHATWG's "scalar value string".
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any

NO_NUMBER = "not_a_number"
_UNREADABLE = re.compile("[\ud800-\udfff]")
_LARGEST = 2**64 - 1
_SMALLEST = -(2**63)


def decode_loosely(body: bytes) -> Any:
    """The value of a body; ValueError or RecursionError where it cannot be decoded this way either."""
    text = body.decode("utf-8-sig", errors="surrogateescape").lstrip()
    if text[:1] not in ("{", "["):
        raise ValueError("neither an object nor a list")
    return _with_readable_text(json.loads(text, parse_constant=_not_a_number, parse_float=_float, parse_int=_integer))


def _not_a_number(text: str) -> dict[str, str]:
    return {NO_NUMBER: text[:20]}


def _float(text: str) -> float | dict[str, str]:
    number = float(text)
    return number if isfinite(number) else _not_a_number(text)


def _integer(text: str) -> int | dict[str, str]:
    if len(text) > 20:
        return _not_a_number(text)
    number = int(text)
    return number if _SMALLEST <= number <= _LARGEST else _not_a_number(text)


def _with_readable_text(value: Any) -> Any:
    if isinstance(value, str):
        return _UNREADABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_with_readable_text(each) for each in value]
    if isinstance(value, dict):
        return {_with_readable_text(name): _with_readable_text(each) for name, each in value.items()}
    return value
