"""Names of buildings and housing estates in English addresses."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from sync_platform.matching.area_names import english_areas
from sync_platform.matching.parsed_address import ROMAN, NamedPlaces, PlaceName

_ESTATE = re.compile(r".*\b(?:estate|chuen|tsuen)$")
_PHASE = re.compile(r"\d|i{1,3}")
_NO_PHASE = frozenset(("terminal", "complex", "block"))
_SPELLINGS = {
    "bldg": "building", "mansion": "building", "ctr": "centre", "center": "centre", "shoppers": "shopping",
    "comm": "commercial", "coml": "commercial", "est": "estate", "gdn": "garden", "gdns": "gardens",
}  # fmt: skip
_NO_BUILDING = re.compile(
    r"\b(?:seating|corridor|portion|minor|fp|shop front|entrance|adjacent|opposite|near|exit|forming part|backyard)\b"
    r"|\bextension\b"
    r"|^(?:(?:front|rear|major|area|level|(?:lower|upper) ground|block|concourse(?: level)?)(?: \w| block)?"
    r"|podium \w|h k int(?:l|ernational) airport)$"
)
_PURPOSE = re.compile(
    r"(?:of )?(?:the )?(?:(?:commercial|commerical|retail|garage|car park|and|&) ?)+"
    r"(?:development|accomm?[ao]dation|block|podium)\b ?"
)
"""The purpose of a part of a building, in front of its name: The Commercial Development Coastal Skyline."""
_OF = re.compile(
    r"\b(plaza|tower|house|block|building|arcade|centre|center|market|podium|mall|square|development) of (?=\w)"
)
"""Between a building and the estate that it belongs to: Amoy Plaza of Amoy Gardens."""
_NO_NAME = frozenset(("the", "no", "nos", "at", "of", "and", "lot", "in"))
_STREETS = frozenset(("street", "st", "road", "rd", "avenue", "ave", "lane", "highway"))
_WORD = re.compile(r"[a-z0-9]+")


def name_places(segments: list[str]) -> NamedPlaces:
    """The buildings and the estate that the segments of an address name."""
    parts = [part for segment in segments for part in _OF.sub(r"\1,", segment).split(",")]
    names = [name for part in parts if (name := _read_name(part))]
    buildings = dict.fromkeys(name.building for name in names if name.building)
    estate = next((name.estate for name in names if name.estate), "")
    return NamedPlaces(tuple(buildings), estate, frozenset(name.phase for name in names if name.phase))


@lru_cache(maxsize=50_000)
def _read_name(segment: str) -> PlaceName | None:
    """The name of a building or an estate; none where a segment is an area, a street or a description."""
    named = _PURPOSE.sub("", segment, count=1) if _PURPOSE.match(segment) else segment
    words = [_SPELLINGS.get(word, word) for word in _WORD.findall(named)]
    while words and words[0] in _NO_NAME:
        words.pop(0)
    name = " ".join(words)
    if not name or name == "on" or name.isdigit() or _NO_BUILDING.search(name):
        return None
    if _ESTATE.fullmatch(name):
        return PlaceName(estate=name)
    if name.replace(" ", "") in _areas() or (len(words) > 1 and words[-1] in _STREETS):
        return None
    if len(words) > 1 and _PHASE.fullmatch(words[-1]) and words[-2] not in _NO_PHASE:
        return PlaceName(building=" ".join(words[:-1]), phase=ROMAN.get(words[-1], words[-1]))
    for position, word in enumerate(words[1:], 1):
        if word in ("ii", "iii"):  # Telford Plaza II Shopping Mall
            return PlaceName(building=" ".join(words[:position]), phase=ROMAN[word])
    return PlaceName(building=name)


@cache
def _areas() -> frozenset[str]:
    """The names of areas without spaces: Fan Ling and Fanling are one."""
    return frozenset(name.replace(" ", "") for name in english_areas())
