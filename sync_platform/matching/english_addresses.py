"""The grammar of addresses in English, of Hong Kong and elsewhere: unit, floor, building, estate, number and street.

Units, floors and phases are taken out first, each leaving a comma. The segments that are left are a street with its
numbers, areas, and names of buildings and estates.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from sync_platform.matching.area_names import english_areas
from sync_platform.matching.english_buildings import has_kind_of_building, name_places
from sync_platform.matching.english_streets import KINDS, ends_in_kind, has_kind, is_street, parse_street
from sync_platform.matching.floors import ENGLISH, parse_english_floor
from sync_platform.matching.house_numbers import parse_house_numbers
from sync_platform.matching.parsed_address import NUMBERS_IN_WORDS, ROMAN, Door, NamedPlaces, ParsedAddress
from sync_platform.matching.scripts import drop_apostrophes
from sync_platform.matching.units import CODE, parse_units

_UNIT_WORD = (
    r"(?:shops?|units?|rooms?|rm|suites?|ste|kiosks?|(?:food ?)?stalls?|stores?|flats?|apt|counter|booth|bay"
    r"|concession|workshops?)"
)
_NOT_A_FLOOR = r"(?!\s*/?\s*f\b|st\b|nd\b|rd\b|th\b)"
_ONE = rf"(?:(?>{CODE}){_NOT_A_FLOOR})"
_MORE = (
    rf"\s*(?:&|\band\b|/|\+|-|–|\bto\b)\s*(?:{_UNIT_WORD}\s*)?{_ONE}"
    rf"|\s*,\s*(?!l\d{{1,2}}\b){_ONE}(?:-[a-z]?\d{{1,4}})?(?=\s*(?:,|&|and\b|$))"
)
_UNITS = re.compile(
    rf"\b{_UNIT_WORD}(?![a-z])\.?(?:\s*(?:nos|no|number)\b)?\.?\s*#?({_ONE}(?:{_MORE})*)|#\s*((?:{CODE})(?:-\d+[a-z]?)?)"
)
_BARE_UNIT = re.compile(
    r"(?:no\.? )?\d{0,2}[a-z]{1,3}-?\d{1,4}[a-z]?(?:-[a-z]{0,3}\d{1,4}[a-z]?|\s?&\s?[a-z]{0,3}\d{1,4}[a-z]?)*$"
)
_LEVEL_IN_WORDS = re.compile(rf"\b(level|basement) ({'|'.join(NUMBERS_IN_WORDS)})\b")
_PORTION = re.compile(r"\(?\b(?:front |rear |commercial )?portion(?: [a-z]\b)?(?: of)?\)?")
_ROMAN_IN_BRACKETS = re.compile(r"\(([ivx]+|\d)\)")
_IN_A_NAME = re.compile(r"(?<=[a-z0-9])(?: \(([a-z ]+)\)(?= [a-z])|\(([a-z]+)\) (?=estate))")
"""Words in brackets in the middle of a name: Tai Hung Fai (Tsuen Wan) Centre."""
_NAMES_A_LOT = re.compile(r"lot|nk|l\. ?\d|tl |stt|d\. ?d\.")
_LOT = re.compile(
    r"\bd\.? ?d\.? ?(?:no\.? ?)?\d+|\b(?:[a-z]+ [a-z]+ town )?"
    r"lots? (?:nos?\.? ?)?\d+[a-z]?(?: ?& ?\d+)*(?: ?r\.? ?p\.?\b)?(?: in d\.? ?d\.?(?: ?\d+)?)?"
    r"|\bsections? [a-z]\b|\bs\. ?[a-z]\b|\b(?:n\.? ?k\.? ?i\.? ?l\.?|[a-z]{2,3}tl|stt) ?(?:no\. ?)?\d+"
)
_PHASE = re.compile(
    rf"\b(?:phr?ase|stage|site|ph)\s*\.?\s*"
    rf"([0-9]{{1,2}}[a-z]?|[ivx]{{1,4}}|[a-h]|{'|'.join(NUMBERS_IN_WORDS)})\b(?: ?(?:&|and) ?(\d{{1,2}})\b)?"
)
_BLOCK = re.compile(
    r"\b(?:block|blk\.?|tower|zone)\s+(?:[a-z](?:-\d)?|\d{1,2}[a-z]?)(?: ?& ?(?:[a-z]|\d{1,2}[a-z]?))?\b"
    r"(?=\s*(?:[,()]|$)|(?<=\d) [a-z]{3,} [a-z]{3,},)"
)
_NUMBER = re.compile(
    r"(?:\bnos?\.?\s*)?(?<![a-z0-9-])(\d{1,5}[a-z]?(?:-[a-z]\b)?(?:\s*(?:[-–—/&,]|\band\b)\s*\d{1,5}[a-z]?)*)(?![a-z0-9/])\s*(?=[a-z0-9])"
)
_SECOND_DOOR = re.compile(r"(?<=[a-z]{2}) ?& ?(?=(?:nos?\. ?)?\d[\d-]*[a-z]? [a-z]{2})")
"""Between the two streets of a corner building: 23 Hong Ning Rd & 8 Tung Ming Str."""
_NUMBER_BEHIND_NAME = re.compile(r"(?<=[a-z]{2}) (?=nos?\. ?\d)")
"""Between a name and a number: Central Heights No.9 Tong Tak Street."""
_PLACE_IN_BUILDING = re.compile(
    r"\bon (?:the )?(?=podium|level|first|second|third|[1-9]|(?:upper |lower )?ground|basement|mezzanine"
    r"|[gbm\d]+ ?/ ?f\b)"
)
"""In front of a floor: Shop 15 on the basement."""
_SHOP_OF_BUILDING = re.compile(
    r"(?:nos?\.? ?)?(\d{1,4}[a-z]?(?:-\d{1,4}[a-z]?)?) ([a-z]+ (?:[a-z]+ )*(?:court|house|building|mansion))"
)
"""A shop in front of its building, where another segment is a street: 11 Kam Po Court, Hoi Pong Square."""
_WORD = re.compile(r"[a-z0-9]+")
_DIGIT = re.compile(r"\d")
_UNIT_WORDS = re.compile(rf"\b{_UNIT_WORD}(?![a-z])")
_SEGMENTS = re.compile(r"[,;|\n()]")
_LONE_NUMBER = re.compile(r"(?:nos?\.? ?)?\d{1,5}(?:-?[a-z])?(?: ?[&,] ?\d{1,5}[a-z]?)*")
_LONE_INTERVAL = re.compile(r"(?:nos?\.? ?)?\d{1,5}[a-z]?(?: ?[-/] ?\d{1,5}[a-z]?)")
_MOST_WORDS_BEFORE = 5  # in front of a house number in its segment
_VILLAGES = (" village", " tsuen", " chuen")
_MARK = "¦"  # where a unit or a floor stood


def parse_english(folded: str) -> ParsedAddress:
    """The parts of a folded address in English."""
    units: set[str] = set()
    text = _LEVEL_IN_WORDS.sub(lambda found: f"{found[1]} {NUMBERS_IN_WORDS[found[2]]}", _spaced(folded))
    if "(" in text:
        text = _IN_A_NAME.sub(_without_brackets, _ROMAN_IN_BRACKETS.sub(r" \1 ", text))
    if _NAMES_A_LOT.search(text):
        text = _LOT.sub(" , ", text)
    if "portion" in text:
        text = _PORTION.sub(" ", text)

    def take_units(found: re.Match[str]) -> str:
        units.update(parse_units(_UNIT_WORDS.sub(" ", found[1] or found[2])))
        return f" , {_MARK} , "

    text, floors, has_levels = _take_floors(_UNITS.sub(take_units, text))
    phases: set[str] = set()

    def take_phase(found: re.Match[str]) -> str:
        phases.add(NUMBERS_IN_WORDS.get(found[1]) or ROMAN.get(found[1], found[1]))
        if found[2]:
            phases.add(found[2])
        return " , "

    text = _BLOCK.sub(" , ", _PHASE.sub(take_phase, text))
    if "&" in text:
        text = _SECOND_DOOR.sub(", ", text)
    if " no" in text:
        text = _NUMBER_BEHIND_NAME.sub(", ", text)
    segments = [segment for part in _SEGMENTS.split(text) if (segment := part.strip(" .&-")) and segment != "and"]
    if not units and segments and _BARE_UNIT.fullmatch(segments[0]):
        units |= parse_units(segments.pop(0).removeprefix("no").lstrip(". "))
    segments, shop = _join_split_numbers(segments), ""
    if not units:
        segments, shop = _take_shop(segments)
        units |= parse_units(shop)
    doors, before, after = _take_doors(segments, is_street=_is_street_beside_building if shop else is_street)
    names = _names_behind_unit(before)
    if not names.buildings and not names.estate:
        names = _names_behind_unit([*before, *filter(has_kind_of_building, after)])
    if not any(names) and doors and doors[0].first and (mall := _mall_in_front(before)):
        names = names._replace(buildings=(mall,))
    whole = " ".join(_WORD.findall(text))
    return ParsedAddress(
        doors, names.buildings, names.estate, names.phases | phases, floors, frozenset(units), has_levels, whole
    )


def _mall_in_front(segments: list[str]) -> str:
    """The mall with a street's name between the unit and a numbered street: Lee Tung Avenue, 200 Queen's Road East."""
    named = [segment for segment in segments if segment]
    words = _WORD.findall(named[-1]) if named[-2:-1] == [_MARK] else []
    return " ".join(words) if is_street(words) else ""


def _without_brackets(found: re.Match[str]) -> str:
    """The area in brackets as a part of the name; other words in brackets stay as they are."""
    inside = (found[1] or found[2]).strip()
    return f" {inside} " if found[2] or inside in english_areas() else found[0]


def _spaced(folded: str) -> str:
    """The text without apostrophes, and with a space behind each full stop."""
    text = drop_apostrophes(folded).replace("no(s)", "nos").replace(".", ". ")
    if " on " in text:
        text = _PLACE_IN_BUILDING.sub(", ", text)
    return " ".join(text.split())


def _take_floors(text: str) -> tuple[str, frozenset[str], bool]:
    """The text without floors, the floors, and whether they are levels."""
    found = [(match, parse_english_floor(match)) for match in ENGLISH.finditer(text)]
    floors = frozenset(floor for _, each in found for floor in each.floors)
    for match, _ in reversed(found):
        text = f"{text[: match.start()]} , {_MARK} , {text[match.end() :]}"
    return text, floors, bool(found) and all(each.has_levels for _, each in found)


def _join_split_numbers(segments: list[str]) -> list[str]:
    """The segments, with a number that stands alone put in front of the segment behind it: `18, Wing Street`."""
    joined: list[str] = []
    for segment in segments:
        if (
            joined
            and segment != _MARK
            and (
                _LONE_NUMBER.fullmatch(joined[-1])
                or (_LONE_INTERVAL.fullmatch(joined[-1]) and has_kind(f"- {segment}"))
            )
        ):
            comma = "," if segment[:1].isdigit() else ""
            segment = f"{joined.pop()}{comma} {segment}"
        joined.append(segment)
    return joined


def _take_shop(segments: list[str]) -> tuple[list[str], str]:
    """The segments without the number of a shop in front of its building, and that number.

    A number in front of a floor and a village is that of a house, and comes to stand in front of the village.
    """
    for position, segment in enumerate(segments):
        before, behind = segments[:position], segments[position + 1 :]
        if not segment[:1].isdigit() and not segment.startswith("no"):
            continue
        if found := _SHOP_OF_BUILDING.fullmatch(segment):
            if any(ends_in_kind(_WORD.findall(other)) for other in behind):
                return [*before, found[2], *behind], found[1]
        elif behind[:1] == [_MARK] and _LONE_NUMBER.fullmatch(segment):
            numbered = next((other for other in behind if other != _MARK), "")
            if has_kind_of_building(numbered):
                return [*before, *behind], segment.lstrip("nos. ")
            if numbered.endswith(_VILLAGES):
                return [*before, f"{segment} {numbered}", *(other for other in behind if other != numbered)], ""
    return segments, ""


def _is_street_beside_building(words: list[str]) -> bool:
    """True if words are a street, where another segment is a building: a square is a street then."""
    return ends_in_kind(words) and words[-1] != "court"


def _take_doors(
    segments: list[str], is_street: Callable[[list[str]], bool] = is_street
) -> tuple[tuple[Door, ...], list[str], list[str]]:
    """The doors, and the segments in front of and behind the street."""
    for position, segment, found in _numbered(segments):
        street = parse_street(segment[found.end() :])
        doors = [Door(*street, *interval) for interval in parse_house_numbers(found[1])]
        doors += [door for other in segments[position + 1 :] for door in _further_doors(other)]
        return tuple(doors), [*segments[:position], segment[: found.start()]], segments[position + 1 :]
    for position, segment in enumerate(segments):
        if is_street(_WORD.findall(segment)):
            return (Door(*parse_street(segment)),), [*segments[:position], *segments[position + 1 :]], []
    return (), segments, []


def _numbered(segments: list[str]) -> list[tuple[int, str, re.Match[str]]]:
    """The segment with the house number, its position, and the number; at most one, and rather one that says "Road"."""
    found = [
        (_likeness_to_street(segment[match.end() :]), position, match)
        for position, segment in enumerate(segments)
        if _DIGIT.search(segment)
        for match in _NUMBER.finditer(segment)
        if _begins_street(segment, match)
    ]
    if not found:
        return []
    _, position, match = min(found, key=lambda each: (each[0], each[1], each[2].start()))
    return [(position, segments[position], match)]


def _likeness_to_street(text: str) -> int:
    """0 where a text is a whole street, 1 where it has the kind of a street, else 2: 135 Bonham Strand Trade Centre."""
    if is_street(_WORD.findall(text)):
        return 0
    return 1 if has_kind(text) else 2


def _begins_street(segment: str, number: re.Match[str]) -> bool:
    """True if a number is the house number of a street, and not a part of a building's name."""
    before = _WORD.findall(segment[: number.start()])
    rest = _WORD.findall(segment[number.end() :])
    if not rest or len(before) > _MOST_WORDS_BEFORE:
        return False
    return not before or has_kind(segment[number.end() :])


def _further_doors(segment: str) -> list[Door]:
    """The doors of a segment that is a number and a whole street: the second street of a corner building."""
    found = _NUMBER.match(segment)
    words = _WORD.findall(segment[found.end() :]) if found else []
    if not found or len(words) < 2 or words[-1] not in KINDS:
        return []
    street = parse_street(segment[found.end() :])
    return [Door(*street, *interval) for interval in parse_house_numbers(found[1])]


def _names_behind_unit(segments: list[str]) -> NamedPlaces:
    """The names in the segments; one in front of the unit or floor is that of the restaurant, if there is another."""
    first = segments.index(_MARK) if _MARK in segments else 0
    behind = name_places(segments[first:])
    if not first or (behind.buildings and behind.estate):
        return behind
    before = name_places([segment for segment in segments[:first] if has_kind_of_building(segment)])
    if behind.buildings:
        return behind._replace(estate=before.estate)
    return NamedPlaces(before.buildings, before.estate or behind.estate, before.phases | behind.phases)
