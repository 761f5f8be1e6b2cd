"""Names of buildings and housing estates in Chinese addresses."""

from __future__ import annotations

import re
from functools import lru_cache

from sync_platform.matching.area_names import chinese_areas
from sync_platform.matching.parsed_address import ROMAN, NamedPlaces, PlaceName
from sync_platform.matching.scripts import HAN

_ESTATE = re.compile(r"(.{2,}?(?:(?<![渡度]假)村|苑|屋苑))(?!酒店|大厦|商务|商业中心大厦)(.*)")
_GARDEN = re.compile(rf"(.{{2,}}?(?:花园|半岛|新城(?!市)|湾畔|豪庭))(?!酒店)(?=\s*[{HAN}]{{2,}})")
_KIND = re.compile(
    r"(?:购物)?(?:商场|街市|中心|广场|街市场|停车场(?:大厦|大楼)?|市场|大厦|大楼|商场(?:街市|停车场)|商业中心)"
)
_PURPOSE = re.compile(r"(?:商业|住宅)(?:发展)?(?:部[分份])?$|(?:[东西南北新旧]|[a-z])翼$|[a-z]区$")
_NO_NAME = re.compile(
    r"(?:前称|又称(?:为)?|组成|(?:及|连)?(?:对[出开]|毗邻|毗连)).+|及?\d*[a-z]?号?后面空地|"
    r".*(?:前称|又称|[座坐]位(?:间|地区|空间)?|露天茶座|铺前|部[分份](?:位置)?|商业发展)|及?店?铺[侧旁前后].*|号[前后]?铺.*|"
    r"(?:[a-z\d]|第?[一二三四])区|[上下中底]层及?|(?:全|半|顶|夹)层及?|(?:上层|下层)?大堂(?:[上下]?层)?[a-z]?|[前后]部|[次主]要|零售部?|外围|小食亭[a-z]?|"
    r"(?:及|和|连|往)?(?:地[下库])?(?:入口|大堂|天井)(?:大堂)?(?:及|所有)?|及?露天(?:座位?|茶座|位置|单位)?|.*座?位[间及]{1,2}|位|及?其?铺(?:及|位)?|部[份分][a-z]?|"
    r"(?:职员|员工|博物馆)?(?:餐厅|食堂|饭堂|咖啡室)[a-z\d]?|\d?号餐厅|及餐厅[a-z]?|及展览[厅间].*|展览厅|戏院|活动室|会议厅|宴会厅|贵宾室|"
    r"包括.*|kiosk.*|裙楼[a-z]?|.{1,4}吧|前座?及[中后]座?|.*(?:部[份分]|位置|座位|开放).*|.{0,4}(?:餐厅|食堂|洗手间|扒房|士多房).*|全部|[东西南北]部.*|.*(?:邻近|毗邻|隔邻|侧面|旁边|露天).*|[的之](?:部[份分]|戏院|座位|大堂|铺|餐厅).*|[之近]?商业(?:范围|区).*|.*(?:甲板|宴会厅|食肆|小厨|厨房|厨部).*|及(?:商场|酒店|地方)|及?其?铺侧.*|停泊.*|船号.*|空间|面之空地|大[厅堂]|零售(?:区域?|部分)|.*街市档位?|.*熟食档位?|街市\d?熟食|及?相[连关].*|"
    r"(?:也称|即|又名|亦称|现称|目前(?:被)?称为?|以前|前称).+|"
    r"[a-z\d]区|熟食(?:档位?)?|街市\d?(?:熟食)?档?|食肆|商业设施|位置|餐厅|食堂|咖啡店|酒廊|"
    r".*(?:公[众共]地方|走廊|通道)|平台|全层|前称|又称|后座|前座|后面|空地|铺位?|号|店|楼上|入口|近|对面|单位|[商店]铺|及|与|后铺|前铺|商业发展|楼|\d+段|整层"
)
_DIVISION = re.compile(
    rf"(?<=[{HAN}])\s+(?=[{HAN}])(?!{_KIND.pattern}$)|[,，、;]|(?<=[楼阁厦苑村])[及与&](?=[{HAN}]{{2}})"
    rf"|(?<=[{HAN}]{{2}})\s*(?=[a-z][a-z.'@+][a-z0-9.'@+])(?!mall\b)"
    rf"|(?<=[a-z]{{2}})\s*(?=[{HAN}]{{2,}})(?![{HAN}]{{2,3}}店(?:$|[\s,])|号|[及与和]|[a-z]?区|{_KIND.pattern})"
)
"""Between two names: a space or "and" between Chinese ones, or the change from one script to the other."""
_IN_COMPLEX = re.compile(
    rf"([{HAN}]{{2,}}?(?:广场|商场|中心|大厦|酒店|坊))"
    rf"(?=(?!商业|停车|综合|[东西南北新旧本及之的])[{HAN}]{{2,}}(?:商场|广场|大厦|酒店|市场|街市|[楼阁坊廊舍轩])$)"
    rf"|([{HAN}]{{2,}}?(?:城(?!市|门)|医院|体育园|山庄))(?=(?!中心|主|商[业务]|购物|停车|综合|[东西南北新旧本及之的])[{HAN}]{{2,}}"
    r"(?:商场|广场|大厦|中心|酒店|市场|街市|零售馆|[楼阁居廊堂轩湾园])$)"
    rf"|([{HAN}\d]*客运大厦)(?=[{HAN}]{{2,}}[堂廊]$)"
)
"""A complex in front of a building in it, without a space: 太古廣場港麗酒店."""
_REPEATED = re.compile(
    rf"(?:^|(?<=[村苑]))([{HAN}]{{2,}})([{HAN}]{{0,4}})(?<!花园)(?<!半岛)(?<!新城)(?<!湾畔)(?<!豪庭)(?<![村苑])(?=\1[{HAN}])"
)
"""A name that repeats the beginning of the one before it: 海禧華庭海禧廣場."""
_TAIL = re.compile(
    r"(?:[的之](?:部[份分]|戏院|座位|大堂|铺|餐厅|露天|独立)|近$|[及和与]?(?:毗[邻连]|邻近|隔邻)|(?<=.)铺[前侧旁]|前面|旁边|前?露天"
    r"|(?:商业|平台)?部[份分]|位置|开放|座位|入口大堂|餐厅|(?:及|和)?[顶上中下底]层|第?[一二三]阶|(?:及|和)?[入出]口).*$"
)
"""A description behind a name: 東龍樓毗鄰的獨立建築物."""
_ENDS_A_NAME = re.compile(r"(?:大厦|大楼|[^店]楼|中心|广场|商场|酒店|医院|[阁苑村坊园])$")
_CODES = re.compile(
    r"(?:[及和与至]|之)?(?:\d{1,4}[a-z]?\d?(?:[-–及和与至]\d{1,4}[a-z]?\d?)*[号及]?"
    r"|(?:[a-z]{1,3}-?\d{1,4}|[a-z])[a-z]?号?(?:[-–及和与至&]+[a-z]{0,3}\d{0,4}[a-z]?号?)+|[a-z]{1,3}\d{1,4}[a-z]?号)"
)
"""Units that no word marks: G4及G5號."""
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
    elif may_be_estate and (found := _GARDEN.match(piece)) and not _KIND.fullmatch(piece[found.end() :].strip()):
        estate = found[1]
        piece = piece[found.end() :]
    piece = _PURPOSE.sub("", piece)
    if found := _NUMBER_BEHIND.fullmatch(piece):
        piece, phase = found[1], ROMAN.get(found[2], found[2])
    if not piece or _KIND.fullmatch(piece) or piece in chinese_areas():
        return PlaceName(estate, "", phase)
    return PlaceName(estate, _NO_LETTER.sub("", piece).replace("大楼", "大厦"), phase)


@lru_cache(maxsize=50_000)
def _pieces(text: str) -> tuple[str, ...]:
    """The names in a text: spaces divide them where Chinese stands on both sides."""
    named = (_without_tail(piece.strip()) for piece in _DIVISION.split(text))
    divided = (_IN_COMPLEX.sub(r"\g<0>,", _divide_repetition(piece)) for piece in named)
    pieces = (_without_tail(piece.strip()) for divided_piece in divided for piece in divided_piece.split(","))
    return tuple(piece for piece in pieces if len(_NO_LETTER.sub("", piece)) > 1 and not _is_no_name(piece))


def _without_tail(piece: str) -> str:
    """The name of a building without the description behind it."""
    found = _TAIL.search(piece)
    return piece[: found.start()] if found and _ENDS_A_NAME.search(piece[: found.start()]) else piece


def _divide_repetition(piece: str) -> str:
    """The piece with a comma in front of a name that repeats the one before it."""
    found = _REPEATED.search(piece.strip())
    return f"{piece.strip()[: found.end()]},{piece.strip()[found.end() :]}" if found else piece


def _is_no_name(piece: str) -> bool:
    """True if a text describes a part of a building, or lists numbers."""
    return any(pattern.fullmatch(piece) for pattern in (_NO_NAME, _NUMBERS_ONLY, _CODES))
