"""The grammar of addresses in English, of Hong Kong and elsewhere: unit, floor, building, estate, number and street.

Units, floors and phases are taken out first, each leaving a comma. The segments that are left are a street with its
numbers, areas, and names of buildings and estates.
"""

from __future__ import annotations

import re

from sync_platform.matching.area_names import english_areas
from sync_platform.matching.floors import ENGLISH, parse_english_floor
from sync_platform.matching.house_numbers import parse_house_numbers
from sync_platform.matching.parsed_address import Door, ParsedAddress
from sync_platform.matching.romanisation import sound_of_english
from sync_platform.matching.scripts import drop_apostrophes
from sync_platform.matching.units import CODE, parse_units

KINDS = frozenset(
    (  # noqa: SIM905 (as a list, these words would fill a page)
        "street st str road rd avenue ave av boulevard blvd blv drive dr lane ln place pl square sq highway hwy "
        "parkway pkwy terrace ter path crescent cres court ct way alley circuit praya bazaar row plz expressway "
        "freeway quay close walk"
    ).split()
)
_DIRECTIONS = {
    "north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw", "southeast": "se",
    "southwest": "sw", "central": "c",
}  # fmt: skip
_ORDINALS = {
    "first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5", "sixth": "6", "seventh": "7",
    "eighth": "8", "ninth": "9", "tenth": "10", "eleventh": "11", "twelfth": "12",
}  # fmt: skip
_UNIT_WORD = r"(?:shops?|units?|rooms?|rm|suites?|ste|kiosks?|(?:food ?)?stalls?|stores?|flats?|apt|counter|booth|bay)"
_NOT_A_FLOOR = r"(?!\s*/?\s*f\b|st\b|nd\b|rd\b|th\b)"
_ONE = rf"(?:(?:{CODE}){_NOT_A_FLOOR})"
_MORE = (
    rf"\s*(?:&|\band\b|/|\+|-|–|\bto\b)\s*(?:{_UNIT_WORD}\s*)?{_ONE}"
    rf"|\s*,\s*(?!l\d{{1,2}}\b){_ONE}(?=\s*(?:,|&|and\b|$))"
)
_UNITS = re.compile(
    rf"\b{_UNIT_WORD}(?![a-z])\.?(?:\s*(?:nos|no|number)\b)?\.?\s*#?({_ONE}(?:{_MORE})*)|#\s*((?:{CODE})(?:-\d+[a-z]?)?)"
)
_BARE_UNIT = re.compile(r"\d{0,2}[a-z]{1,3}-?\d{1,4}[a-z]?(?:-\d{1,4})?$")
_PORTION = re.compile(r"\(?\b(?:front |rear )?portion(?: [a-z]\b)?(?: of)?\)?")
_PHASE = re.compile(r"\b(?:phase|stage|site|ph)\s*\.?\s*([0-9]{1,2}[a-z]?|[ivx]{1,4}|[a-h])\b")
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6", "vii": "7", "viii": "8"}
_BLOCK = re.compile(r"\b(?:block|blk|tower)\s+(?:[a-z]|\d{1,2})\b(?=\s*(?:,|$))")
_NUMBER = re.compile(
    r"(?:\bnos?\.?\s*)?(?<![a-z0-9-])(\d{1,5}[a-z]?(?:\s*(?:[-–—/&,]|\band\b)\s*\d{1,5}[a-z]?)*)(?![a-z0-9/])\s*(?=[a-z0-9])"
)
_AFTER_STREET = re.compile(r"\s(?:between|near|off|at|corner|cor|opposite|opp|in|behind|next|just|above)\b.*|\(.*")
_ESTATE = re.compile(r".*\b(?:estate|chuen|tsuen|garden estate)$")
_WORD = re.compile(r"[a-z0-9]+")
_SPELLINGS = {
    "bldg": "building", "mansion": "building", "ctr": "centre", "center": "centre", "shoppers": "shopping",
    "comm": "commercial", "coml": "commercial",
}  # fmt: skip
_NO_BUILDING = re.compile(r"\b(?:seating|corridor|portion|minor|fp|shop front|entrance|adjacent|opposite|near|exit)\b")
_NO_NAME = frozenset(("the", "no", "nos", "at", "of", "and", "lot"))
_STREETS = frozenset(("street", "st", "road", "rd", "avenue", "ave", "lane", "highway"))
_UNIT_STOOD_HERE = "¦"
_LONGEST_STREET = 5  # words


def parse_english(folded: str) -> ParsedAddress:
    """The parts of a folded address in English."""
    units: set[str] = set()
    text = _PORTION.sub(" ", re.sub(r"\(([ivx]+|\d)\)", r" \1 ", _spaced(folded)))

    def take_units(found: re.Match[str]) -> str:
        units.update(parse_units(re.sub(rf"\b{_UNIT_WORD}(?![a-z])", " ", found[1] or found[2])))
        return f" , {_UNIT_STOOD_HERE} , "

    text, floors, has_levels = _take_floors(_UNITS.sub(take_units, text))
    phases: set[str] = set()

    def take_phase(found: re.Match[str]) -> str:
        phases.add(_ROMAN.get(found[1], found[1]))
        return " , "

    text = _BLOCK.sub(" , ", _PHASE.sub(take_phase, text))
    segments = [
        segment for part in re.split(r"[,;|\n()]", text) if (segment := part.strip(" .&-")) and segment != "and"
    ]
    if not units and segments and _BARE_UNIT.fullmatch(segments[0]):
        units |= parse_units(segments.pop(0))
    doors, names = _take_doors(_join_split_numbers(segments))
    buildings, estate, more = _names(names)
    return ParsedAddress(
        doors, buildings, estate, frozenset(phases | more), floors, frozenset(units), has_levels,
        " ".join(_WORD.findall(text)),
    )  # fmt: skip


def _spaced(folded: str) -> str:
    return " ".join(drop_apostrophes(folded).replace(".", ". ").split())


def _take_floors(text: str) -> tuple[str, frozenset[str], bool]:
    """The text without floors, the floors, and whether they are levels."""
    found = [(match, parse_english_floor(match)) for match in ENGLISH.finditer(text)]
    floors = frozenset(floor for _, each in found for floor in each.floors)
    for match, _ in reversed(found):
        text = f"{text[: match.start()]} , {text[match.end() :]}"
    return text, floors, bool(found) and all(each.has_levels for _, each in found)


def _join_split_numbers(segments: list[str]) -> list[str]:
    """The segments, with a number that stands alone put in front of the segment behind it: `18, Wing Street`."""
    joined: list[str] = []
    for segment in segments:
        if joined and re.fullmatch(r"(?:nos?\.? ?)?\d{1,5}[a-z]?", joined[-1]):
            segment = f"{joined.pop()} {segment}"
        joined.append(segment)
    return joined


def _take_doors(segments: list[str]) -> tuple[tuple[Door, ...], list[str]]:
    """The doors, and the segments that are names, those in front of the street first."""
    for position, segment, found in _numbered(segments):
        name = _street_words(segment[found.end() :])
        doors = [Door(" ".join(name), _sound(name), *each) for each in parse_house_numbers(found[1])]
        doors += [door for other in segments[position + 1 :] for door in _further_doors(other)]
        before = [*segments[:position], segment[: found.start()]]
        return tuple(doors), before if any(_names(before)[:2]) else [*before, *segments[position + 1 :]]
    for position, segment in enumerate(segments):
        words = _WORD.findall(segment)
        if len(words) > 1 and (words[-1] in KINDS or (words[-2] in KINDS and words[-1] in _DIRECTIONS)):
            name = _street_words(segment)
            return (Door(" ".join(name), _sound(name)),), [*segments[:position], *segments[position + 1 :]]
    return (), segments


def _numbered(segments: list[str]) -> list[tuple[int, str, re.Match[str]]]:
    """The segment with the house number, its position, and the number; at most one, and rather one that says "Road"."""
    found = [
        (not _has_kind(segment[match.end() :]), position, match)
        for position, segment in enumerate(segments)
        for match in _NUMBER.finditer(segment)
        if _begins_street(segment, match)
    ]
    if not found:
        return []
    _, position, match = min(found, key=lambda each: (each[0], each[1], each[2].start()))
    return [(position, segments[position], match)]


def _has_kind(text: str) -> bool:
    return any(word in KINDS for word in _WORD.findall(text)[1:])


def _begins_street(segment: str, number: re.Match[str]) -> bool:
    """True if a number is the house number of a street, and not a part of a building's name."""
    before = _WORD.findall(segment[: number.start()])
    rest = _WORD.findall(segment[number.end() :])
    if not rest or len(before) > _LONGEST_STREET:
        return False
    return not before or _has_kind(segment[number.end() :])


def _further_doors(segment: str) -> list[Door]:
    """The doors of a segment that is a number and a whole street: the second street of a corner building."""
    found = _NUMBER.match(segment)
    words = _WORD.findall(segment[found.end() :]) if found else []
    if not found or len(words) < 2 or words[-1] not in KINDS:
        return []
    name = _street_words(segment[found.end() :])
    return [Door(" ".join(name), _sound(name), *each) for each in parse_house_numbers(found[1])]


def _sound(words: list[str]) -> str:
    return sound_of_english([word for word in words if word.isalpha() and word not in _DIRECTIONS.values()])


def _street_words(text: str) -> list[str]:
    """The words of the street without its kind, and without a following description of its location."""
    words = _WORD.findall(_AFTER_STREET.sub(" ", f" {text}"))
    found: list[str] = []
    for position, word in enumerate(words):
        is_kind = word in KINDS and position and not _is_other_kind(word, words[position + 1 : position + 2])
        if is_kind and (len(found) > 1 or (found and found[0] not in _DIRECTIONS.values())):
            rest = [_DIRECTIONS.get(one, one) for one in words[position + 1 : position + 2]]
            found += [one for one in rest if one in _DIRECTIONS.values() and (one != "c" or word in ("road", "rd"))]
            break
        word = _ORDINALS.get(word, _DIRECTIONS.get(word, word))
        found.append(re.sub(r"^(\d+)(?:st|nd|rd|th)$", r"\1", word))
    return found[:_LONGEST_STREET]


def _is_other_kind(kind: str, following: list[str]) -> bool:
    """True in front of another kind: the first one is a part of the name then (Praya Street)."""
    return bool(following) and following[0] in KINDS and following[0] != kind


def _names(segments: list[str]) -> tuple[tuple[str, ...], str, set[str]]:
    """The buildings, the estate, and the phases that a number behind a building's name stands for."""
    if _UNIT_STOOD_HERE in segments:  # a name in front of the unit is that of the restaurant
        behind = segments[segments.index(_UNIT_STOOD_HERE) + 1 :]
        found = _names(behind) if behind else None
        if found and found[0]:
            return found
    buildings: list[str] = []
    estate = ""
    phases: set[str] = set()
    for segment in segments:
        words = [_SPELLINGS.get(word, word) for word in _WORD.findall(segment)]
        while words and words[0] in _NO_NAME:
            words.pop(0)
        name = " ".join(words)
        is_estate = _ESTATE.fullmatch(name) is not None
        if (
            not name
            or name == "on"
            or name.isdigit()
            or _NO_BUILDING.search(name)
            or (name in english_areas() and not is_estate)
            or (len(words) > 1 and words[-1] in _STREETS)
        ):
            continue
        if is_estate:
            estate = estate or name
            continue
        if (
            len(words) > 1
            and re.fullmatch(r"\d|i{2,3}", words[-1])
            and words[-2] not in ("terminal", "complex", "block")
        ):
            phases.add(_ROMAN.get(words[-1], words[-1]))
            name = " ".join(words[:-1])
        buildings.append(name)
    return tuple(dict.fromkeys(buildings)), estate, phases
