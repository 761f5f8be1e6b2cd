"""Addresses in English and Chinese, parsed into their parts.

Both languages write number, floor and shop in the same way; street and building stay in their own script. What belongs
here: parsing an address. `evidence` compares two addresses.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from sync_platform.matching.romanisation import sound_of_chinese, sound_of_english
from sync_platform.matching.scripts import HAN, drop_apostrophes, fold, has_han, split_scripts


class ParsedAddress(NamedTuple):
    """A parsed address. `first` to `last` are its house numbers (0 where there is none).

    `floor` is `g`, `b`, `ug`, `lg1` or a number. `shops` are the numbers of its shops or rooms. `street` is the
    street's name, in English without its kind ("Road"); `street_sound` is its sound. `building` is the text between the
    unit and the number. `whole` is the whole text, folded.
    """

    first: int
    last: int
    floor: str
    shops: frozenset[str]
    street: str
    street_sound: str
    building: str
    whole: str


EMPTY = ParsedAddress(0, 0, "", frozenset(), "", "", "", "")

_KINDS = {
    "street": "st", "st": "st", "str": "st", "road": "rd", "rd": "rd", "avenue": "ave", "ave": "ave", "av": "ave",
    "boulevard": "blvd", "blvd": "blvd", "blv": "blvd", "drive": "dr", "dr": "dr", "lane": "ln", "ln": "ln",
    "place": "pl", "pl": "pl", "square": "sq", "sq": "sq", "highway": "hwy", "hwy": "hwy", "parkway": "pkwy",
    "pkwy": "pkwy", "terrace": "ter", "ter": "ter", "path": "path", "crescent": "cres", "cres": "cres", "court": "ct",
    "ct": "ct", "way": "way", "alley": "alley", "circuit": "cir", "praya": "praya", "bazaar": "bazaar", "row": "row",
    "plz": "plz", "expressway": "expy", "freeway": "fwy", "quay": "quay", "close": "close", "walk": "walk",
}  # fmt: skip
_DIRECTIONS = {
    "north": "n", "south": "s", "east": "e", "west": "w", "northeast": "ne", "northwest": "nw", "southeast": "se",
    "southwest": "sw", "central": "c",
}  # fmt: skip
_ORDINALS = {
    "first": "1", "second": "2", "third": "3", "fourth": "4", "fifth": "5", "sixth": "6", "seventh": "7",
    "eighth": "8", "ninth": "9", "tenth": "10", "eleventh": "11", "twelfth": "12",
}  # fmt: skip
_UNIT_WORD = r"(?:shops?|units?|rooms?|rm|suites?|ste|kiosks?|stalls?|stores?|flats?|apt|portion|counter|booth|bay)"
_SHOP_CODE = r"(?:[a-z]{1,3}-?)?\d+[a-z]{0,2}\d{0,3}|[a-z]\b"
_ONE_SHOP = rf"(?!l\d)(?:{_SHOP_CODE})(?!\s*/?\s*f\b|st\b|nd\b|rd\b|th\b)"
_LISTED_SHOP = rf"\s*,\s*{_ONE_SHOP}(?=\s*(?:,|&|and\b|$))"  # a comma continues the list only where no street can begin
_SHOPS_EN = re.compile(
    rf"\b{_UNIT_WORD}\b\.?\s*(?:no|nos|number)?\b\.?\s*({_ONE_SHOP}(?:\s*(?:&|and\b|/|-|to\b)\s*{_ONE_SHOP}|{_LISTED_SHOP})*)"
    rf"|#\s*((?:{_SHOP_CODE})(?:-\d+[a-z]?)?)"
)
_FLOOR_EN = re.compile(
    r"\b(?:(\d{1,3})(?:st|nd|rd|th)?\s*(?:/\s*f\b|floor\b|fl\b|f\b(?=,|$| ))|(?:level|floor|l)\s*\.?(\d{1,3})\b|"
    r"(u|l|upper|lower)?\s*/?\s*(g|ground)\s*/?\s*(?:f|floor|fl)\b|(lg|ug|mtr|b|lb)\s*(\d?)\s*/?\s*(?:f|floor)\b|"
    r"(basement|ground level)\s*(\d?)|(m)/f\b)"
)
_NUMBER_EN = re.compile(r"(?:\bnos?\.?\s*)?\b(\d{1,5})([a-z]?)(?:\s*[-–—/&]\s*(\d{1,5})[a-z]?)?\s+(?=[a-z0-9])")
_AFTER_STREET = re.compile(r"\s(?:between|near|off|at|corner|cor|opposite|opp|in|behind|next|just|above)\b.*|\(.*")
_WORD = re.compile(r"[a-z0-9]+")

_DIGITS_ZH = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_FLOOR_ZH = re.compile(
    r"(?:(\d{1,3})|([一二三四五六七八九十]{1,3}))(?:楼|层|字楼)|(高层|上层|低层)?(地下|地面|地铺)|(地库|地牢)(\d?)"
)
_SHOPS_ZH = re.compile(
    r"((?:[a-z]{0,3}-?\d+[a-z]{0,2}\d{0,3}|[a-z])(?:(?:[、,及和&至/-]|号)+(?:[a-z]{0,3}-?\d+[a-z]{0,2}|[a-z]))*)号?(?:铺|店|档|室|单位|舱)"
    r"|(?:铺|店铺|商铺|室|单位|档)(?:位)?([a-z]{0,3}-?\d+[a-z]{0,2})号?"
)
_NUMBER_ZH = re.compile(
    rf"([{HAN}]*?)\s*(\d{{1,5}})([a-z]?)(?:[至\-–/及、]\s*(\d{{1,5}})[a-z]?)?号(?!铺|店|档|室|舱|单位|码)"
)
_CODE = re.compile(r"[a-z]*-?\d+[a-z]*\d*|[a-z]")


@lru_cache(maxsize=200_000)
def parse_addresses(*texts: str) -> tuple[ParsedAddress, ParsedAddress]:
    """The English and the Chinese address in these texts, in either order; EMPTY where there is none."""
    english = chinese = EMPTY
    for text in texts:
        folded = fold(text)
        if not folded:
            continue
        if has_han(folded):
            latin, _ = split_scripts(folded)
            if chinese is EMPTY:
                chinese = _parse_chinese(folded)
            if english is EMPTY and len(latin) > len(folded) / 2:
                english = _parse_english(latin)
        elif english is EMPTY:
            english = _parse_english(folded)
    return english, chinese


def _parse_english(folded: str) -> ParsedAddress:
    text = drop_apostrophes(folded).replace(".", ". ").replace("  ", " ")
    shops: set[str] = set()

    def take_shops(found: re.Match[str]) -> str:
        shops.update(_codes(found[1] or found[2]))
        return " , "

    text = _SHOPS_EN.sub(take_shops, text)
    floor = ""
    if found := _FLOOR_EN.search(text):
        floor = _floor_english(found)
        text = f"{text[: found.start()]} , {text[found.end() :]}"
    segments = [segment.strip(" .") for segment in re.split(r"[,;|\n]", text)]
    segments = [segment for segment in segments if segment]
    first = last = 0
    street, building = "", ""
    for position, segment in enumerate(segments):
        if not (found := _NUMBER_EN.search(segment + " x" if segment.isdigit() else segment)):
            continue
        if found.start() > 0 and not segment[: found.start()].strip().startswith(("no", "nos")):
            words = _WORD.findall(segment[: found.start()])
            if len(words) > 3:
                continue
        name = _street_words(segment[found.end() :])
        if not name and position + 1 < len(segments):
            name = _street_words(segments[position + 1])
        first, last = _span(found[1], found[3])
        street = " ".join(name)
        building = _building(segments[:position], segment[: found.start()])
        break
    else:
        for position, segment in enumerate(segments):
            words = _WORD.findall(segment)
            if len(words) > 1 and words[-1] in _KINDS:
                street, building = " ".join(_street_words(segment)), _building(segments[:position], "")
                break
        else:
            building = _building(segments[:1], "")
    return ParsedAddress(
        first, last, floor, frozenset(shops), street, sound_of_english(_words_with_sound(street)), building,
        " ".join(_WORD.findall(text)),
    )  # fmt: skip


def _words_with_sound(street: str) -> list[str]:
    return [word for word in street.split() if word.isalpha() and word not in _DIRECTIONS.values()]


def _street_words(text: str) -> list[str]:
    """The words of the street without its kind, and without a following description of its location."""
    words = _WORD.findall(_AFTER_STREET.sub(" ", f" {text}"))
    found: list[str] = []
    for position, word in enumerate(words):
        if word in _KINDS and position and (len(found) > 1 or (found and found[0] not in _DIRECTIONS.values())):
            rest = [_DIRECTIONS.get(one, one) for one in words[position + 1 : position + 2]]
            found += [one for one in rest if one in _DIRECTIONS.values()]
            break
        word = _ORDINALS.get(word, _DIRECTIONS.get(word, word))
        found.append(re.sub(r"^(\d+)(?:st|nd|rd|th)$", r"\1", word))
    return found[:5]


def _building(before: list[str], start: str) -> str:
    parts = [*before, start.removesuffix("no. ").removesuffix("no ")]
    return " ".join(word for word in _WORD.findall(" ".join(parts)) if word not in ("the", "no", "nos"))


def _floor_english(found: re.Match[str]) -> str:
    if number := found[1] or found[2]:
        return str(int(number))
    if found[4]:
        return {"u": "ug", "upper": "ug", "l": "lg", "lower": "lg"}.get(found[3] or "", "g")
    if found[5]:
        return found[5] + (found[6] or "")
    if found[7]:
        return "g" if found[7] == "ground level" else "b" + (found[8] or "")
    return "m"


def _parse_chinese(folded: str) -> ParsedAddress:
    text = folded.replace(" ", "")
    shops: set[str] = set()

    def take_shops(found: re.Match[str]) -> str:
        shops.update(_codes(found[1] or found[2]))
        return "|"

    first = last = 0
    street = building = ""
    number = _NUMBER_ZH.search(text)
    rest = text
    if number:
        first, last = _span(number[2], number[4])
        street = _street_han(text[: number.start(2)])
        rest = text[number.end() :]
    rest = _SHOPS_ZH.sub(take_shops, rest)
    floor = ""
    if found := _FLOOR_ZH.search(rest):
        floor = _floor_chinese(found)
        building = rest[: found.start()]
    else:
        building = rest.split("|")[0]
    building = re.sub(rf"[^{HAN}a-z0-9]", "", building)
    return ParsedAddress(
        first, last, floor, frozenset(shops), street, sound_of_chinese(street[:-1]), building, text,
    )  # fmt: skip


def _street_han(before: str) -> str:
    run = re.findall(rf"[{HAN}]+", before)
    return run[-1] if run else ""


def _floor_chinese(found: re.Match[str]) -> str:
    if found[1]:
        return str(int(found[1]))
    if found[2]:
        return str(_number_han(found[2]))
    if found[4]:
        return {"高层": "ug", "上层": "ug", "低层": "lg"}.get(found[3] or "", "g")
    return "b" + (found[6] or "")


def _number_han(text: str) -> int:
    if "十" not in text:
        return _DIGITS_ZH[text[-1]]
    tens, _, ones = text.partition("十")
    return _DIGITS_ZH.get(tens, 1) * 10 + _DIGITS_ZH.get(ones, 0)


def _codes(text: str) -> set[str]:
    return {code.replace("-", "") for code in _CODE.findall(text) if code not in ("and", "to")}


def _span(first: str, last: str | None) -> tuple[int, int]:
    low = int(first)
    high = int(last) if last else low
    if high < low:  # 1215-17 is 1215-1217
        high = int(first[: max(0, len(first) - len(last or ""))] + (last or "")) if last else low
    return low, high if low <= high <= low + 200 else low
