"""The grammar of Hong Kong's Chinese addresses: area, street and number, estate, building, phase, floor, unit.

Parts with a marker (舖, 樓, 期, 號) are taken out first, each leaving a bar; what is left are names. A name in front of
a number is a street; names behind it, or without a number, are an estate and a building.
"""

from __future__ import annotations

import re

from sync_platform.matching.area_names import chinese_areas, without_areas
from sync_platform.matching.floors import CHINESE, chinese_number, parse_chinese_floor
from sync_platform.matching.house_numbers import parse_house_numbers
from sync_platform.matching.parsed_address import Door, ParsedAddress
from sync_platform.matching.romanisation import sound_of_chinese
from sync_platform.matching.scripts import HAN
from sync_platform.matching.units import CODE, parse_units

_AND = r"[、,，及和&与/+]"
_PORTION = r"(?:\(?(?:主要)?部[分份]\)?)?"
_UNIT = re.compile(
    rf"(?<=[下层楼|])\s*(\d{{1,4}}号[a-z])\s*铺|"
    rf"(?<![a-z0-9.])((?:{CODE})(?:\s*(?:号铺?|铺)?{_PORTION}\s*(?:{_AND}+|[-–至到~])\s*(?:{CODE}))*)"
    rf"\s*号?\s*{_PORTION}(?:铺位?|室|档[位口]?|单位|摊位?|店铺|舱|店(?=\s*(?:$|[|,(])))"
    rf"|(?:铺位?|室|单位|档位?|[熟小]食亭)\s?((?:[a-z]{{0,3}}-?\d+[a-z]{{0,2}})(?:\s*{_AND}\s*(?:[a-z]{{0,3}}-?\d+[a-z]{{0,2}}))*)号?"
)
_BARE_UNIT = re.compile(
    r"\|\s*((?!\d{1,5}$)[a-z]{0,4}-?\d{1,4}[a-z]{0,3}\d{0,4})\s*$|(?<=号).*\|\s*(\d{1,4}[a-z]?(?:\s*[-及、,&]\s*\d{1,4}[a-z]?)*)号$"
)
_PHASE = re.compile(
    r"[(（]?第?\s?((?:\d{1,2}[a-z]?|[a-h]|[一二三四五六七八九十]{1,3})(?:\s*[及和&,、]\s*(?:\d{1,2}|[一二三四五六七八九十]))*)\s*期[)）]?"
    r"|[(（]?地盘\s*(\d)[)）]?"
)
_LOT = re.compile(rf"\d+约第?\d+(?:号)?地段|[{HAN}]*?(?:地段|约份?)第?\s*[a-z\d\s.]+号?(?:地段)?|d\.?d\.?\s*\d+")
_BLOCK = re.compile(
    r"(?:主要)?部[分份](?:及|$|(?=\||\s))|(?<![a-z0-9])第?(?:[a-z\d]{1,2}|[一二三四五六七八九十]{1,2}|[东南西北主后前])座|[东南西北中]翼"
)
_ONE = r"\d{1,5}[a-z]?(?![a-z0-9])"
_NUMBERS = rf"{_ONE}(?:\s*(?:[-–至到~]|号|{_AND})+\s*{_ONE})*"
_NUMBER = re.compile(
    rf"(?P<before>[{HAN}]+)\s*(?:门牌)?(?P<numbers>{_NUMBERS})\s*号"
    rf"|(?P<street>[{HAN}]*[街道路里巷坊径围])\s*(?P<bare>{_NUMBERS})(?=\s*(?:[{HAN}|]|$))"
)
_STREET = re.compile(
    rf"([{HAN}]{{1,6}}?(?:大?道[东南西北中]?|[街路里径坊巷](?!市|坊)(?![{HAN}]{{0,2}}(?:中心|广场|大厦)))[东南西北中]?)(?=[{HAN}|\s]|$)"
)
_CROSSING = re.compile(rf"[与及]([{HAN}]{{1,6}}[街道路里径])交界")
_ESTATE = re.compile(r"(.{2,}?(?:村|苑|屋苑))(.*)")
_GARDEN = re.compile(rf"(.{{2,}}?(?:花园|半岛|新城(?!市)|湾畔|豪庭))(?=\s*[{HAN}]{{2,}})")
_KIND = re.compile(r"(?:购物)?(?:商场|街市|中心|广场|街市场|停车场(?:大厦|大楼)?|市场|大厦|大楼)")
_FLOOR_SIGN = re.compile(r"(?<![a-z0-9])(\d{1,3}(?:-\d{1,3})?|ug|lg|[gbm]\d?)\s*/\s*f\b")
_PURPOSE = re.compile(r"(?:商业|住宅)(?:发展)?(?:部[分份])?$|(?:东|西|南|北)翼$")
_NO_NAME = re.compile(
    r".*(?:前称|又称|座位|铺前|部[分份]|商业发展)|平台|全层|前称|又称|后座|前座|后面|空地|铺位?|号|店|楼上|入口|近|对面|单位|[商店]铺|及|与|后铺|前铺|商业发展|楼|\d+段|整层"
)
_SPELLINGS = str.maketrans({"路": "道"})


def parse_chinese(folded: str) -> ParsedAddress:
    """The parts of a folded address in Chinese."""
    units: set[str] = set()
    text = _LOT.sub("|", _FLOOR_SIGN.sub(r"\1楼", folded.replace("地 下", "地下")))
    text = re.sub(r"\(([一二三四五六\d])\)(?=[村苑])", r"\1", text)

    def take_units(found: re.Match[str]) -> str:
        units.update(_units_of(found))
        return "|"

    text = _UNIT.sub(take_units, text)
    text, floors, has_levels = _take_floors(text)
    if not units and (found := _BARE_UNIT.search(text)):
        units |= parse_units(found[1] or found[2])
        text = text[: found.start(1 if found[1] else 2)]
    text, phases = _take_phases(text)
    text = _BLOCK.sub("|", re.sub(r"[()\[\]{}（）]", "|", text))
    doors, names = _take_doors(text)
    buildings, estate, more_phases = _names(names)
    return ParsedAddress(
        doors, buildings, estate, frozenset(phases | more_phases), floors, frozenset(units), has_levels, folded
    )


def _units_of(found: re.Match[str]) -> frozenset[str]:
    if found[1]:  # 3號B舖 behind a floor is 3B; behind a street it is shop B at number 3
        return parse_units(found[1].replace("号", ""))
    return parse_units(found[2] or found[3])


def _take_floors(text: str) -> tuple[str, frozenset[str], bool]:
    """The text without floors, the floors, and whether they are levels."""
    found = [(match, parse_chinese_floor(match)) for match in CHINESE.finditer(text)]
    if any("平台" not in (match["name"] or "") for match, _ in found):
        found = [each for each in found if "平台" not in (each[0]["name"] or "")]
    floors = frozenset(floor for _, each in found for floor in each.floors)
    for match, _ in reversed(found):
        text = f"{text[: match.start()]}|{text[match.end() :]}"
    return text, floors, bool(found) and all(each.has_levels for _, each in found)


def _take_phases(text: str) -> tuple[str, set[str]]:
    phases: set[str] = set()

    def take(found: re.Match[str]) -> str:
        written = re.split(r"[及和&,、\s]+", found[1] or found[2])
        phases.update(_number(each) for each in written if each)
        return "|"

    return _PHASE.sub(take, text), phases


def _number(written: str) -> str:
    return written if written.isascii() else str(chinese_number(written))


def _take_doors(text: str) -> tuple[tuple[Door, ...], list[str]]:
    """The doors, and the texts of names beside them."""
    doors: list[Door] = []
    names: list[str] = []
    position = 0
    for found in _NUMBER.finditer(text):
        before = without_areas(text[position : found.end("before") if found["before"] else found.end("street")])
        head, street = _split_street(before)
        if street:
            names.append(head)
        elif doors:  # further numbers of the street before
            street = doors[-1].street
        else:
            continue
        intervals = parse_house_numbers(found["numbers"] or found["bare"])
        doors += [Door(street, _sound(street), first, last) for first, last in intervals]
        position = found.end()
    rest = text[position:]
    if not doors:
        rest = without_areas(rest)
        if found_street := _STREET.match(rest):
            doors.append(Door(found_street[1].translate(_SPELLINGS), _sound(found_street[1])))
            rest = rest[found_street.end() :]
            if crossing := _CROSSING.match(rest):
                doors.append(Door(crossing[1].translate(_SPELLINGS), _sound(crossing[1])))
                rest = rest[crossing.end() :]
    return tuple(doors), [*names, rest]


def _split_street(before: str) -> tuple[str, str]:
    """The names in front of a street, and the street."""
    found = re.search(rf"[{HAN}]+$", before)
    if not found:
        return before, ""
    return before[: found.start()], found[0].lstrip("及与").translate(_SPELLINGS)


def _sound(street: str) -> str:
    return sound_of_chinese(street[:-1])


def _names(texts: list[str]) -> tuple[tuple[str, ...], str, set[str]]:
    """The buildings, the estate, and the phases that a number behind a building's name stands for."""
    pieces = [piece for text in texts for part in text.split("|") for piece in _pieces(part)]
    buildings: list[str] = []
    estate = ""
    phases: set[str] = set()
    for piece in pieces:
        if not estate and (found := _ESTATE.fullmatch(piece)):
            estate = found[1]
            piece = piece if _KIND.fullmatch(found[2]) else found[2]
        elif not estate and (found := _GARDEN.match(piece)):
            estate = found[1]
            piece = piece if _KIND.fullmatch(piece[found.end() :].strip()) else piece[found.end() :]
        piece = _PURPOSE.sub("", piece)
        if found := re.fullmatch(rf"(.*[{HAN}])\s*(\d)", piece):
            phases.add(found[2])
            piece = found[1]
        if piece and not _KIND.fullmatch(piece) and piece not in chinese_areas():
            buildings.append(re.sub(r"[^\w]", "", piece).replace("大楼", "大厦"))
    if len(buildings) > 1 and not estate and buildings[0].endswith("花园"):
        estate = buildings.pop(0)
    return tuple(dict.fromkeys(name for name in buildings if name != estate)), estate, phases


def _pieces(text: str) -> list[str]:
    """The names in a text: spaces divide them where Chinese stands on both sides."""
    pieces = re.split(rf"(?<=[{HAN}])\s+(?=[{HAN}])|[,，、;]", text)
    cleaned = (
        without_marks
        for piece in pieces
        if (without_marks := _NO_NAME.sub("", piece, 1) if _NO_NAME.fullmatch(piece.strip()) else piece.strip())
    )
    return [
        piece for piece in cleaned if len(re.sub(r"[^\w]", "", piece)) > 1 and not re.fullmatch(r"[\d\s&-]+", piece)
    ]
