"""The grammar of Hong Kong's Chinese addresses: area, street and number, estate, building, phase, floor, unit.

Parts with a marker (舖, 樓, 期, 號) are taken out first, each leaving a bar; what is left are names. A name in front of
a number is a street; names behind it, or without a number, are an estate and a building.
"""

from __future__ import annotations

import re
from itertools import pairwise

from sync_platform.matching.chinese_buildings import name_places
from sync_platform.matching.chinese_spelling import rewrite_chinese
from sync_platform.matching.chinese_streets import AND, take_doors
from sync_platform.matching.chinese_units import take_bare_units, take_units
from sync_platform.matching.floors import CHINESE, FloorSet, chinese_number, parse_chinese_floor
from sync_platform.matching.parsed_address import ROMAN, ParsedAddress
from sync_platform.matching.scripts import HAN

_TO = r"[-–至到~]"
_PHASE = re.compile(
    r"[(（]?第?\s?((?:\d{1,2}[a-z]?|[ivx]{1,4}|[a-h]|[一二三四五六七八九十]{1,3})(?:\s*[及和&,、]\s*(?:\d{1,2}|[一二三四五六七八九十]))*)[)）]?\s*期[)）]?"
    r"|[(（]?地盘\s*(\d)[)）]?"
)
_PHASES_DIVIDED = re.compile(r"[及和&,、\s]+")
_BLOCK = re.compile(
    r"(?:(?<![a-z0-9])[a-z]\d?\s?)?[的之]?(?:[主次]要|较?[大小])?部[分份](?:及|$|(?=\||\s))|[东南西北中]翼"
    rf"|(?<![a-z0-9])第?(?:[a-z\d]{{1,2}}\s?(?:{AND}|{_TO})\s?第?)*(?:[a-z\d]{{1,4}}\s?|[一二三四五六七八九十]{{1,2}}|[东南西北主后前])座"
    r"|[高低]座"
)
_VILLAGE_NUMBER = re.compile(rf"([{HAN}]村)[\s|]*(\d{{1,4}}[a-z]?\d?)号?(?=\s*(?:\||$))")
"""The number of a house in a village, without the word for number: 布心排村210C地下."""
_PODIUM_TOO = re.compile(r"[及和与]平台(?:\s*[a-z]\d[^旁前座位]*|\s*[(|,、及].*)?", re.DOTALL)
_BRACKETS = str.maketrans(dict.fromkeys("()[]{}", "|"))


def parse_chinese(folded: str) -> ParsedAddress:
    """The parts of a folded address in Chinese."""
    text, units = take_units(rewrite_chinese(folded))
    text, floors, has_levels = _take_floors(text)
    if not units and "村" in text:
        text = _VILLAGE_NUMBER.sub(r"\1\2号", text)
    text, units = take_bare_units(text, units)
    text, phases = _take_phases(text)
    if "座" in text or "部" in text or "翼" in text:
        text = _BLOCK.sub("|", text)
    doors, names = take_doors(text.translate(_BRACKETS) if "(" in text else text)
    buildings, estate, more_phases = name_places(names)
    return ParsedAddress(doors, buildings, estate, phases | more_phases, floors, units, has_levels, folded)


def _take_floors(text: str) -> tuple[str, frozenset[str], bool]:
    """The text without floors, the floors, and whether they are levels."""
    found = [(match, parse_chinese_floor(match)) for match in CHINESE.finditer(text)]
    podiums = [match for match, _ in found if "平台" in match[0]]
    if podiums and len(found) > 1 and not any(map(_is_storey, podiums)):  # a part of a building's name
        found = [each for each in found if each[0] not in podiums] or found
    floors = frozenset[str]().union(*(each.floors for _, each in found))
    if len(found) > 1 and "g" in floors:
        floors |= _between_ground_and_floor(text, found)
    for match, _ in reversed(found):
        text = f"{text[: match.start()]}|{text[match.end() :]}"
    return text, floors, bool(found) and all(each.has_levels for _, each in found)


def _between_ground_and_floor(text: str, found: list[tuple[re.Match[str], FloorSet]]) -> frozenset[str]:
    """The floors between the ground floor and the one that a range ends with: 1 of 地下至2樓."""
    between: set[str] = set()
    for (low, ground), (high, last) in pairwise(found):
        is_range = re.fullmatch(rf"\s*{_TO}\s*", text[low.end() : high.start()])
        if (
            is_range
            and ground.floors == {"g"}
            and (numbers := [int(floor) for floor in last.floors if floor.isdigit()])
        ):
            between |= {str(number) for number in range(1, min(numbers))}
    return frozenset(between)


def _is_storey(podium: re.Match[str]) -> bool:
    """True if a podium beside another floor is a floor: 平台1樓, 地下及平台, but not 三樓及平台旁邊的露天座位."""
    return bool(podium["number"] or _PODIUM_TOO.fullmatch(podium.string[podium.start() - 1 :]))


def _take_phases(text: str) -> tuple[str, frozenset[str]]:
    """The text without phases, and the phases."""
    if "期" not in text and "地盘" not in text:
        return text, frozenset()
    phases: set[str] = set()

    def take(found: re.Match[str]) -> str:
        written = _PHASES_DIVIDED.split(found[1] or found[2])
        phases.update(_number(each) for each in written if each)
        return "|"

    return _PHASE.sub(take, text), frozenset(phases)


def _number(written: str) -> str:
    return ROMAN.get(written, written) if written.isascii() else str(chinese_number(written))
