"""Floors: sets of floors, written in either language.

A floor is a number or one of `g` (ground), `ug`, `lg`, `b` (basement), `m` (mezzanine, cockloft), `p` (podium) and `r`
(roof); some have a number, such as `b1`. `3-4/F`, `Levels 3 & 4`, `3樓及4樓` and `三至四樓` are one set.

What belongs here: finding floors in text. `unit_evidence` compares them.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from sync_platform.matching.scripts import HAN

_HIGHEST = 120
_DIGITS = {"一": 1, "二": 2, "三": 3, "四": 4, "五": 5, "六": 6, "七": 7, "八": 8, "九": 9, "十": 10}
_FULL_NAMES = {
    "ground": "g", "upper ground": "ug", "lower ground": "lg", "basement": "b", "mezzanine": "m", "cockloft": "m",
    "roof": "r", "rooftop": "r", "podium": "p", "u/g": "ug", "l/g": "lg", "c/l": "m",
    "高层地下": "ug", "地下高层": "ug", "上层地下": "ug", "低层地下": "lg", "地下低层": "lg", "地下底层": "lg",
    "地下": "g", "地面": "g", "地铺": "g", "地库": "b", "地牢": "b", "阁楼": "m", "阁仔": "m", "平台": "p", "天台": "r",
    "地下上层": "ug", "地下下层": "lg", "低层": "lg", "高层": "ug", "平台层": "p", "底层地下": "lg",
}  # fmt: skip

_ATOM = r"(?:\d{1,3}(?:st|nd|rd|th)?|[bf]\d|b|lb|u/?g\d?|l/?g\d?|m\d|[gmrpc]|mtr)"
_F = r"\s*/\s*f\b\.?"
_BETWEEN = r"\s*(?:-|–|&|\+|and\b|to\b)\s*"
_NAMED = r"(?:upper ground|lower ground|ground|basement|mezzanine|podium|roof)"
_ORDINAL = r"(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth)"  # written out: "second floor"
_ORDINALS = {word: str(number) for number, word in enumerate(_ORDINAL[3:-1].split("|"), 1)}
_STREET = "(?:street|st|road|rd|avenue|ave|lane|terrace|path)"  # behind a house number: 36-60F Tak Man Street
ENGLISH = re.compile(
    r"\b(?=[0-9bulgmrcpftsen])(?:"  # the first characters that are possible
    rf"(?<![a-z0-9/-])(?:sub-)?(?P<list>(?:{_ATOM})(?:{_F})?(?:{_BETWEEN}{_ATOM}(?:{_F})?)*?)"
    rf"(?:{_F}|\s*/?\s*(?:floors?|flr|fl)\b\.?|(?:(?<=m\d)|(?<=[ul]g))\s+level\b(?!\s*\d)"
    rf"|(?<=[0-9gb])\s?f\b(?=\s*(?:,|$)| (?![a-z' ]+ {_STREET}\b)))"
    rf"|\b(?P<level>levels?|floor|l(?=\d))\s*\.?\s*(?P<levels>[bl]?\d{{1,2}}\b(?:(?:{_BETWEEN}|\s*,\s*)[bl]?\d{{1,2}}\b(?!\s*/?\s*f))*)(?:\s?/f\b)?"
    rf"|\b(?P<ordinal>{_ORDINAL}) floor\b"
    rf"|\b(?P<name>{_NAMED})\s*(?P<number>\d?)\s*(?:floor|level|fl)\b\s*(?P<after>\d?)(?!\d)|\b(?P<alone>basement|mezzanine|cockloft|c/l|rooftop)\b(?:\s?(?P<depth>\d)\b(?:\s?/\s?f\b)?)?)"
)
_SEPARATOR = re.compile(r"\s*(?:(?P<range>-|–|to\b|至|到)|&|\+|,|、|and\b|及|和)\s*")

_ATOM_ZH = (
    r"(?:第?\s?(?:(?:ug|lg)\d?|[blmp]\d{1,2}|[fg]\d(?=\s?[楼层])|\d{1,3}(?:[a-z](?=\s?[楼层]))?"
    r"|[bgmr](?=\s*[楼层])|[一二三四五六七八九十]{1,3}))"
)
_STOREY = r"(?:字楼|楼层|楼|层)"
_BEHIND_LATIN_NAME = rf"(?:(?<=[a-z]{{3}})|(?<=ii)|(?<=[{HAN}]i)|(?<=[a-z]{{2}} [a-z]))(?=\d)"
"""Where a number is no part of a code: MEGABOX10樓."""
CHINESE = re.compile(
    r"(?=[第a-z0-9一二三四五六七八九十地高上低底阁天平港])(?:"  # the first characters that are possible
    r"(?:(?<![a-z0-9.\-])|(?=第))第?\s?(?P<depth>[\d一二三四](?:\s?[-–至]\s?[\d一二三四])?)\s?[楼层]?地[库牢]"
    rf"|(?:(?<![a-z0-9.\-])|(?=[第一二三四五六七八九十])|{_BEHIND_LATIN_NAME})"
    rf"(?P<list>{_ATOM_ZH}\s?{_STOREY}?(?:\s*(?:[-–&、]|及|至|到|和)\s*{_ATOM_ZH}\s?{_STOREY}?)*?)"
    rf"(?P<storey>(?<=[层楼])|{_STOREY}|(?=全层))(?!\s*\d*\s*[铺室]?位|\s*[-–至到]\s*\d{{1,3}}\s?[楼层])"
    r"|(?P<station>(?:港铁|地铁|mtr)\s?[楼层][层面]?)"
    r"|(?<![a-z0-9.\-])(?P<level>l\d{1,2}|[lu]g\d)(?=\s*(?:[(|,及]|$)|\s[a-z]部)"
    "|(?P<name>高层地下|地下高层|上层地下|地下[上下]层|低层地下|地下低层|地下底层|底层地下|地下|地面|地铺|地库|地牢|阁楼|阁仔|天台|[a-z]?平台层?|低层|高层)"
    rf"(?P<number>(?:\d(?!\s?座)|(?<=[库牢])\s\d(?=楼)|(?<=[库牢])[一二三四](?=[楼层]))(?=\s*(?:字?楼|层|(?![号及至和与])[{HAN}]|$)))?)"
)
_STOREY_OR_ORDINAL = re.compile(rf"{_STOREY}|第")
_LEVEL = re.compile(r"\bl(?=\d)")
_FLOOR_SIGN = re.compile(r"/\s*f\b\.?")


class FloorSet(NamedTuple):
    """Floors, and whether they are counted as levels."""

    floors: frozenset[str]
    has_levels: bool


def parse_english_floor(found: re.Match[str]) -> FloorSet:
    """The floors of a match of ENGLISH."""
    if written := found["list"]:
        return FloorSet(_listed(_FLOOR_SIGN.sub("", written) if "/" in written else written), has_levels=False)
    if found["levels"]:
        return FloorSet(_listed(found["levels"]), has_levels=True)
    if found["ordinal"]:
        return FloorSet(frozenset({_ORDINALS[found["ordinal"]]}), has_levels=False)
    name = _FULL_NAMES[found["name"] or found["alone"]]
    return FloorSet(frozenset({name + (found["number"] or found["after"] or found["depth"] or "")}), has_levels=False)


def parse_chinese_floor(found: re.Match[str]) -> FloorSet:
    """The floors of a match of CHINESE."""
    name, written, number, depth = found.group("name", "list", "number", "depth")
    if depth or found["station"]:
        return FloorSet(frozenset("b" + floor for floor in _listed(depth or "") or {""}), has_levels=False)
    return _named(name, number or "") if name else _listed_in_chinese(written or found["level"], found[0])


@lru_cache(maxsize=1_000)
def _named(name: str, number: str) -> FloorSet:
    """A floor with a Chinese name; only basements and podiums have a number."""
    floor = "p" if "平台" in name else _FULL_NAMES[name]
    return FloorSet(frozenset({floor + (_floor(number.strip()) if floor in ("b", "p") else "")}), has_levels=False)


@lru_cache(maxsize=10_000)
def _listed_in_chinese(written: str, text: str) -> FloorSet:
    """The floors of a Chinese list; `text` is the list with the word for floor behind it."""
    plain = _STOREY_OR_ORDINAL.sub("", written)
    is_level = "层" in text or _LEVEL.search(plain) is not None
    return FloorSet(_listed(_LEVEL.sub("", plain)), is_level)


@lru_cache(maxsize=10_000)
def _listed(text: str) -> frozenset[str]:
    """The floors of a list such as `1 - 3` or `g & m`."""
    floors: list[str] = []
    is_range = False
    position = 0
    for separator in [*_SEPARATOR.finditer(text), None]:
        floor = _floor(text[position : separator.start() if separator else len(text)].strip())
        if is_range and floors and floor.isdigit() and floors[-1].isdigit():
            floors += [str(number) for number in range(int(floors[-1]) + 1, int(floor))]
        elif is_range and floor.isdigit() and floors[-1:] == ["g"]:
            floors += [str(number) for number in range(1, int(floor))]
        if floor:
            floors.append(floor)
        if separator:
            is_range, position = bool(separator["range"]), separator.end()
    return frozenset(floors)


def _floor(text: str) -> str:
    """One floor; empty where the text is none."""
    if text in _FULL_NAMES:
        return _FULL_NAMES[text]
    if text and all(character in _DIGITS for character in text):
        return str(chinese_number(text))
    plain = re.sub(r"(?<=\d)(?:st|nd|rd|th)$|[^a-z0-9]", "", text)
    plain = re.sub(r"^l(?=\d)", "", plain)
    plain = {"lb": "b", "c": "m", "mtr": "b"}.get(plain, plain)
    if plain.isdigit():
        return str(int(plain)) if 0 < int(plain) <= _HIGHEST else ""
    return plain


def chinese_number(text: str) -> int:
    """The number in Chinese digits, below 100."""
    if "十" not in text:
        return int("".join(str(_DIGITS[character]) for character in text))
    tens, _, ones = text.partition("十")
    return _DIGITS.get(tens, 1) * 10 + _DIGITS.get(ones, 0)
