"""The grammar of Hong Kong's Chinese addresses: area, street and number, estate, building, phase, floor, unit.

Parts with a marker (舖, 樓, 期, 號) are taken out first, each leaving a bar; what is left are names. A name in front of
a number is a street; names behind it, or without a number, are an estate and a building.
"""

from __future__ import annotations

import re
from functools import lru_cache

from sync_platform.matching.area_names import chinese_areas, without_areas
from sync_platform.matching.chinese_buildings import name_places
from sync_platform.matching.floors import CHINESE, chinese_number, parse_chinese_floor
from sync_platform.matching.house_numbers import parse_house_numbers
from sync_platform.matching.parsed_address import ROMAN, Door, ParsedAddress
from sync_platform.matching.romanisation import sound_of_chinese
from sync_platform.matching.scripts import HAN
from sync_platform.matching.units import CODE, parse_units

_AND = r"[、,，及和&与/+]"
_TO = r"[-–至到~]"
_PORTION = r"(?:\(?(?:[主次]要|较?[大小])?部[分份]\)?)?"
_CODE = rf"(?>{CODE})"  # atomic: no second attempt with a part of a code
_UNIT = re.compile(
    r"(?=[a-z0-9\s铺室单档熟小])(?:"  # the first characters that are possible: most characters are none of them
    r"(?<=[下层楼|])\s*(\d{1,4}号[a-z])\s*铺|"
    rf"(?<![a-z0-9.])({_CODE}(?:\s*(?:号铺?|铺)?{_PORTION}\s*(?:{_AND}+|[-–至到~])\s*{_CODE})*)"
    rf"\s*号?\s*{_PORTION}(?:[大商]?铺位?|室|档[位口]?|(?:商业)?单位|摊位?|店铺|舱|餐厅|小食亭|熟食[档亭]位?|店(?=\s*(?:$|[|,(])))"
    rf"|(?<![a-z0-9.])([a-z]{{1,2}}-?\d{{1,4}}[a-z]?(?:\s*号?(?:{_AND}|[-–至到~])\s*[a-z]{{1,2}}-?\d{{1,4}}[a-z]?)*)(?:号(?=\s*(?:地下|及|$|[|,(主大部]))|(?=地铺))"
    rf"|(?:铺位?|室|单位|档位?|[熟小]食亭|餐厅)\s?((?:[a-z]{{0,3}}-?\d+[a-z]{{0,2}})(?:\s*{_AND}\s*(?:[a-z]{{0,3}}-?\d+[a-z]{{0,2}}))*)号?)"
)
_BARE_UNIT = re.compile(
    r"\|\s*((?!\d{1,5}$)[a-z]{0,4}-?\d{1,4}[a-z]{0,3}\d{0,4})\s*$|(?<=号).*\|\s*(\d{1,4}[a-z]?(?:\s*[-及、,&]\s*\d{1,4}[a-z]?)*)号$"
)
_PHASE = re.compile(
    r"[(（]?第?\s?((?:\d{1,2}[a-z]?|[ivx]{1,4}|[a-h]|[一二三四五六七八九十]{1,3})(?:\s*[及和&,、]\s*(?:\d{1,2}|[一二三四五六七八九十]))*)[)）]?\s*期[)）]?"
    r"|[(（]?地盘\s*(\d)[)）]?"
)
_LOT_NUMBER = r"(?:编号|号码)?第?\s?\d[\da-z]*(?:\s?[-、,及和]\s?\d[\da-z]*)*\s?号?(?!\s?[铺室座楼])"
_LOT_PART = r"(?:小?分段|余段|[a-z][a-z.\d]{0,4}份?段)"
_LOT_WORD = rf"(?:丈量|约[份分]|丈份|[内屋]?地段|短期租约|{_LOT_PART})"
_LOT = re.compile(
    rf"(?:(?:[{HAN}]{{2}}市|新九龙|旧?墟)?(?:第?\d[\d、,及和-]*号?[内屋]?地段(?!\s?(?:第|编号|[a-z]|\d[\da-z-]*号))|"
    rf"第?\d+丈量|丈量|约[份分]|丈份|[内屋]?地段|短期租约(?:[a-z]+-)?|{_LOT_PART})|{_LOT_NUMBER}\s?约)(?:\s?{_LOT_NUMBER})?"
    rf"(?:\s?[及和之的、,]?\s?(?:{_LOT_NUMBER}\s?)?(?:{_LOT_WORD}|约)(?:\s?{_LOT_NUMBER})?)*|d\.?d\.?\s*\d+"
)
"""A lot of the Lands Registry: 第215約951地段, 丈量約份第104約地段第4665號餘段. Each one becomes a line break."""
_NAMES_A_LOT = re.compile(r"段|约|d\.?d")
_BEFORE_LOT = re.compile(rf"[{HAN}]{{1,4}}[围涌坑岭塘墟尾湾角澳田埔朗]\s?\n")
_BLOCK = re.compile(
    r"(?:(?<![a-z0-9])[a-z]\d?\s?)?(?:主要)?部[分份](?:及|$|(?=\||\s))|[东南西北中]翼"
    rf"|(?<![a-z0-9])第?(?:[a-z\d]{{1,2}}\s?(?:{_AND}|{_TO})\s?第?)*(?:[a-z\d]{{1,2}}\s?|[一二三四五六七八九十]{{1,2}}|[东南西北主后前])座"
    r"|[高低]座"
)
_ONE = r"\d{1,5}(?:号?[a-z](?:-[a-z])?)?(?![a-z0-9])"
_NUMBERS = rf"{_ONE}(?:\s*(?:[-–至到~]|号|{_AND})+\s*{_ONE})*"
_LETTER_BEHIND = rf"(?:\s?[a-z](?=\s?[{HAN}])(?!\s?(?:广场|酒店|中心|大厦|商场|城|[座翼区栋段])))"
"""The letter of a house number behind the word for number: 360號A 筲箕灣天悅廣場."""
_NUMBER = re.compile(
    rf"([{HAN}]+)\s*(?:门牌)?({_NUMBERS})\s*号(?!客运|码头|看台|大[楼厦]){_LETTER_BEHIND}?"
    rf"|([{HAN}]*(?:[街道路里巷坊径围]|道[东西南北中]))\s*({_NUMBERS})(?=\s*(?:[{HAN}|]|$)|\s+[a-z]{{2}}){_LETTER_BEHIND}?"
)
_STREET = re.compile(
    rf"([{HAN}]{{1,6}}?(?:大?道[东南西北中]?|[街路径](?!市|坊)|围(?=[{HAN}]{{2,3}}(?:大厦|中心|花园))"
    rf"|[里坊巷](?![{HAN}]{{0,2}}(?:中心|广场|大厦)))[东南西北中]?)(?=[{HAN}|\s]|$)"
)
_SHOP_OF_BUILDING = re.compile(rf"([^道]楼|阁|大厦|商场|花园)\s*({_NUMBERS})\s*号(?=$|\s|\|)")
"""A number behind the name of a building is a shop, and no house number: 永泰樓12號地下."""
_NUMBER_BEFORE = re.compile(
    rf"(?<![a-z0-9第])({_ONE}(?:\s*[-–至到~]\s*{_ONE})?)\s*号?\s*([{HAN}]{{2,6}}?(?:道[东南西北中]?|街|路|径|里))(?=[{HAN}|\s]|$)"
)
"""A number in front of its street: 6-28愛民街."""
_BEHIND_ESTATE = re.compile(rf"(?<=[村苑])[\s|]*(?=([{HAN}]{{2,4}}[街道路径])(?:[^{HAN}]|$))\1")
"""A street without a number behind an estate: 友愛邨友愛路."""
_ESTATE_BEFORE = re.compile(
    rf"[{HAN}]{{2,}}(?:新村|苑)(?=[{HAN}]{{2,4}}[街道路径]$)|[{HAN}]*(?:科学园|机场|数码港)(?=[{HAN}]{{2,5}}[街道路径][东西南北中]?$)"
)
"""An estate or a complex in front of a street, without a space: 美孚新邨蘭秀道."""
_CROSSING = re.compile(rf"[与及]([{HAN}]{{1,6}}[街道路里径])交界")
_FLOOR_SIGN = re.compile(r"(?<![a-z0-9])(\d{1,3}(?:-\d{1,3})?|[ul]g\d?|[gbm]\d?)\s*/\s*f(?![a-z0-9])\s*[楼层]?")
_NUMBER_IN_WORDS = re.compile(r"(?:[街道路里]|(?=[一二三四五六七八九十]+号铺))([一二三四五六七八九十]{1,3})(?=号)")
_VILLAGE_NUMBER = re.compile(rf"([{HAN}]村\s?\d{{1,4}}[a-z]?\d?)(?=\s*(?:\||$))")
"""The number of a house in a village, without the word for number: 布心排村210C地下."""
_FORMAL = str.maketrans(
    {"壹": "一", "弌": "一", "贰": "二", "弍": "二", "弐": "二", "叁": "三", "参": "三", "ニ": "二"}
)
_FORMAL_NUMBER = re.compile(r"[壹弌贰弍弐叁参](?=期|字?楼|号[铺室及、])")
_LATIN_LOT = re.compile(
    r"(?<![a-z])(?:(?:nk|kt|tk|tw|kc|a)?\.?i\.?l\.?|(?:tko|st|tm|fs|tp|yl|tw|ty|kc|tsw|cc|dp|pc|mw|ssd)tl|rbl"
    r"|(?:in|is)land lot)\s*(?:no\.?\s*)?\d{2,5}\s?号?(?!\s?[铺室])"
)
"""A lot of the Lands Registry by its Latin abbreviation: TKOTL 27, A.I.L. 463."""
_PORTION_IN_BRACKETS = re.compile(r"\((?:[a-z]|[主次]要|较?[大小])?部[份分]\)")
_ORDINAL_UNIT = re.compile(r"第(?=\d{1,4}[a-z]?号[铺档])")
_ALIAS = re.compile(r"\((?:又称|又名|也称|亦称|前称|即|以前|现称|formerly|also|now known)[^()\d]*\)")
_AREA_NUMBER = re.compile(rf"(?:地域|第)\s?\d{{1,3}}[a-z]?\s?区(?=\s?[{HAN}])|地域\d{{1,3}}[a-z]?")
"""The number of a planning area: 第28B區, 地域19B."""
_SEATS = re.compile(r"(?:及|和|与|、)?\s*[a-z]{0,2}\d+(?:-\d+)?号[座坐]位间?")
_NUMBER_OF_ESTATE = re.compile(
    r"\(((?:[一二三四五六南北上下\d]|[iv]{1,3})(?:[及和&](?:[一二三四五六南北上下\d]|[iv]{1,3}))?)\)(?=[村苑])|\(([一二三四五六南北上下]村)\)"
)
_AREA_IN_A_NAME = re.compile(rf"(?<=[{HAN}])\(([{HAN}]+)\)(?=中心|[大商]厦|广场|商场|工业)")
"""An area in the middle of a name: 大鴻輝(荃灣)中心."""
_PHASES_DIVIDED = re.compile(r"[及和&,、\s]+")
_LAST_NAME = re.compile(rf"[{HAN}]+$")
_WHOLE_STREET = re.compile(rf"[\s|]*[{HAN}]{{2,6}}[街道路径][\s|]*")
_TWO_STREETS = re.compile(r"(.{2,}[街道路径])[及与]?(.{2,}[街道路里径坊村围])")
"""Two streets, or a street and a village, of which only the second has a number: 順達街順風圍347號."""
_BEHIND_PLACE = re.compile(
    rf"[{HAN}]+[湾角围坑村](?=(?![东西南北中大正后前新上下])[{HAN}]{{2,5}}[街道路里径]$|[{HAN}]{{2,3}}村$)"
    rf"|[{HAN}]+(?=(?<!沙头)[{HAN}]{{2}}公[路道]$)(?!头角公)"
)
"""A place in front of a street or a village that is no known area: 鯉景灣 in 鯉景灣太康街, 油柑頭 in 油柑頭青山公路."""
_SPELLINGS = str.maketrans({"路": "道"})
_BRACKETS = str.maketrans(dict.fromkeys("()[]{}", "|"))


def parse_chinese(folded: str) -> ParsedAddress:
    """The parts of a folded address in Chinese."""
    text, units = _take_units(_plain(folded))
    text, floors, has_levels = _take_floors(text)
    if not units and (found := _BARE_UNIT.search(text)):
        units = parse_units(found[1] or found[2])
        text = text[: found.start(1 if found[1] else 2)]
    if not units and (found := _SHOP_OF_BUILDING.search(text)):
        units = parse_units(found[2])
        text = f"{text[: found.end(1)]}|{text[found.end() :]}"
    text, phases = _take_phases(text)
    if "座" in text or "部" in text or "翼" in text:
        text = _BLOCK.sub("|", text)
    if "村" in text:
        text = _VILLAGE_NUMBER.sub(r"\1号", text)
    doors, names = _take_doors(text.translate(_BRACKETS) if "(" in text else text)
    buildings, estate, more_phases = name_places(names)
    return ParsedAddress(doors, buildings, estate, phases | more_phases, floors, units, has_levels, folded)


def _plain(folded: str) -> str:
    """The text with one form of some signs, and without lots. Most texts have none of them."""
    text = folded.replace("地 下", "地下")
    if written := _NUMBER_IN_WORDS.search(text):
        text = f"{text[: written.start(1)]}{chinese_number(written[1])}{text[written.end(1) :]}"
    if "/" in text:
        text = _FLOOR_SIGN.sub(r"\1楼", text)
    if _NAMES_A_LOT.search(text):
        text = _LOT.sub("\n", text)
    if "位" in text:
        text = _SEATS.sub("|", text)
    if "l" in text:
        text = _LATIN_LOT.sub("\n", text)
    if "(" in text:
        text = _ALIAS.sub("|", _PORTION_IN_BRACKETS.sub(" ", text))
    if "第" in text:
        text = _ORDINAL_UNIT.sub("", text)
    if "区" in text or "地域" in text:
        text = _AREA_NUMBER.sub(" ", text)
    text = _FORMAL_NUMBER.sub(lambda found: found[0].translate(_FORMAL), text)
    if "(" not in text:
        return text
    return _AREA_IN_A_NAME.sub(_without_brackets, _NUMBER_OF_ESTATE.sub(r"\1\2", text))


def _without_brackets(found: re.Match[str]) -> str:
    """The area in brackets as a part of the name; other words in brackets stay as they are."""
    return found[1] if found[1] in chinese_areas() else found[0]


def _take_units(text: str) -> tuple[str, frozenset[str]]:
    """The text without units, and the units."""
    units: set[str] = set()

    def take(found: re.Match[str]) -> str:
        if found[1]:  # 3號B舖 behind a floor is 3B; behind a street it is shop B at number 3
            units.update(parse_units(found[1].replace("号", "")))
        else:
            units.update(parse_units(found[2] or found[3] or found[4]))
        return "|"

    return _UNIT.sub(take, text), frozenset(units)


def _take_floors(text: str) -> tuple[str, frozenset[str], bool]:
    """The text without floors, the floors, and whether they are levels."""
    found = [(match, parse_chinese_floor(match)) for match in CHINESE.finditer(text)]
    if len(found) > 1:  # a podium beside another floor is a part of a building's name
        found = [each for each in found if "平台" not in each[0][0]] or found
    for match, _ in reversed(found):
        text = f"{text[: match.start()]}|{text[match.end() :]}"
    floors = frozenset[str]().union(*(each.floors for _, each in found))
    return text, floors, bool(found) and all(each.has_levels for _, each in found)


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


def _take_doors(text: str) -> tuple[tuple[Door, ...], list[str]]:
    """The doors, those without a number last, and the texts of names beside them."""
    doors: list[Door] = []
    without_number: list[str] = []
    names: list[str] = []
    position = 0
    for found in _NUMBER.finditer(text):
        named, numbers, street_only, bare = found.groups()
        head, streets = _split_street(without_areas(text[position : found.start() + len(named or street_only)]))
        if not streets and not doors:
            continue
        names.append(head if streets else "")
        *others, street = streets or (doors[-1].street,)  # without a street: further numbers of the one before
        without_number += others
        sound = _sound(street)
        doors += [Door(street, sound, first, last) for first, last in parse_house_numbers(numbers or bare)]
        position = found.end()
    if doors:
        further = (Door(street, _sound(street)) for street in without_number)
        return (*doors, *further), [*names, text[position:]]
    if before := _NUMBER_BEFORE.search(text):
        street = before[2].translate(_SPELLINGS)
        numbered = tuple(Door(street, _sound(street), *interval) for interval in parse_house_numbers(before[1]))
        return numbered, [*names, without_areas(text[: before.start()]), text[before.end() :]]
    found_streets, rest = _take_streets(without_areas(text))
    if not found_streets and (behind := _BEHIND_ESTATE.search(rest)):
        street = behind[1].translate(_SPELLINGS)
        return (Door(street, _sound(street)),), [*names, rest[: behind.start()], rest[behind.end() :]]
    return found_streets, [*names, _BEFORE_LOT.sub("|", rest)]


def _take_streets(text: str) -> tuple[tuple[Door, ...], str]:
    """The street without a number in front of a text, with the street that it crosses; and the rest of the text."""
    found = _STREET.match(text)
    if not found:
        return (), text
    crossing = _CROSSING.match(text, found.end())
    streets = [each[1].translate(_SPELLINGS) for each in (found, crossing) if each]
    return tuple(Door(street, _sound(street)) for street in streets), text[(crossing or found).end() :]


@lru_cache(maxsize=50_000)
def _split_street(before: str) -> tuple[str, tuple[str, ...]]:
    """The names in front of a number's street, and the streets: that of the number is the last one."""
    found = _LAST_NAME.search(before)
    if not found:
        return before, ()
    head, named = before[: found.start()], found[0].lstrip("及与")
    if estate := _ESTATE_BEFORE.match(named):
        head, named = f"{head}|{estate[0]}", named[estate.end() :]
    street = _BEHIND_PLACE.sub("", named, count=1)
    two = _TWO_STREETS.fullmatch(street)
    streets = two.groups() if two else (street,)
    if _WHOLE_STREET.fullmatch(head):
        head, streets = "", (head.strip(" |\n"), *streets)
    return head, tuple(each.translate(_SPELLINGS) for each in streets if each)


@lru_cache(maxsize=50_000)
def _sound(street: str) -> str:
    return sound_of_chinese(street[:-1])
