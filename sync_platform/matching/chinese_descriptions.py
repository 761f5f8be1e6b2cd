"""Descriptions in Chinese addresses: what they say of a part of a building, besides its name.

What belongs here: texts that are no name, by what they describe, and descriptions behind a name.
"""

from __future__ import annotations

import re

_PORTIONS = (
    r".*(?:部[份分]|商业发展)",
    r".*(?:部[份分]|位置|座位|开放).*",
    r"部[份分][a-z]?",
    r"[前后]部",
    r"[次主]要",
    r"[东西南北]部.*",
    "全部",
    "全层",
    "整层",
    "外围",
    "空间",
    r"\d+段",
    "后座",
    "前座",
    r"前座?及[中后]座?",
    r"裙楼[a-z]?",
    "单位",
)
_STOREYS = (
    r"[上下中底]层及?",
    r"(?:全|半|顶|夹)层及?",
    r"(?:上层|下层)?大堂(?:[上下]?层)?[a-z]?",
    "大[厅堂]",
    "平台",
    "楼上",
    "楼",
    r"(?:及|和|连|往)?(?:地[下库])?(?:入口|大堂|天井)(?:大堂)?(?:及|所有)?",
    "入口",
)
_ZONES = (
    r"(?:[a-z\d]|第?[一二三四])区",
    r"[之近]?商业(?:范围|区).*",
    r"零售部?",
    r"零售(?:区域?|部分)",
    "商业发展",
    "商业设施",
)
_SHOPS = (
    "铺位?",
    "[商店]铺",
    "后铺",
    "前铺",
    "店",
    "号",
    r"号[前后]?铺.*",
    r"及?其?铺(?:及|位)?",
    r"及?店?铺[侧旁前后].*",
    r"及?其?铺侧.*",
    r"熟食(?:档位?)?",
    r".*熟食档位?",
    r"街市\d?(?:熟食)?档?",
    r"街市\d?熟食",
    r".*街市档位?",
    r"小食亭[a-z]?",
    "kiosk.*",
)
_USES = (
    r"(?:职员|员工|博物馆)?(?:餐厅|食堂|饭堂|咖啡室)[a-z\d]?",
    r"\d?号餐厅",
    r"及餐厅[a-z]?",
    r".{0,4}(?:餐厅|食堂|洗手间|扒房|士多房).*",
    r".*(?:甲板|宴会厅|食肆|小厨|厨房|厨部).*",
    r".{1,4}吧",
    "食肆",
    "咖啡店",
    "酒廊",
    "展览厅",
    r"及展览[厅间].*",
    "戏院",
    "活动室",
    "会议厅",
    "宴会厅",
    "贵宾室",
)
_PLACES_BESIDE = (
    r"(?:(?:及|连)?(?:对[出开]|毗邻|毗连)).+",
    r".*(?:邻近|毗邻|隔邻|侧面|旁边|露天).*",
    r"及?相[连关].*",
    "近",
    "对面",
    "后面",
    r".*(?:[座坐]位(?:间|地区|空间)?|露天茶座|铺前)",
    r".*座?位[间及]{1,2}",
    "位",
    "位置",
    r"及?\d*[a-z]?号?后面空地",
    "空地",
    "面之空地",
    r"及?露天(?:座位?|茶座|位置|单位)?",
    r".*(?:公[众共]地方|走廊|通道)",
    r"及(?:商场|酒店|地方)",
)
_OTHER_NAMES = (
    r"(?:前称|又称(?:为)?|组成|也称|即|又名|亦称|现称|目前(?:被)?称为?|以前).+",
    r".*(?:前称|又称)",
    r"包括.*",
    r"[的之](?:部[份分]|戏院|座位|大堂|铺|餐厅).*",
    r"停泊.*",
    r"船号.*",
    "及",
    "与",
)
_DESCRIPTION = re.compile("|".join((*_PORTIONS, *_STOREYS, *_ZONES, *_SHOPS, *_USES, *_PLACES_BESIDE, *_OTHER_NAMES)))
_BEHIND = re.compile(
    r"(?:[的之](?:部[份分]|戏院|座位|大堂|铺|餐厅|露天|独立)|近$|[及和与]?(?:毗[邻连]|邻近|隔邻)|(?<=.)铺[前侧旁]|前面|旁边|前?露天"
    r"|(?:商业|平台)?部[份分]|位置|开放|座位|入口大堂|餐厅|(?:及|和)?[顶上中下底]层|第?[一二三]阶|(?:及|和)?[入出]口).*$"
)
_ENDS_A_NAME = re.compile(r"(?:大厦|大楼|[^店]楼|中心|广场|商场|酒店|医院|[阁苑村坊园])$")


def is_description(text: str) -> bool:
    """True if a text between the names of an address is no name itself."""
    return _DESCRIPTION.fullmatch(text) is not None


def without_description(text: str) -> str:
    """The name of a building without the description behind it: 東龍樓 of 東龍樓毗鄰的獨立建築物."""
    found = _BEHIND.search(text)
    return text[: found.start()] if found and _ENDS_A_NAME.search(text[: found.start()]) else text
