"""The area that an address names: a neighbourhood or a district, in either language.

An English address names it between commas or at its end, a Chinese one at its beginning, before the street. A street or
a building that is named after an area (荔枝角道, Sai Kung Road) does not count.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache

from sync_platform.matching.area_names import leading_areas
from sync_platform.matching.scripts import fold, has_han, split_scripts
from sync_platform.quality.areas import AreaKind, NamedArea, all_areas, find_area

_SEGMENT = re.compile(r"[,;/()\n]+")
_WORD = re.compile(r"[A-Za-z'’.-]+")
_LONGEST_NAME = 4  # words of an area's name
_DIRECTIONS = {"central", "north", "eastern", "southern", "western"}
"""Areas whose names also end names of streets: Queen's Road Central goes on to Sheung Wan."""


@lru_cache(maxsize=200_000)
def area_in_address(*texts: str) -> NamedArea | None:
    """The narrowest area that these texts of one address name; the first text that names one decides."""
    for text in texts:
        folded = fold(text)
        han = split_scripts(folded)[1] if has_han(folded) else ""
        area = (_in_chinese(folded) if han else None) or _in_english(text)
        if area:
            return area
    return None


def _in_chinese(folded: str) -> NamedArea | None:
    """The narrowest of the areas in front of a Chinese address."""
    areas = [area for name in leading_areas(folded) if (area := _chinese_index().get(name))]
    return max(areas, key=lambda area: area.kind, default=None) if _is_district(areas) else None


def _in_english(text: str) -> NamedArea | None:
    """The narrowest area that a part of an English address names, the last one where there are several."""
    areas = [area for part in _SEGMENT.split(text) if (area := find_area(part) or _at_end(part))]
    return max(reversed(areas), key=lambda area: area.kind, default=None) if _is_district(areas) else None


def _at_end(part: str) -> NamedArea | None:
    """The area at the end of a part in which a number comes before it: "51 Caine Road Mid-Levels"."""
    words = part.split()
    if not any(word[0].isdigit() for word in words):
        return None
    for length in range(min(_LONGEST_NAME, len(words) - 2), 0, -1):
        last = words[-length:]
        if length == 1 and last[0].casefold() in _DIRECTIONS:
            return None
        if all(_WORD.fullmatch(word) for word in last) and (area := find_area(" ".join(last))):
            return area
    return None


def _is_district(areas: list[NamedArea]) -> bool:
    return any(area.kind is not AreaKind.AREA for area in areas)


@cache
def _chinese_index() -> dict[str, NamedArea]:
    """Areas by their folded Chinese names."""
    return {
        fold(name): area
        for area in all_areas().values()
        for name in (area.chinese, f"{area.chinese}區", *area.aliases)
        if has_han(name)
    }
