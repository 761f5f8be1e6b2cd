"""Units: the numbers of shops, rooms and stalls, as sets of codes.

A code is written without spaces, hyphens and leading zeros: `L-02` is `l2`. A range is all its codes: `G12-15` is g12,
g13, g14 and g15. Both languages write codes in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

WIDEST = 60  # units; a wider range is no range but one code in two parts
CODE = (
    r"(?!no|at|on|in|of|to)[a-z]{2,3} [a-z]\d{1,3}[a-z]?(?![a-z\d])|\d{1,2}[a-z]{1,3}\d{2,4}[a-z]?"
    r"|(?:[a-z]{1,4}[ -]?)?\d{1,4}[a-z]{0,2}\d{0,3}|(?!no\b)[a-z]{1,2}(?![a-z])"
)
"""A pattern of one code, or one end of a range."""
_PARTS = re.compile(r"([a-z]*)(\d+)([a-z]*)(\d*)")
_PREFIX = re.compile(r"(?<![a-z0-9])([a-z]{1,4}) ?-(?=\d)")
_NO_CODE = re.compile(r"[^a-z0-9]")
_LEADING_ZEROS = re.compile(r"(?<!\d)0+(?=\d)")
_LETTERED = re.compile(r"([a-z]*\d+)([a-z])")
_LIST = re.compile(r"[、,及和&与/+;]|\band\b|号")
_RANGE = re.compile(r"\s*(?:[-–—~至到]|\bto\b)\s*")


@lru_cache(maxsize=50_000)
def parse_units(text: str) -> frozenset[str]:
    """The codes in a folded list of units, such as `3b 及 5`, `309-314` or `l1-094 & 095`."""
    codes: list[str] = []
    for item in filter(None, (item.strip() for item in _LIST.split(text))):
        lettered = _LETTERED.fullmatch(codes[-1]) if codes and len(item) == 1 else None
        if lettered and lettered[2] < item <= "z":  # 38a and b
            codes.append(f"{lettered[1]}{item}")
        else:
            codes.extend(_codes_of_item(item))
    return frozenset(codes)


def _codes_of_item(item: str) -> Iterator[str]:
    """The codes of one code or range."""
    if item.isascii() and item.isalnum():
        yield _plain(item)
        return
    split = _RANGE.split(_PREFIX.sub(r"\1", item))
    parts = [part for part in (_NO_CODE.sub("", part) for part in split) if part]
    code = ""
    for part in parts:
        if not code:
            code = part
        elif _is_prefix(code, part):
            code += part
        elif between := _between(code, part):
            yield from between
            code = ""
        else:
            code += part
    if code:
        yield _plain(code)


def _is_prefix(code: str, part: str) -> bool:
    """True if both are one code: `l-210`, `gf-05`, `l1-094`, and `1-005` on the first floor."""
    if code.isalpha():
        return part[0].isdigit()
    if part[0] == "0" and code.isdigit() and len(code) < 3 and code[0] != "0":
        return True
    if re.fullmatch(r"[lu]g[1-4]", code):
        return part[0].isdigit() and len(part) > 1
    if re.fullmatch(r"[lm]\d", code):  # a level in front of the number
        return part[0].isdigit()
    return code[0].isalpha() and len(re.findall(r"\d", code)) == 1 and part[0].isdigit() and len(part) > 2


def _between(first: str, last: str) -> list[str]:
    """The codes from one to another; none where they are no range."""
    if first.isalpha() and last.isalpha() and len(first) == len(last) == 1 and first < last:
        return [chr(letter) for letter in range(ord(first), ord(last) + 1)]
    one, other = _PARTS.fullmatch(first), _PARTS.fullmatch(last)
    if one and not one[4] and len(one[3]) == len(last) == 1 and one[3] < last <= "z":  # 7a to b
        return [_plain(f"{one[1]}{one[2]}{chr(letter)}") for letter in range(ord(one[3]), ord(last) + 1)]
    if not one or not other or other[1] not in ("", one[1]):
        return []
    if one[2] == other[2] and not one[4] and not other[4] and len(one[3]) == len(other[3]) == 1:  # 20a to 20c
        return [_plain(f"{one[1]}{one[2]}{chr(letter)}") for letter in range(ord(one[3]), ord(other[3]) + 1)]
    if one[4] and other[4] and one.groups()[:3] == other.groups()[:3]:  # 1h9 to 1h12
        return [_plain(f"{one[1]}{one[2]}{one[3]}{number}") for number in range(int(one[4]), int(other[4]) + 1)]
    low, high = int(one[2]), int(other[2])
    if high < low and len(other[2]) < len(one[2]) and not one[3]:  # 1215-17 is 1215-1217
        high = int(one[2][: -len(other[2])] + other[2])
    if not low <= high <= low + WIDEST or (low == high and one[3] == other[3]):
        return []
    middle = [f"{one[1]}{number}" for number in range(low + 1, high)]
    return [_plain(first), *middle, _plain(f"{one[1]}{high}{other[3]}")]


def _plain(code: str) -> str:
    """The code without leading zeros."""
    return code if "0" not in code else _LEADING_ZEROS.sub("", code)


def are_alike(one: str, other: str) -> bool:
    """True if two codes may mean one unit: they have one number, and each letter stands in both or in one only."""
    if one == other:
        return True
    mine, theirs = _PARTS.fullmatch(one), _PARTS.fullmatch(other)
    if not mine or not theirs or mine[2] != theirs[2]:
        return False
    return all(not a or not b or a == b for a, b in ((mine[1], theirs[1]), (mine[3], theirs[3])))


def have_one_shape(one: str, other: str) -> bool:
    """True if two codes are of one numbering: both have the same letters around a number, or both are letters."""
    return _shape(one) == _shape(other)


def _shape(code: str) -> tuple[str, bool]:
    found = _PARTS.fullmatch(code)
    return (found[1], True) if found else ("", False)
