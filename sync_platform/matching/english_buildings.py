"""Names of buildings and housing estates in English addresses."""

from __future__ import annotations

import re
from functools import lru_cache

from sync_platform.matching.area_names import english_areas
from sync_platform.matching.parsed_address import ROMAN, NamedPlaces, PlaceName

_ESTATE = re.compile(r".*\b(?:estate|chuen|tsuen)$")
_PHASE = re.compile(r"\d|i{2,3}")
_NO_PHASE = frozenset(("terminal", "complex", "block"))
_SPELLINGS = {
    "bldg": "building", "mansion": "building", "ctr": "centre", "center": "centre", "shoppers": "shopping",
    "comm": "commercial", "coml": "commercial",
}  # fmt: skip
_NO_BUILDING = re.compile(r"\b(?:seating|corridor|portion|minor|fp|shop front|entrance|adjacent|opposite|near|exit)\b")
_NO_NAME = frozenset(("the", "no", "nos", "at", "of", "and", "lot"))
_STREETS = frozenset(("street", "st", "road", "rd", "avenue", "ave", "lane", "highway"))
_WORD = re.compile(r"[a-z0-9]+")


def name_places(segments: list[str]) -> NamedPlaces:
    """The buildings and the estate that the segments of an address name."""
    names = [name for segment in segments if (name := _read_name(segment))]
    buildings = dict.fromkeys(name.building for name in names if name.building)
    estate = next((name.estate for name in names if name.estate), "")
    return NamedPlaces(tuple(buildings), estate, frozenset(name.phase for name in names if name.phase))


@lru_cache(maxsize=50_000)
def _read_name(segment: str) -> PlaceName | None:
    """The name of a building or an estate; none where a segment is an area, a street or a description."""
    words = [_SPELLINGS.get(word, word) for word in _WORD.findall(segment)]
    while words and words[0] in _NO_NAME:
        words.pop(0)
    name = " ".join(words)
    if not name or name == "on" or name.isdigit() or _NO_BUILDING.search(name):
        return None
    if _ESTATE.fullmatch(name):
        return PlaceName(estate=name)
    if name in english_areas() or (len(words) > 1 and words[-1] in _STREETS):
        return None
    if len(words) > 1 and _PHASE.fullmatch(words[-1]) and words[-2] not in _NO_PHASE:
        return PlaceName(building=" ".join(words[:-1]), phase=ROMAN.get(words[-1], words[-1]))
    return PlaceName(building=name)
