"""Names of Hong Kong's areas in front of and behind an address, so that the grammar can tell them from streets."""

from __future__ import annotations

import re
from functools import cache

from sync_platform.matching.scripts import drop_apostrophes, fold, has_han
from sync_platform.quality.areas import all_areas

_ALSO_ESTATES = ("花园", "新村", "半岛", "新城", "杏花村", "奥海城", "科学园", "海洋公园")
_ALSO_ESTATES_ENGLISH = ("garden", "gardens", "estate", "olympian city", "science park", "ocean park", "south horizons")
_MORE = (
    "香港", "大屿山", "长洲", "南丫岛", "坪洲", "愉景湾", "东涌", "梅窝", "大澳", "赤鱲角", "油尖", "北区",
    "新界北区", "马鞍山", "火炭", "大围", "将军澳", "粉岭", "上水", "石湖墟", "联和墟", "黄大仙", "坑口", "宝琳",
    "调景岭", "康城", "九龙站", "港岛东", "清水湾", "九龙湾", "天水围", "深水埗",
    "汀九", "梨木树", "河上乡", "十八乡", "落禾沙", "爱秩序湾", "井栏树", "流浮山", "大尾督", "大美督", "榕树湾",
    "西沙", "林村", "索罟湾", "白石角", "粮船湾", "横台山", "扫管笏",
    "西九龙文化区", "西九文化区", "香港迪士尼乐园度假区", "大坑东", "大坑西", "田湾", "新界北", "薄扶林", "大坑",
    "大埔滘", "马湾涌",
)  # fmt: skip
_MORE_ENGLISH = (
    "hong kong", "hk", "china", "kowloon", "kln", "new territories", "nt", "n t", "lantau", "lantau island",
    "cheung chau", "lamma island", "peng chau", "discovery bay", "tung chung", "mui wo", "tai o", "chek lap kok",
    "soho", "mid levels", "mid level", "western district", "southern district", "sai wan", "fo tan", "tai wai",
    "ma on shan", "tseung kwan o", "fanling", "sheung shui", "wong tai sin", "hang hau", "po lam", "tiu keng leng",
    "lohas park", "shek wu hui", "luen wo hui", "tai hang", "wong uk",
    "clear water bay", "yau tsim mong", "islands", "islands district", "hong kong island", "island south",
)  # fmt: skip
_NAMES_A_THING = re.compile(
    r"[村苑|]|街市街|旧大街|乡事会|车站[路道围]|[上下老旧]村|[东西南北]村(?![路道])|马场|桥[道街]|新(?:村(?!街)|城(?!市))|花园(?![道街径])|半岛|(?:道|街|路|里|径|坊|大街|正街|村|中心|广场|商场|城|站|市场|街市|大厦|楼|苑|花园|新村|码头|酒店|戏院|机场|汇|坊)"
    r"(?:[东南西北中]|第?[一二三四五六七八九十\d]+期)?(?:\s|\d|\||$|[一二三四五六七八九十]+[期座楼])"
)
"""What stands behind an area's name where both together are the name of a street or building (荔枝角道, 沙田中心)."""

_STREET_OF_AREA = re.compile(r"[公大正新后]?(?:道|街(?!市|坊)|路(?!德围))|[东西南北中]路")
"""Behind an area's name, the rest of a street's name and a name behind it: 鯉魚門道鯉魚門廣場."""
_PARTS_OF_KOWLOON = ("九龙西", "九龙东")
"""Names of areas behind 九龍 only: 九龍西洋菜街 is a street of 九龍, 九龍九龍西海庭道 one of 九龍西."""
_WHOLE = "香港"
"""The name of the whole city leads an address only as its first word: 白石角香港科學園."""
_SHORT_STREET = re.compile(r".[道街路里]")


@cache
def chinese_areas() -> frozenset[str]:
    """Folded names of areas, without names that are estates too."""
    names = {fold(name) for area in all_areas().values() for name in (area.chinese, *area.aliases) if has_han(name)}
    names |= {fold(name) for name in _MORE}
    return frozenset(name for name in names if not name.endswith(_ALSO_ESTATES))


@cache
def english_areas() -> frozenset[str]:
    """Folded names of areas."""
    names = {name for area in all_areas().values() for name in (area.english, *area.aliases) if not has_han(name)}
    plain = {" ".join(re.findall(r"[a-z0-9]+", drop_apostrophes(fold(name)))) for name in names}
    areas = {name for name in plain if not name.endswith(_ALSO_ESTATES_ENGLISH)}
    return frozenset(areas | set(_MORE_ENGLISH))


def without_areas(text: str) -> str:
    """Folded Chinese text without the areas in front; each area is removed once (筲箕灣筲箕灣東大街 is a street)."""
    return _split_areas(text)[1]


def leading_areas(text: str) -> list[str]:
    """The folded names of the areas in front of folded Chinese text, in their order."""
    return _split_areas(text)[0]


def _split_areas(text: str) -> tuple[list[str], str]:
    """The names of the areas in front of a text, and the rest of the text."""
    removed: list[str] = []
    while True:
        text = text.lstrip(" ,、|\n")
        names = [name for name in _by_first_letter().get(text[:1], ()) if text.startswith(name)]
        if "九龙" in removed:
            names = [name for name in _PARTS_OF_KOWLOON if text.startswith(name)] or names
        if len(names) > 1 and _SHORT_STREET.match(
            text[len(names[0]) :]
        ):  # 九龍塘尾道 is a street of 九龍, not of 九龍塘
            names.pop(0)
        if not names or names[0] in removed or (removed and names[0] == _WHOLE) or not _leads(names[0], text):
            return removed, text
        name = names[0]
        removed.append(name)
        text = text.removeprefix(name).removeprefix("区")


@cache
def _by_first_letter() -> dict[str, list[str]]:
    """The names of areas by their first character, the longest first."""
    found: dict[str, list[str]] = {}
    for name in sorted(chinese_areas(), key=lambda name: (-len(name), name)):
        found.setdefault(name[0], []).append(name)
    return found


def _leads(name: str, text: str) -> bool:
    """True if the area stands in front of a name, and is not the beginning of it."""
    rest = text[len(name) :].lstrip()
    return len(rest) > 1 and not _NAMES_A_THING.match(rest) and not _STREET_OF_AREA.match(text[len(name) :])
