"""Units in Chinese addresses: codes of shops, rooms and stalls, and numbers that are units by their place."""

from __future__ import annotations

import re

from sync_platform.matching.chinese_streets import AND, NUMBERS
from sync_platform.matching.units import CODE, parse_units

_PORTION = r"(?:\(?(?:[主次]要|较?[大小])?部[分份]\)?)?"
_CODE = rf"(?>{CODE})"  # atomic: no second attempt with a part of a code
_NEXT = rf"(?:{AND}|[-–至到~])"  # between two codes
_BEHIND_FLOOR = r"(?<=[下层楼|])\s*(\d{1,4}号[a-z])\s*铺"
_BEFORE_WORD = (
    r"(?<![a-z0-9.])(?!(?<=[a-z] )[a-z]{2,4} )"
    rf"({_CODE}(?:\s*(?:号铺?|铺)?{_PORTION}\s*(?:{AND}+|[-–至到~])\s*{_CODE})*)\s*号?\s*{_PORTION}"
    r"(?:(?:商业|[大商])?铺位?|商店|室(?!内)|档[位口]?|(?:商业)?单位|摊位?|店铺|舱|餐厅|小食亭|熟食[档亭]位?|(?<=号)屋"
    r"|店(?=\s*(?:$|[|,(])))"
)
_BEFORE_SIGN = (
    rf"(?<![a-z0-9.])((?:[a-z]-)?[a-z]{{1,3}}[ -]?\d{{1,4}}[a-z]?(?:\s*号?{_NEXT}\s*[a-z]{{0,2}}-?\d{{1,4}}[a-z]?)*)"
    r"(?:\s?号(?=\s*(?:地下|及|$|[|,(主大部])|\s)|(?=地铺))"
)
_BY_ITS_FORM = r"(?<![a-z0-9.])(\d[a-z]{1,2}\s?\d{3}[a-z]?(?![a-z0-9])|[a-z]{2,3}-\d{3}(?=\s*(?:$|[|\n(])))"
"""6W564 and TL-302: units of an airport and of a park."""
_BEFORE_GROUND_FLOOR = rf"(?<=[场阁楼厦])(\d{{1,4}}[a-z]?(?:\s*{AND}\s*\d{{1,4}}[a-z]?)*)(?=地铺)"
_SHORT_CODE = r"[a-z]{0,3}-?\d+[a-z]{0,2}"
_BEHIND_WORD = rf"(?:(?<!地)铺位?|室|单位|档位?|[熟小]食亭|餐厅)\s?({_SHORT_CODE}(?:\s*{_NEXT}\s*{_SHORT_CODE})*)号?"
_ANY = (_BEHIND_FLOOR, _BEFORE_WORD, _BEFORE_SIGN, _BY_ITS_FORM, _BEFORE_GROUND_FLOOR, _BEHIND_WORD)
_UNIT = re.compile(
    rf"(?=[a-z0-9\s铺室单档熟小])(?:{'|'.join(_ANY)})"  # the first characters that are possible: most are none of them
)
_BARE = r"[a-z]{0,4}-?\d{1,4}[a-z]{0,3}\d{0,4}"
_BARE_UNITS = re.compile(
    rf"\|\s*(?!\d{{1,2}}\s*(?:$|\|))({_BARE}\s*号?(?:\s*(?:{_NEXT}|\s)+{_BARE}\s*号?)*)\s*{AND}?\s*"
    r"(?=$|[|\n(]|[的之]小?部|部[份分]号|(?<=号)部[份分])"
)
"""Units behind a floor or another unit, without a word: 地下G10, G12及52號."""
_LETTER = re.compile(r"[a-z]")
_BEFORE_NUMBER = re.compile(r"[号楼厦场心园]")
"""What an address has before the number of a unit; without any of it, the number is that of a house."""
_SHOP_OF_BUILDING = re.compile(rf"([^道]楼|阁|大厦|商场|花园|中心|停车场|街市)\s*({NUMBERS})\s*号(?=$|\s|\|)")
"""A number behind the name of a building is a shop, and no house number: 永泰樓12號地下."""


def take_units(text: str) -> tuple[str, frozenset[str]]:
    """The text without units, and the units."""
    units: set[str] = set()

    def take(found: re.Match[str]) -> str:
        if found[1]:  # 3號B舖 behind a floor is 3B; behind a street it is shop B at number 3
            units.update(parse_units(found[1].replace("号", "")))
        else:
            units.update(parse_units(next(filter(None, found.groups()))))
        return "|"

    return _UNIT.sub(take, text), frozenset(units)


def take_bare_units(text: str, units: frozenset[str]) -> tuple[str, frozenset[str]]:
    """The text without the units that no word marks, and all units; `text` has bars where floors and units stood."""
    bare: set[str] = set()

    def take(found: re.Match[str]) -> str:
        if not _LETTER.search(found[1]) and not _BEFORE_NUMBER.search(text, 0, found.start()):
            return found[0]
        bare.update(parse_units(found[1].replace(" ", ",")))
        return "|"

    text = _BARE_UNITS.sub(take, text)
    if not units and not bare and (found := _SHOP_OF_BUILDING.search(text)):
        return f"{text[: found.end(1)]}|{text[found.end() :]}", parse_units(found[2])
    return text, units | bare
