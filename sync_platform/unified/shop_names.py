"""Names of restaurants without what platforms add to them, and the branch that such a name states.

`McDonald's @ North Point`, `KFC (Percival Street) | Halal-friendly` and `牛奶冰室 (鯉景灣店)` are a name and a branch;
`[Extended Delivery]` and `(Hong Kong)` are neither. Text after a dash is a branch only if it names a place: it may
belong to the name.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from typing import NamedTuple

from sync_platform.matching.scripts import HAN
from sync_platform.quality.areas import AreaKind, all_areas, find_area

_BRACKETED = re.compile(r"\s*[\[(【〔「]((?:[^\[\]()【】〔〕「」]|\([^()]*\))*)[\])】〕」]\s*")
_PLATFORM_MARK = re.compile(
    r"(?<![a-z])(?:extended|delivery|deliver|pick ?-?up|take ?-?away|take ?-?out|self ?-?pick ?-?up|second listing|"
    r"(?:outer|express|extra) zone|duplicate|halal(?:[- ]friendly)?|new|closed|promo(?:tion)?)(?![a-z])|"
    r"外[送賣卖]|延伸|自取|[擴扩]展",
    re.IGNORECASE,
)
_CITY = re.compile(r"(?:hong ?kong|h\.?k\.?|香港)(?: sar)?", re.IGNORECASE)
_LAST_MARK = re.compile(r"\s*\|\s*(?:halal[- ]friendly|extended delivery|new)\s*$", re.IGNORECASE)
_AFTER_BRANCH = re.compile(r"(?<=\x00)\s*(?:\d{3,5}|分?店|branch|shop|store)$", re.IGNORECASE)
_AFTER_AT = re.compile(r"(?<=\S)\s+@\s*(?=\S)|(?<=\w{3})@(?=\w)")
_AFTER_DASH = re.compile(r"\s*[-–—]\s+|\s+[-–—]\s*")
_PLACE_WORD = re.compile(
    r"\b(?:street|st|road|rd|avenue|ave|lane|path|square|plaza|place|mall|centre|center|building|bldg|towers?|mansion|"
    r"court|gardens?|estate|arcade|galleria|station|mtr|terminal|terrace|bazaar|airport|phase|shop|store|branch)\b\.?",
    re.IGNORECASE,
)
_NO_PLACE = re.compile(
    r"\b(?:since|est|formerly|by|cuisine|food$|restaurant|cafe|coffee|bar|kitchen|house of|king of|dim sum|noodles?|"
    r"vegetarian|vegan|sushi|ramen|bakery|no record)\b|^[\d\W]+$",
    re.IGNORECASE,
)
_CHINESE_PLACE = re.compile(
    r"(?:分店|店|分行|街|道|路|里|徑|廣場|中心|商場|大廈|大樓|邨|苑|城|匯|坊|薈|灣|角|環|涌|埗|塘|園|閣|機場|站|期)\d*$"
)
_NO_CHINESE_PLACE = re.compile(
    "(?:專門|專賣|專|飯|粥|麵|面|粉|酒|茶|餅|商|總|老|本|小食|冰|甜品|食|飲品|藥|旗艦)店$|小食|料理|老字號|記錄|紀錄"
)


class ShopName(NamedTuple):
    """A name and its branch; either may be empty."""

    name: str
    branch: str


@lru_cache(maxsize=100_000)
def split_name(text: str) -> ShopName:
    """The name without platforms' additions, and the branch. A text that would leave no name is a name as it is."""
    whole = " ".join(unicodedata.normalize("NFKC", text).split())
    rest, branches = _without_brackets(_LAST_MARK.sub("", whole))
    if not branches:
        rest, branches = _without_suffix(rest)
    name = rest.strip(" -–—|,").rstrip("@ ")
    if not re.search(rf"[\w{HAN}]", name):
        return ShopName(whole, "")
    return ShopName(name, ", ".join(dict.fromkeys(branches)))


def plain_name(text: str) -> str:
    return split_name(text).name


def english_branch(text: str) -> str | None:
    """The branch that a name states in Latin letters."""
    branch = split_name(text).branch
    return branch if branch and not re.search(f"[{HAN}]", branch) else None


def chinese_branch(text: str) -> str | None:
    """The branch that a name states in Chinese."""
    branch = split_name(text).branch
    return branch if re.search(f"[{HAN}]", branch) else None


def _without_brackets(text: str) -> tuple[str, list[str]]:
    """The text without brackets that are a platform's mark, the city or a branch, and the branches among them."""
    branches: list[str] = []

    def replaced(match: re.Match[str]) -> str:
        content = match[1].strip()
        if not content or _PLATFORM_MARK.search(content) or _CITY.fullmatch(content):
            return " "
        if not _is_branch(content):
            return match[0]
        branches.append(content)
        return " \x00"

    rest = _AFTER_BRANCH.sub("", _BRACKETED.sub(replaced, text).strip())
    return " ".join(rest.replace("\x00", "").split()), branches


def _without_suffix(text: str) -> tuple[str, list[str]]:
    """The text before `@`, a dash or a Chinese branch at its end, and the branch after it."""
    parts = _AFTER_AT.split(text)
    if len(parts) == 2 and (" @" in text or _is_place(parts[1])):
        return parts[0], [parts[1].strip()]
    *_, dash = [None, *_AFTER_DASH.finditer(text)]
    if dash and dash.start() and _is_place(text[dash.end() :]):
        return text[: dash.start()], [text[dash.end() :]]
    if match := _chinese_area_branch().fullmatch(text):
        return match[1], [match[2]]
    return text, []


def _is_branch(content: str) -> bool:
    """True if the content of a bracket names a branch: in Latin letters nearly all do, in Chinese those of a place."""
    if re.search(f"[{HAN}]", content):
        return _is_place(content)
    return _is_place(content) or not _NO_PLACE.search(content)


def _is_place(text: str) -> bool:
    """True if a text is an area, a street, a building, or a shop named after one."""
    if re.search(f"[{HAN}]", text):
        return not _NO_CHINESE_PLACE.search(text) and bool(_CHINESE_PLACE.search(text) or find_area(text))
    return find_area(text) is not None or bool(_PLACE_WORD.search(text) and not _NO_PLACE.search(text))


@cache
def _chinese_area_branch() -> re.Pattern[str]:
    """A name that ends in a neighbourhood and a word for a branch, such as 壽司郎鰂魚涌店."""
    named = [area.chinese for area in all_areas().values() if area.kind is not AreaKind.AREA]
    areas = "|".join(sorted(map(re.escape, named), key=len, reverse=True))
    return re.compile(rf"(.{{2,}}?)\s*((?:{areas})(?:分?店|分行))")
