"""The words for days in opening hours, in English, Chinese and OpenStreetMap's notation."""

from __future__ import annotations

import re

from sync_platform.quality.opening_hours.weekly_hours import HOLIDAY, HOLIDAY_EVE, WEEKDAYS

_ENGLISH = ("mo(?:n(?:day)?)?", "tu(?:e(?:s(?:day)?)?)?", "we(?:d(?:nesday)?)?", "th(?:u(?:r(?:s(?:day)?)?)?)?",
            "fr(?:i(?:day)?)?", "sa(?:t(?:urday)?)?", "su(?:n(?:day)?)?")  # fmt: skip
_CHINESE = "一二三四五六日"
_CHINESE_DAY = r"(?:星期|週|禮拜)"
_NAMED = "".join(f"(?P<day{number}>{pattern})|" for number, pattern in enumerate(_ENGLISH)).rstrip("|")
_EVERY_DAY = r"daily|every ?day|all week|每[日天]|逢日|全週"
_WORKING_DAYS = r"weekdays?|平日"
_WEEKEND = r"weekends?|週末"
_EVE = (
    r"ph -1 days?|(?:eves? of (?:public )?holidays?|(?:public )?holiday eves?|ph eves?|eves? of ph|公眾假期前[夕一日]+|"
    r"假期前[夕一日]+)"
)
_HOLIDAY = r"ph|p\.h\.|(?:public )?holidays?|公眾假期|公假|假期"
DAY_PATTERN = (
    rf"(?P<eve>{_EVE})|(?P<holiday>{_HOLIDAY})|(?P<every>{_EVERY_DAY})|(?P<working>{_WORKING_DAYS})|"
    rf"(?P<weekend>{_WEEKEND})|"
    rf"(?:逢)?{_CHINESE_DAY}(?P<chinese>[一二三四五六日天](?:[-、,及和&]?{_CHINESE_DAY}?[一二三四五六日天])*)|"
    rf"(?:{_NAMED})(?:s|\.)?"
)
"""A regular expression for one word for a day or for several days, in folded text. A Latin word must end there."""


def days_named(match: re.Match[str]) -> tuple[str, ...]:
    """The days that a match of DAY_PATTERN names."""
    groups = match.groupdict()
    if groups["chinese"]:
        return _chinese_days(groups["chinese"])
    meanings = {
        "eve": (HOLIDAY_EVE,), "holiday": (HOLIDAY,), "every": WEEKDAYS, "working": WEEKDAYS[:5],
        "weekend": WEEKDAYS[5:],
    }  # fmt: skip
    for name, days in meanings.items():
        if groups[name]:
            return days
    return tuple(day for number, day in enumerate(WEEKDAYS) if groups[f"day{number}"])


def day_range(first: str, last: str) -> tuple[str, ...]:
    """The weekdays from one to another; over Sunday where the last comes before the first."""
    start, end = WEEKDAYS.index(first), WEEKDAYS.index(last)
    return WEEKDAYS[start : end + 1] if start <= end else (*WEEKDAYS[start:], *WEEKDAYS[: end + 1])


def _chinese_days(text: str) -> tuple[str, ...]:
    """The days of `一-五`, or of `一、三、五`."""
    days: list[str] = []
    for each in re.finditer(rf"(-?){_CHINESE_DAY}?([{_CHINESE}天])", re.sub("[、,及和&]", " ", text)):
        day = WEEKDAYS[_CHINESE.index(each[2].replace("天", "日"))]
        days += day_range(days[-1], day)[1:] if each[1] and days else (day,)
    return tuple(days)
