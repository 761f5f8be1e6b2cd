"""Names of buildings and housing estates in English addresses."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from rapidfuzz.distance import OSA

from sync_platform.matching.area_names import english_areas
from sync_platform.matching.parsed_address import ROMAN, NamedPlaces, PlaceName

_ESTATE = re.compile(r".*[a-z]{2} (?:(?:[a-z]{1,3}|\d) )?(?:estate|chuen|tsuen)$")
_ESTATE_AND_BUILDING = re.compile(
    r"(.{4,} estate) (?:block \w+ )?(?!road|street)(?:shopping|commercial|market|plaza|community|car)\b.*"
)
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
    r"|podium(?: \w)?|.* (?:floor|level)|area \d+[a-z]?|h k int(?:l|ernational) airport)$"
)
_PURPOSE = re.compile(
    r"retail (?=[a-z]+ [a-z])|(?:of )?(?:the )?(?:(?:commercial|commerical|retail|garage|car park|and|&) ?)+"
    r"(?:development|accomm?[ao]dation|block|podium)\b ?"
)
"""The purpose of a part of a building, in front of its name: The Commercial Development Coastal Skyline."""
_OF = re.compile(
    r"\b(plaza|tower|house|block|building|arcade|centre|center|market|podium|mall|square|development) of (?=\w)"
)
"""Between a building and the estate that it belongs to: Amoy Plaza of Amoy Gardens."""
_NO_NAME = frozenset(("the", "no", "nos", "at", "of", "and", "lot", "in"))
_NO_END = _NO_NAME - {"the"} | {"on", "to"}
_KINDS = frozenset(
    (  # noqa: SIM905 (as a list, these words would fill a page)
        "building centre plaza mall house court tower towers arcade mansion mansions garden gardens market hotel "
        "square city place station terminal complex block podium lodge residence residences apartment apartments "
        "heights estate chuen central villa villas terrace theatre hospital university college school museum park pier "
        "club resort inn "
        "galleria atrium concourse hall airport temple monastery wing walk"
    ).split()
)
"""Words that say that a name is one of a building."""
_DESCRIPTION = re.compile(
    r"\b(?:also|formerly|previously|now) known as\b|\b(?:a k a|aka)\b|\buse stair|\brestaurant area\b|\bpantry\b"
    r"|^(?:level (?:one|two|three)|commercial(?: unit)?|retail|shop|area|ground|r p|east|west|cooked food stall|market"
    r"|shiop.*)$"
)
_CODE = re.compile(r"(?:[a-z]?\d+[a-z]?|\d+(?:abc|bc)|[a-z]\d+|[a-z]|\d[a-z]\d{2,3}[a-z]?|[a-z]{1,2}\d{3,4}[a-z]?)")
_NAMES_A_NEW_ONE = re.compile(
    r"\b(plaza|centre|building|mall|arcade|court)"
    r"(?= (?!shopping|commercial|office|car|industrial|tower|block|phase|food|cooked|north|south|east|west|market"
    r"|complex|arcade|podium|atrium|basement|store|hotel)"
    r"(?:[a-z]+ ){1,4}(?:court|building|mansion|house|plaza|centre)$)"
)
"""Between two names without a comma: Hung Hom Bay Centre Hung Li Court."""
_LONG = 9
_STREETS = frozenset(("street", "st", "road", "rd", "avenue", "ave", "lane", "highway"))
_WORD = re.compile(r"[a-z0-9]+")


def name_places(segments: list[str]) -> NamedPlaces:
    """The buildings and the estate that the segments of an address name."""
    names = [name for segment in segments for name in _names_in(segment)]
    buildings = dict.fromkeys(name.building for name in names if name.building)
    estate = next((name.estate for name in names if name.estate), "")
    return NamedPlaces(tuple(buildings), estate, frozenset(name.phase for name in names if name.phase))


@lru_cache(maxsize=50_000)
def _names_in(segment: str) -> tuple[PlaceName, ...]:
    """The names of buildings and estates in a segment; several may come without a comma between them."""
    parts = _NAMES_A_NEW_ONE.sub(r"\1,", _OF.sub(r"\1,", segment)).split(",")
    return tuple(name for part in parts if (name := _read_name(part)))


def _read_name(segment: str) -> PlaceName | None:
    """The name of a building or an estate; none where a segment is an area, a street or a description."""
    named = _PURPOSE.sub("", segment, count=1) if _PURPOSE.match(segment) else segment
    words = [_SPELLINGS.get(word, word) for word in _WORD.findall(named)]
    while words and words[0] in _NO_NAME:
        words.pop(0)
    while words and words[-1] in _NO_END:
        words.pop()
    words = _without_area_behind(words)
    name = " ".join(words)
    if not name or (all(_CODE.fullmatch(word) for word in words) and not _is_code_name(words)):
        return None
    if _NO_BUILDING.search(name) or _DESCRIPTION.search(name):
        return None
    if _ESTATE.fullmatch(name):
        return PlaceName(estate=name)
    if found := _ESTATE_AND_BUILDING.fullmatch(name):
        return PlaceName(estate=found[1], building=name)
    if is_area(name) or (len(words) > 1 and words[-1] in _STREETS):
        return None
    if len(words) > 1 and _PHASE.fullmatch(words[-1]) and words[-2] not in _NO_PHASE:
        return PlaceName(building=" ".join(words[:-1]), phase=ROMAN.get(words[-1], words[-1]))
    for position, word in enumerate(words[1:], 1):
        if word in ("ii", "iii"):  # Telford Plaza II Shopping Mall
            return PlaceName(building=" ".join(words[:position]), phase=ROMAN[word])
    return PlaceName(building=name)


def has_kind_of_building(segment: str) -> bool:
    """True if a segment has a word that says that it is the name of a building or an estate."""
    return any(_SPELLINGS.get(word, word) in _KINDS for word in _WORD.findall(segment))


def _is_code_name(words: list[str]) -> bool:
    """True if one word like a code is the name of a building: H8, K11."""
    return len(words) == 1 and re.fullmatch(r"[a-z]\d{1,2}", words[0]) is not None


def _without_area_behind(words: list[str]) -> list[str]:
    """The words without an area behind the name of a building: MCP Central, but not in Tai Hung Fai Tsuen Wan."""
    for length in range(min(4, len(words) - 2), 1, -1):
        if words[-length - 1] in _KINDS and is_area(" ".join(words[-length:])):
            return words[:-length]
    return words


def is_area(name: str) -> bool:
    """True if a name is that of an area, also with one wrong letter."""
    plain = name.replace(" ", "")
    if plain in _areas():
        return True
    if len(plain) < _LONG or has_kind_of_building(name):
        return False
    return any(
        area[:1] == plain[:1] and abs(len(area) - len(plain)) <= 1 and OSA.distance(area, plain, score_cutoff=1) <= 1
        for area in _areas()
        if len(area) >= _LONG - 1
    )


@cache
def _areas() -> frozenset[str]:
    """The names of areas without spaces: Fan Ling and Fanling are one."""
    return frozenset(name.replace(" ", "") for name in english_areas())
