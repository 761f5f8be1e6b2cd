"""Names of buildings and housing estates in Chinese addresses."""

from __future__ import annotations

import re
from functools import lru_cache

from sync_platform.matching.area_names import chinese_areas
from sync_platform.matching.parsed_address import ROMAN, NamedPlaces, PlaceName
from sync_platform.matching.scripts import HAN

_ESTATE = re.compile(r"(.{2,}?(?:村|苑|屋苑))(?!酒店|大厦)(.*)")
_GARDEN = re.compile(rf"(.{{2,}}?(?:花园|半岛|新城(?!市)|湾畔|豪庭))(?=\s*[{HAN}]{{2,}})")
_KIND = re.compile(r"(?:购物)?(?:商场|街市|中心|广场|街市场|停车场(?:大厦|大楼)?|市场|大厦|大楼)")
_PURPOSE = re.compile(r"(?:商业|住宅)(?:发展)?(?:部[分份])?$|(?:[东西南北新旧]|[a-z])翼$|[a-z]区$")
_NO_NAME = re.compile(
    r"(?:前称|又称(?:为)?|组成|(?:及|连)?(?:对[出开]|毗邻|毗连)).+|及?\d*[a-z]?号?后面空地|"
    r".*(?:前称|又称|[座坐]位(?:间|地区|空间)?|露天茶座|铺前|部[分份](?:位置)?|商业发展)|及?店?铺[侧旁前后].*|号[前后]?铺.*|"
    r"[a-z\d]区|熟食(?:档位?)?|街市\d?(?:熟食)?档?|食肆|商业设施|位置|餐厅|食堂|咖啡店|酒廊|"
    r".*(?:公[众共]地方|走廊|通道)|平台|全层|前称|又称|后座|前座|后面|空地|铺位?|号|店|楼上|入口|近|对面|单位|[商店]铺|及|与|后铺|前铺|商业发展|楼|\d+段|整层"
)
_DIVISION = re.compile(rf"(?<=[{HAN}])\s+(?=[{HAN}])(?!{_KIND.pattern}$)|[,，、;]")
_IN_COMPLEX = re.compile(
    rf"([{HAN}]{{2,}}?(?:广场|商场|中心|大厦|酒店|坊))"
    rf"(?=(?!商业|停车|综合|[东西南北新旧本及之的])[{HAN}]{{2,}}(?:商场|广场|大厦|酒店|市场|街市|[楼阁坊廊舍])$)"
)
"""A complex in front of a building in it, without a space: 太古廣場港麗酒店."""
_NUMBER_BEHIND = re.compile(rf"(.*[{HAN}])\s*(\d|i{{1,3}})")
_NUMBERS_ONLY = re.compile(r"[\divx\s&,及和-]+")
_NO_LETTER = re.compile(r"[^\w]")


def name_places(texts: list[str]) -> NamedPlaces:
    """The buildings and the estate that texts of an address name, with bars between the names."""
    buildings: dict[str, None] = {}
    estate = ""
    phases: set[str] = set()
    for piece in (piece for text in texts for part in text.split("|") if part for piece in _pieces(part)):
        name = _read_name(piece, may_be_estate=not estate)
        estate = estate or name.estate
        if name.phase:
            phases.add(name.phase)
        if name.building:
            buildings[name.building] = None
    names = list(buildings)
    if len(names) > 1 and not estate and names[0].endswith("花园"):
        estate = names.pop(0)
    return NamedPlaces(tuple(name for name in names if name != estate), estate, frozenset(phases))


@lru_cache(maxsize=50_000)
def _read_name(piece: str, *, may_be_estate: bool) -> PlaceName:
    estate = phase = ""
    if may_be_estate and (found := _ESTATE.fullmatch(piece)):
        estate = found[1]
        piece = piece if _KIND.fullmatch(found[2]) else found[2]
    elif may_be_estate and (found := _GARDEN.match(piece)):
        estate = found[1]
        piece = piece if _KIND.fullmatch(piece[found.end() :].strip()) else piece[found.end() :]
    piece = _PURPOSE.sub("", piece)
    if found := _NUMBER_BEHIND.fullmatch(piece):
        piece, phase = found[1], ROMAN.get(found[2], found[2])
    if not piece or _KIND.fullmatch(piece) or piece in chinese_areas():
        return PlaceName(estate, "", phase)
    return PlaceName(estate, _NO_LETTER.sub("", piece).replace("大楼", "大厦"), phase)


@lru_cache(maxsize=50_000)
def _pieces(text: str) -> tuple[str, ...]:
    """The names in a text: spaces divide them where Chinese stands on both sides."""
    pieces = (piece.strip() for piece in _DIVISION.split(_IN_COMPLEX.sub(r"\1,", text)))
    cleaned = (_NO_NAME.sub("", piece, count=1) if _NO_NAME.fullmatch(piece) else piece for piece in pieces)
    return tuple(
        piece for piece in cleaned if len(_NO_LETTER.sub("", piece)) > 1 and not _NUMBERS_ONLY.fullmatch(piece)
    )
