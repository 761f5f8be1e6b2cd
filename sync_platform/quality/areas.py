"""Hong Kong's areas, districts and neighbourhoods: their names and approximate shapes.

They are the vocabulary `districts` (vocabularies/districts.csv). The shapes are approximations (see APPROXIMATION):
boxes of latitude and longitude that contain the whole area, widened by a margin, so that a correct coordinate near a
border is never reported as wrong. They can distinguish Mong Kok from Central, but not the two sides of a border street.
A name shared by a district and a neighbourhood means the district.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import cache, cached_property, lru_cache
from math import cos, radians
from typing import NamedTuple

from sync_platform.vocabularies.declared_vocabularies import DISTRICTS
from sync_platform.vocabularies.vocabulary import shipped_edition

MARGIN_M = 300
"""How far each box is widened on every side, in metres."""
APPROXIMATION = (
    f"District shapes are approximations: boxes that contain the whole area, widened by {MARGIN_M} m. A coordinate "
    "reported outside is almost never inside; one reported inside may be a kilometre or two across the border."
)
"""Shown with every figure computed from these shapes."""
METRES_PER_DEGREE = 110_700
"""Metres per degree of latitude in Hong Kong."""
METRES_PER_DEGREE_EAST = 111_320 * cos(radians(22.35))
"""Metres per degree of longitude in Hong Kong."""
_IGNORED_WORDS = {"and", "the"}
_ALSO_A_BLOCK = {"north", "eastern", "southern", "western"}
"""Next to other words, these mostly name a part of an estate: "Tsui Ping (North) Estate"."""
_ENDINGS = {
    "district", "area", "town", "island", "hong", "kong", "hk", "kowloon", "kln", "new", "territories", "nt", "n", "t",
}  # fmt: skip
_REGION_FIRST = re.compile("^(?:香港|九龍|新界)(?=.)")
_HAN = re.compile(r"[㐀-鿿]+")
_BETWEEN_NAMES = re.compile(r"[,;/|()\[\]、·\n]+")
_SPELLINGS = str.maketrans("嘴湧臘村啓臺", "咀涌鱲邨啟台")


class AreaKind(IntEnum):
    """Kinds of area, from wide to narrow."""

    AREA = 1  # Hong Kong Island, Kowloon or the New Territories
    DISTRICT = 2  # of a District Council
    NEIGHBOURHOOD = 3


class Box(NamedTuple):
    """Four edges in degrees, WGS84; the edges are inside."""

    south: float
    north: float
    west: float
    east: float

    def contains(self, latitude: float, longitude: float) -> bool:
        return self.south <= latitude <= self.north and self.west <= longitude <= self.east

    def widened(self) -> Box:
        up, across = MARGIN_M / METRES_PER_DEGREE, MARGIN_M / METRES_PER_DEGREE_EAST
        return Box(self.south - up, self.north + up, self.west - across, self.east + across)


@dataclass(frozen=True)
class NamedArea:
    """A named area.

    `within`: the codes of what it lies in; of a neighbourhood its districts, the main one first. `boxes` include the
    margin and overlap; `fehd` is its code as a district in the register. `centre`: latitude and longitude, if stated.
    """

    code: str
    english: str
    chinese: str
    aliases: tuple[str, ...]
    kind: AreaKind
    fehd: str
    within: tuple[str, ...]
    centre: tuple[float, float] | None
    boxes: tuple[Box, ...]

    def contains(self, latitude: float, longitude: float) -> bool:
        return any(box.contains(latitude, longitude) for box in self.boxes)

    def lies_within(self, other: NamedArea) -> bool:
        """True if it is the other area or a part of it; a neighbourhood of two districts lies in both."""
        if other.kind is AreaKind.NEIGHBOURHOOD:
            return all(other.contains((box.south + box.north) / 2, (box.west + box.east) / 2) for box in self.boxes)
        return self is other or any(area_of(code).lies_within(other) for code in self.within)

    @cached_property
    def districts(self) -> tuple[NamedArea, ...]:
        """The districts that it lies in, the main one first; a district is its own, an area has none."""
        return (
            (self,)
            if self.kind is AreaKind.DISTRICT
            else tuple(area for code in self.within if (area := area_of(code)).kind is AreaKind.DISTRICT)
        )


def all_areas() -> dict[str, NamedArea]:
    """Every area by its English name: areas, then districts, then neighbourhoods."""
    return {area.english: area for area in _by_code().values()}


def area_of(code: str) -> NamedArea:
    """The area with this code; KeyError where there is none."""
    return _by_code()[code]


@cache
def _by_code() -> dict[str, NamedArea]:
    rows = {row["code"]: row for row in shipped_edition(DISTRICTS).rows}

    def boxes_of(code: str) -> Iterator[Box]:
        for shape in rows[code]["boxes"]:
            if shape.startswith("="):
                yield from boxes_of(shape.removeprefix("="))
            else:
                yield Box(*map(float, shape.split())).widened()

    return {
        code: NamedArea(
            code=code,
            english=row["name_en"],
            chinese=row["name_zh"],
            aliases=tuple(row["aliases"]),
            kind=AreaKind[row["kind"].upper()],
            fehd=row["register_code"] or "",
            within=tuple(row["within"]),
            centre=(row["latitude"], row["longitude"]) if row["latitude"] is not None else None,
            boxes=tuple(boxes_of(code)),
        )
        for code, row in rows.items()
    }


@lru_cache(maxsize=10_000)
def find_area(stated: str) -> NamedArea | None:
    """The area that a stated district means, in English, Traditional Chinese or both; None if not known.

    Case, spaces, punctuation, usual variants and additions ("Mong Kok District, Kowloon") make no difference. If
    there are several names, the narrowest is used if it lies within the others ("Causeway Bay, Wan Chai"). Two
    neighbourhoods, or two districts, are ambiguous: None. A code of the register is recognised only alone, because
    within an address it would be a house number.
    """
    text = unicodedata.normalize("NFKC", stated).casefold().translate(_SPELLINGS).strip()
    codes, names = _index()
    known_area = codes.get(text) or names.get(_squash(text)) or _without_additions(text)
    if known_area:
        return known_area
    parts = [piece for part in _BETWEEN_NAMES.split(text) for piece in (*_HAN.findall(part), _HAN.sub(" ", part))]
    named = [part for part in parts if _squash(part) not in _ALSO_A_BLOCK]
    areas = {area.english: area for part in named if (area := names.get(_squash(part)) or _without_additions(part))}
    narrowest = max(areas.values(), key=lambda area: area.kind, default=None)
    wider = [area for area in areas.values() if area is not narrowest]
    if narrowest and all(area.kind < narrowest.kind and narrowest.lies_within(area) for area in wider):
        return narrowest
    return None


@cache
def _index() -> tuple[dict[str, NamedArea], dict[str, NamedArea]]:
    """Areas by code of the register, and by squashed name."""
    areas = _by_code().values()
    names = {
        _squash(name.casefold().translate(_SPELLINGS)): area
        for area in areas
        for name in (area.english, area.chinese, *area.aliases)
    }
    return {area.fehd: area for area in areas if area.fehd}, names


def _words(text: str) -> list[str]:
    return [word for word in re.findall(r"[^\W_]+", text) if word not in _IGNORED_WORDS]


def _squash(text: str) -> str:
    return "".join(_words(text))


def _without_additions(text: str) -> NamedArea | None:
    """The area whose name remains after a region or the word for district is removed."""
    names = _index()[1]
    words = _words(text)
    while len(words) > 1 and words[-1] in _ENDINGS:
        words.pop()
        if area := names.get("".join(words)):
            return area
    chinese = _squash(text)
    bare = _REGION_FIRST.sub("", chinese)
    return names.get(bare) or names.get(chinese.removesuffix("區")) or names.get(bare.removesuffix("區"))
