"""House numbers: intervals of the numbers of a street. A letter after a number ("13A") is left out."""

from __future__ import annotations

import re
from functools import lru_cache

_WIDEST = 200
_RANGE = re.compile(r"(\d{1,5})[a-z]?号?(?:\s*[-–—~至到/]\s*(\d{1,5})?[a-z]?)?")
_ITEMS = re.compile(r"[、,，及&与和;+]|号(?!\s*[-–—~至到])|\band\b")


@lru_cache(maxsize=20_000)
def parse_house_numbers(text: str) -> tuple[tuple[int, int], ...]:
    """The intervals in a folded list of numbers, such as `6-44号,9-67号` or `93, 95 & 99a`; each one once."""
    intervals = [interval for item in _ITEMS.split(text) if (interval := _interval(item.strip()))]
    return tuple(dict.fromkeys(intervals))


def _interval(item: str) -> tuple[int, int] | None:
    match = _RANGE.match(item)
    if not match:
        return None
    low = int(match[1])
    high = int(match[2]) if match[2] else low
    if high < low and match[2] and len(match[2]) < len(match[1]):  # 1215-17 is 1215-1217
        high = int(match[1][: -len(match[2])] + match[2])
    return (low, high) if low <= high <= low + _WIDEST else (low, low)
