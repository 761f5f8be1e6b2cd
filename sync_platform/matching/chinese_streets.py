"""Streets and house numbers in Chinese addresses.

A name in front of a number is a street; what stands in front of the street and behind the number are names of estates
and buildings.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from sync_platform.matching.area_names import chinese_areas, without_areas
from sync_platform.matching.chinese_descriptions import is_description
from sync_platform.matching.house_numbers import parse_house_numbers
from sync_platform.matching.parsed_address import Door
from sync_platform.matching.romanisation import sound_of_chinese
from sync_platform.matching.scripts import HAN

AND = r"[、,，及和&与/+]"
_ONE = r"\d{1,5}(?:号?\s?-?[a-z]{1,2}\d?(?:\s?-\s?[a-z])?)?(?![a-z0-9])"
NUMBERS = rf"{_ONE}(?:\s*(?:[-–—至到~]|号|{AND})+\s*{_ONE})*"
_LETTER_BEHIND = rf"(?:\s?[a-z](?=\s?[{HAN}])(?!\s?(?:广场|酒店|中心|大厦|商场|城|[座翼区栋段])))"
"""The letter of a house number behind the word for number: 360號A 筲箕灣天悅廣場."""
_NUMBER = re.compile(
    rf"([{HAN}]+)\s*(?:门牌)?({NUMBERS})\s*号(?!客运|码头|看台|馆|大[楼厦]){_LETTER_BEHIND}?"
    rf"|([{HAN}]*(?:[街道路里巷坊径围]|道[东西南北中]))\s*({NUMBERS})(?=\s*(?:,?\s*[{HAN}]|\||$)|\s+[a-z]{{2}}){_LETTER_BEHIND}?"
)
_STREET = re.compile(
    rf"((?:(?!村(?![路道街]))[{HAN}]){{1,6}}?(?:大?道[东南西北中]?|[街路径](?![市坊村苑口])|围(?=[{HAN}]{{2,3}}(?:大厦|中心|花园|公?[路道街](?![{HAN}])))"
    rf"|[里坊巷](?![{HAN}]{{0,2}}(?:中心|广场|大厦)))[东南西北中]?)(?=[{HAN}|\s]|$)"
)
_NUMBER_BEFORE = re.compile(
    rf"(?<![a-z0-9第])({_ONE}(?:\s*[-–至到~]\s*{_ONE})?)\s*号?\s*([{HAN}]{{2,6}}?(?:道[东南西北中]?|街|路|径|里))(?=[{HAN}|\s]|$)"
)
"""A number in front of its street: 6-28愛民街."""
_BEHIND_NUMBER = re.compile(rf"\s?([{HAN}]{{2,5}}?(?:道[东南西北中]?|[街路](?![市坊])|径|里))(?!\s?\d)")
"""The street of a number that stands between its area and its street: 銅鑼灣500號軒尼詩道希慎廣場."""
_BEHIND_ESTATE = re.compile(rf"(?<=[村苑])[\s|]*(?=([{HAN}]{{2,4}}[街道路径])(?:[^{HAN}]|$))\1")
"""A street without a number behind an estate: 友愛邨友愛路."""
_ESTATE_BEFORE = re.compile(
    rf"[{HAN}]{{2,}}(?:(?<![上下老旧])村|苑|花园|大厦|中心|市场|商场|公园|(?<!利)坊)(?=(?!公[路道])[{HAN}]{{2,4}}[街道路径里]$)|[{HAN}]*(?:科学园|机场|数码港)(?=[{HAN}]{{2,5}}[街道路径][东西南北中]?$)|[{HAN}]{{2,}}村(?=[{HAN}]{{2,4}}广场$)"
)
"""An estate or a complex in front of a street, without a space: 美孚新邨蘭秀道."""
_BESIDE_NAMES = re.compile(
    rf"(?:^|(?<=[|\n ]))([及与]?)\s?([{HAN}]{{2,4}}(?:[街路](?![市坊])|径|道[东南西北中]?|里))"
    rf"(?:(?=(?!商[业务]|购物|工[业商厂]|停车|综合|熟食|街市|.{{0,2}}号)[{HAN}]{{2,4}}(?:[大商]厦|大?楼|阁|花园|广场|中心|商场)(?![{HAN}]))"
    r"|(?=[|\n ]|$)(?<!里)())"
)
"""A street without a number in front of a building, or by itself: 屏麗徑葵豐大廈, 110號及望隆街."""
_KIND = re.compile("[街路径道里]")
_SECOND_STREET = re.compile(rf"[与及]([{HAN}]{{1,6}}[街道路里径])交界|([{HAN}]{{2,4}}[街道路径])(?=[|\s]|$)")
"""The second street of two without a number: 與新街交界, and 青山公路 of 青海圍青山公路."""
_BEFORE_LOT = re.compile(rf"[{HAN}]{{1,4}}[围涌坑岭塘墟尾湾角澳田埔朗]\s?\n")
_LAST_NAME = re.compile(rf"[{HAN}]+$")
_BEHIND_PORTION = re.compile(r".*部[份分](?:香港|九龙|新界)?(?=.)")
_WHOLE_STREET = re.compile(rf"[\s|]*[{HAN}]{{2,6}}[街道路径][\s|]*")
_TWO_STREETS = re.compile(r"(.{2,}[街道路径])[及与]?(.{2,}[街道路里径坊村围])")
"""Two streets, or a street and a village, of which only the second has a number: 順達街順風圍347號."""
_BEHIND_PLACE = re.compile(
    rf"[{HAN}]+[湾角围坑村](?=(?![东西南北中大正后前新上下]|街市)[{HAN}]{{2,5}}[街道路里径]$|[{HAN}]{{2,3}}村$)"
    rf"|[{HAN}]+(?=(?<!沙头)[{HAN}]{{2}}公[路道]$)(?!头角公)"
)
"""A place in front of a street or a village that is no known area: 鯉景灣 in 鯉景灣太康街, 油柑頭 in 油柑頭青山公路."""
_NO_STREET = re.compile(r"号.*|.*[及和至第]|即.*|前称|餐饮|船泊|毗邻.*")
SHORTEST_STREET = 2
_SPELLINGS = str.maketrans({"路": "道"})


class _BeforeNumber(NamedTuple):
    """What stands in front of a number: names, and streets, the last of which is that of the number.

    `is_description` is true where it is no street, `ends_in_area` where it is an area.
    """

    head: str
    streets: tuple[str, ...]
    is_description: bool = False
    ends_in_area: bool = False


def take_doors(text: str) -> tuple[tuple[Door, ...], list[str]]:
    """The doors, those without a number last, and the texts of names beside them."""
    doors: list[Door] = []
    without_number: list[str] = []
    names: list[str] = []
    position = 0
    for found in _NUMBER.finditer(text):
        named, numbers, street_only, bare = found.groups()
        before = _split_street(without_areas(text[position : found.start() + len(named or street_only)]))
        if before.is_description or (not before.streets and not doors):
            continue
        names.append(before.head)
        *others, street = before.streets or (doors[-1].street,)  # without a street: further numbers of the one before
        without_number += others
        end = found.end()
        if before.ends_in_area and (behind := _BEHIND_NUMBER.match(text, end)):
            street, end = behind[1].translate(_SPELLINGS), behind.end()
        sound = _sound(street)
        doors += [Door(street, sound, first, last) for first, last in parse_house_numbers(numbers or bare)]
        position = end
    if doors:
        further, names = _take_streets_beside(names=[*names, text[position:]], has_door=True)
        further = [*without_number, *further]
        return (*doors, *(Door(street, _sound(street)) for street in further)), names
    if ahead := _NUMBER_BEFORE.search(text):
        street = ahead[2].translate(_SPELLINGS)
        numbered = tuple(Door(street, _sound(street), *interval) for interval in parse_house_numbers(ahead[1]))
        return numbered, [*names, without_areas(text[: ahead.start()]), text[ahead.end() :]]
    found_streets, rest = _take_streets(without_areas(text))
    if not found_streets and (behind := _BEHIND_ESTATE.search(rest)):
        street = behind[1].translate(_SPELLINGS)
        return (Door(street, _sound(street)),), [*names, rest[: behind.start()], rest[behind.end() :]]
    further, names = _take_streets_beside([*names, _BEFORE_LOT.sub("|", rest)], has_door=bool(found_streets))
    return (*found_streets, *(Door(street, _sound(street)) for street in further)), names


def _take_streets_beside(names: list[str], *, has_door: bool) -> tuple[list[str], list[str]]:
    """The streets without a number among the names, and the names without them.

    A name like a street's behind a number may be that of a mall (利東街), so "and" must stand in front of it.
    """
    if not any(map(_KIND.search, names)):
        return [], names
    streets: list[str] = []

    def take(found: re.Match[str]) -> str:
        if has_door and found[3] is not None and not found[1]:
            return found[0]
        streets.append(found[2].translate(_SPELLINGS))
        return "|"

    return streets, [_BESIDE_NAMES.sub(take, name) if _KIND.search(name) else name for name in names]


def _is_no_street(street: str) -> bool:
    """True if a text in front of a number is no name: 號及, 鋪前露天座位."""
    if len(street) < SHORTEST_STREET or _NO_STREET.fullmatch(street):
        return True
    return street[-1] not in "街道里径区村" and is_description(street)


def _take_streets(text: str) -> tuple[tuple[Door, ...], str]:
    """The street without a number in front of a text, with a second one behind it; and the rest of the text."""
    found = _STREET.match(text)
    if not found:
        return (), text
    second = _SECOND_STREET.match(text, found.end())
    streets = [each[each.lastindex or 1].translate(_SPELLINGS) for each in (found, second) if each]
    return tuple(Door(street, _sound(street)) for street in streets), text[(second or found).end() :]


@lru_cache(maxsize=50_000)
def _split_street(before: str) -> _BeforeNumber:
    found = _LAST_NAME.search(before)
    if not found:
        return _BeforeNumber(before, ())
    head, named = before[: found.start()], _BEHIND_PORTION.sub("", found[0].lstrip("及与号").removeprefix("位于"))
    if estate := _ESTATE_BEFORE.match(named):
        head, named = f"{head}|{estate[0]}", named[estate.end() :]
    street = _BEHIND_PLACE.sub("", named, count=1)
    two = _TWO_STREETS.fullmatch(street)
    streets = two.groups() if two else (street,)
    if _WHOLE_STREET.fullmatch(head):
        head, streets = "", (head.strip(" |\n"), *streets)
    streets = tuple(filter(None, streets))
    if not streets:
        return _BeforeNumber(head, ())
    spelled = tuple(each.translate(_SPELLINGS) for each in streets)
    return _BeforeNumber(head, spelled, _is_no_street(streets[-1]), streets[-1] in chinese_areas())


@lru_cache(maxsize=50_000)
def _sound(street: str) -> str:
    return sound_of_chinese(street[:-1])
