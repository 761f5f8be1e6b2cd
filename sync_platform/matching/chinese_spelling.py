"""Chinese addresses before they are parsed: one form of signs and numbers, and no lots.

What belongs here: what is rewritten or left out wherever it stands in an address. `chinese_addresses` finds the parts.
"""

from __future__ import annotations

import re

from sync_platform.matching.area_names import chinese_areas
from sync_platform.matching.floors import chinese_number
from sync_platform.matching.scripts import HAN

_LOT_NUMBER = r"(?:编号|号码)?第?\s?\d[\da-z]*(?:\s?[-、,及和]\s?\d[\da-z]*)*\s?号?(?!\s?[铺室座楼])"
_LOT_PART = r"(?:[a-z]?小?分段|余段|[a-z][a-z.\d]{0,4}份?段)"
_LOT_WORD = rf"(?:丈量|约[份分]|丈份|[内屋]?地段|短期租约|{_LOT_PART})"
_LOT = re.compile(
    rf"(?:(?:[{HAN}]{{2}}市|新九龙|旧?墟)?(?:第?\d[\d、,及和-]*号?[内屋]?地段(?!\s?(?:第|编号|[a-z]|\d[\da-z-]*号))|"
    rf"第?\d+丈量|丈量|约[份分]|丈份|[内屋]?地段|短期租约(?:[a-z]+-)?|{_LOT_PART})|{_LOT_NUMBER}\s?约)(?:\s?{_LOT_NUMBER})?"
    rf"(?:\s?[及和之的、,]?\s?(?:{_LOT_NUMBER}\s?)?(?:{_LOT_WORD}|约)(?:\s?{_LOT_NUMBER})?)*|d\.?d\.?\s*\d+"
)
"""A lot of the Lands Registry: 第215約951地段, 丈量約份第104約地段第4665號餘段. Each one becomes a line break."""
_NAMES_A_LOT = re.compile(r"段|约|d\.?d")
_FLOOR_SIGN = re.compile(r"(?<![a-z0-9])(\d{1,3}(?:-\d{1,3})?|[ul]g\d?|[gbml]\d?)\s*/\s*f(?![a-z0-9])\s*[楼层]?")
_WORD_NUMBER = "[一二三四五六七八九十]{1,3}"
_NUMBER_IN_WORDS = re.compile(
    rf"(?:(?<=[街道路里径巷])|(?<=道[东南西北中])|(?={_WORD_NUMBER}号铺)){_WORD_NUMBER}(?:号?[及至、-]{_WORD_NUMBER})*(?=号)"
)
"""House numbers in words, and those of shops: 馬頭圍道三十七至三十九號."""
_STREET_BEFORE = re.compile(rf"[{HAN}]{{2}}[街道路里径巷东南西北中]$")
_WORD_BEFORE_SIGN = re.compile("[一二三四五六七八九十]号")
_EACH_NUMBER = re.compile(_WORD_NUMBER)
_WORDS = "大厦 大楼 商厦 商场 商业 工业 花园 中心 广场 酒店 咖啡 部份 部分 地下 阁楼 座位 平台 戏院 街市 空地".split()  # noqa: SIM905
_BROKEN_WORD = re.compile(
    rf" (?:{'|'.join(f'(?<={word[0]} )(?={word[1]})' for word in _WORDS)}"
    rf"|(?<=号(?![及和与至铺室档店舱座楼地部内前后])[{HAN}] )(?=[{HAN}]))"
)
"""A line break within a word, or behind the first character of a name: 康麗花 園, 53號藍 地樓."""
_MOORED = re.compile(r".*停泊\s*[于於](?:香港)?", re.DOTALL)
"""A ship in front of its pier."""
_FORMAL = str.maketrans(
    {"壹": "一", "弌": "一", "贰": "二", "弍": "二", "弐": "二", "叁": "三", "参": "三", "ニ": "二"}
)
_FORMAL_NUMBER = re.compile(r"[壹弌贰弍弐叁参](?=期|字?楼|号[铺室及、])")
_LATIN_LOT = re.compile(
    r"(?<![a-z])(?:(?:nk|kt|tk|tw|kc|a)?\.?i\.?l\.?|(?:tko|st|tm|fs|tp|yl|tw|ty|kc|tsw|cc|dp|pc|mw|ssd)tl|rbl"
    r"|(?:in|is)land lot|lots?|stt)\s*(?:nos?\.?\s*)?\d{2,5}(?:s?[a-z]\d?)?\s?(?:号|段|rp|in\b)?(?!\s?[铺室])"
)
"""A lot of the Lands Registry by its Latin abbreviation: TKOTL 27, A.I.L. 463."""
_PORTION_IN_BRACKETS = re.compile(r"\((?:[a-z]|[主次]要|较?[大小])?部[份分]\)")
_ORDINAL = re.compile(r"第(?=\d{1,4}[a-z]?号[铺档])|(?<=[街道路里])第(?=\d)|第(?=\d{1,4}[a-z]?号(?:$|\s|地下))")
_NOTE = re.compile(
    r"\((?:(?:又称|又名|也称|亦称|亦叫作|即|以前|现称|目前|formerly|also|now known)[^()\d]*|前称[^()]*|\+[\d.]+)\)"
)
_AREA_NUMBER = re.compile(rf"(?:地域|第|(?<![a-z\d]))\s?\d{{1,3}}[a-z]?\s?区(?=\s?[{HAN}])|地域\d{{1,3}}[a-z]?")
"""The number of a planning area: 第28B區, 地域19B."""
_NUMBER_WORD = re.compile(r"(?<![a-z])(?:nos?\.|shops?)\s*(?=\d)")
_AND = re.compile(r"(?<=[\da-z]) and (?=[a-z-]{0,5}\d)")
_SEATS = re.compile(r"(?:及|和|与|、)?\s*[a-z]{0,2}\d+(?:-\d+)?号[座坐]位间?")
_NUMBER_OF_ESTATE = re.compile(
    r"\(((?:[一二三四五六南北上下\d]|[iv]{1,3})(?:[及和&](?:[一二三四五六南北上下\d]|[iv]{1,3}))?)\)(?=\s?[村苑]|商场|街市)|\(([一二三四五六南北上下]村)\)"
)
_AREA_IN_A_NAME = re.compile(rf"(?<=[{HAN}])\(([{HAN}]+)\)(?=中心|[大商]厦|广场|商场|工业)")
"""An area in the middle of a name: 大鴻輝(荃灣)中心."""


def rewrite_chinese(folded: str) -> str:
    """The text with one form of some signs, and without lots. Most texts have none of them."""
    text = _BROKEN_WORD.sub("", folded)
    if _WORD_BEFORE_SIGN.search(text):
        text = _NUMBER_IN_WORDS.sub(_in_digits, text)
    if "停泊" in text:
        text = _MOORED.sub("", text)
    if "/" in text:
        text = _FLOOR_SIGN.sub(r"\1楼", text)
    if "位" in text:
        text = _SEATS.sub("|", text)
    if "l" in text:
        text = _LATIN_LOT.sub("\n", text)
    if _NAMES_A_LOT.search(text):
        text = _LOT.sub("\n", text)
    if "no" in text or "shop" in text:
        text = _NUMBER_WORD.sub("", text)
    if " and " in text:
        text = _AND.sub("&", text)
    if "(" in text:
        text = _NOTE.sub("|", _PORTION_IN_BRACKETS.sub(" ", text))
    if "第" in text:
        text = _ORDINAL.sub("", text)
    if "区" in text or "地域" in text:
        text = _AREA_NUMBER.sub(" ", text)
    text = _FORMAL_NUMBER.sub(lambda found: found[0].translate(_FORMAL), text)
    if "(" not in text:
        return text
    return _AREA_IN_A_NAME.sub(_without_brackets, _NUMBER_OF_ESTATE.sub(r"\1\2", text))


def _in_digits(found: re.Match[str]) -> str:
    """Numbers in words, as digits; those of a name that repeats its numbered street stay: 北京道1號北京道一號."""
    street = _STREET_BEFORE.search(found.string, 0, found.start())
    if street and re.search(rf"{street[0]}\s?\d", found.string[: street.start()]):
        return found[0]
    return _EACH_NUMBER.sub(lambda number: str(chinese_number(number[0])), found[0])


def _without_brackets(found: re.Match[str]) -> str:
    """The area in brackets as a part of the name; other words in brackets stay as they are."""
    return found[1] if found[1] in chinese_areas() else found[0]
