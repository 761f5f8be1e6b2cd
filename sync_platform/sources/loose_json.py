"""Decodes bodies with values that a JSON decoder for 64-bit numbers loses: one such value does not lose the page.

An integer beyond 64 bits becomes its exact text: as a number it would lose its last digits, and with them an id.

`NaN`, `Infinity` and numbers too large for a double become an object that no contract accepts in place of a number:
their record goes to quarantine, and the other records are stored. In text, U+FFFD replaces what is not text (half a
surrogate pair, a broken byte), as in WHATWG's "scalar value string". A control character inside a text, UTF-16, and
NULs after the end lose nothing, and are read.

A name that an object has twice with different values (RFC 8259, 4, leaves open which counts) gets a value that no
contract accepts: no choice is made between them.
"""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import Any

import orjson

NO_NUMBER = "not_a_number"
TWO_VALUES = [["two values of one name"]]
PADDING = "\0 \t\r\n"
_UNREADABLE = re.compile("[\ud800-\udfff]")
_LONG = b"0" * 19
_ALL_DIGITS_ZERO = bytes.maketrans(b"123456789", b"000000000")
_LARGEST = 2**64 - 1
_SMALLEST = -(2**63)


def may_have_long_integer(body: bytes) -> bool:
    """True if a body has 19 digits in a row, as an integer beyond 64 bits has (also true for some texts and fractions).

    Replacing all digits by one digit takes a third of the time of decoding; a regular expression takes longer than it.
    """
    return _LONG in body.translate(_ALL_DIGITS_ZERO)


def may_repeat_name(body: bytes, value: Any) -> bool:
    """True if a body has more names than its decoded value, as it has where an object has a name twice."""
    try:
        return body.count(b'":') + body.count(b'" :') > orjson.dumps(value).count(b'":')
    except orjson.JSONEncodeError:  # too deep: such records are quarantined
        return False


def decode_loosely(body: bytes) -> Any:
    """The value of a body; ValueError or RecursionError where it cannot be decoded this way either."""
    text = body.decode(json.detect_encoding(body), errors="surrogateescape").lstrip().rstrip(PADDING)
    if text[:1] not in ("{", "["):
        raise ValueError("neither an object nor a list")
    value = json.loads(
        text,
        strict=False,
        parse_constant=_not_a_number,
        parse_float=_float,
        parse_int=_integer,
        object_pairs_hook=_object,
    )
    return _with_readable_text(value)


def _not_a_number(text: str) -> dict[str, str]:
    return {NO_NUMBER: text[:20]}


def _float(text: str) -> float | dict[str, str]:
    number = float(text)
    return number if isfinite(number) else _not_a_number(text)


def _integer(text: str) -> int | str:
    if len(text) > 20:
        return text
    number = int(text)
    return number if _SMALLEST <= number <= _LARGEST else text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        value |= dict.fromkeys({name for name, each in pairs if each != value[name]}, TWO_VALUES)
    return value


def _with_readable_text(value: Any) -> Any:
    if isinstance(value, str):
        return _UNREADABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_with_readable_text(each) for each in value]
    if isinstance(value, dict):
        return {_with_readable_text(name): _with_readable_text(each) for name, each in value.items()}
    return value
