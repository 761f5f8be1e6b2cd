"""The parts of a line of opening hours: days, times, and words for open all day, closed, "to" and "and".

Notes on the last order are left out. A line with any other word has no tokens: it cannot be read.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from sync_platform.quality.opening_hours.day_words import DAY_PATTERN, days_named
from sync_platform.quality.opening_hours.weekly_hours import DAYS, HOLIDAY, NOON, WEEKDAYS

_SPELLINGS = str.maketrans("点时开营业闭单后间众礼周", "點時開營業閉單後間眾禮週")
_DASH = re.compile(r"\s*(?:[-‐‑‒–—―−~〜]|至|到|\b(?:to|till?|until|thru|through)\b)\s*")
_LAST_ORDER = (
    r"(?:last (?:orders?|call|seating|entry)|l\.?/?o\.?(?![a-z])|"
    r"最[後終](?:落單|點餐|點單|入座|入場|外賣)(?:時間)?|截單(?:時間)?)"
)
_CLOCK = r"(?:[上下中]午|晚上?|凌晨)?\s*\d{1,2}(?:[:.]\d\d|[時點](?:\d\d分?|半)?)?\s*(?:[ap]\.?m\.?)?"
_NOTES = re.compile(
    rf"\([^()]*{_LAST_ORDER}[^()]*\)|[,;]?\s*{_LAST_ORDER}\s*(?:at|is|by|:|為)?\s*{_CLOCK}(?:\s*[/,&-]\s*{_CLOCK})*"
)
_MORNING, _NOON, _AFTERNOON, _EVENING = ("上午", "早上", "早", "凌晨"), "中午", "下午", ("晚上", "夜晚", "傍晚", "晚")
_TIME = (
    rf"(?P<before>{'|'.join((*_MORNING, _NOON, _AFTERNOON, *_EVENING))})?\s*(?P<hour>\d{{1,2}})"
    r"(?:[:.](?P<minute>[0-5]\d)(?::\d\d)?|(?P<unit>[時點])(?:(?P<minutes>[0-5]?\d)分?|(?P<half>半))?)?"
    r"\s*(?P<after>[ap]\.?m\.?)?(?![\w:])"
)
_KINDS = {
    "closed": r"(?:closed|close|off)(?![a-z])(?: all day(?![a-z]))?|(?:全日)?(?:休息|休業)|不營業",
    "all_day": r"24 ?(?:hours?|hrs?)(?![a-z])|24/7|24小時|二十四小時|全日|all day(?![a-z])",
    "next_day": r"翌日|次日|隔日|next day|\(\+1\)|\+1",
    "noon": r"(?:12(?:[:.]00)? ?)?noon(?![a-z])|12(?:[:.]00)? ?nn(?![a-z])|正午",
    "midnight": r"(?:12(?:[:.]00)? ?)?midnight(?![a-z])|12(?:[:.]00)? ?mn(?![a-z])|午夜",
    "dash": "-",
    "between": r"[,;、/&及和]|and(?![a-z])",
    "filler": r"[:()\s逢.]|(?:open(?:s|ing)?|business|hours?|hrs?|from|on|every|the)(?![a-z])|營業時間|開放時間|營業",
}
_TOKEN = re.compile(
    "|".join((*(f"(?P<{kind}>{words})" for kind, words in _KINDS.items()), rf"(?:{DAY_PATTERN})(?![a-z])", _TIME))
)
_NOON_HOUR, _LUNCH_ENDS = 12, 5
_DAY_NUMBER = re.compile(r"([1-8])\s+(?=\d{1,2}[:.]|\d{4}|24|closed|off|休)")


@dataclass(frozen=True)
class HoursToken:
    """A token. `kind`: day, time, all_day, closed, next_day, dash or between.

    `minutes`: of a time, since midnight. `has_meridiem`: it is given with am or pm. `is_short`: its hour has one digit.
    """

    kind: str
    days: tuple[str, ...] = ()
    minutes: int = 0
    has_meridiem: bool = False
    is_short: bool = False


def hours_tokens(line: str) -> list[HoursToken] | None:
    """The tokens of a line; None where a part of it is not known. A number before the rest is a day: 1 is Monday, 8 a
    public holiday.
    """
    text = _folded(line)
    tokens: list[HoursToken] = []
    if number := _DAY_NUMBER.match(text):
        tokens, text = [HoursToken("day", (numbered_day(int(number[1])),))], text[number.end() :]
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            return None
        token = _token(match)
        if token is None:
            return None
        tokens += [token] if token.kind != "filler" else []
        position = match.end()
    return tokens


def numbered_day(number: int) -> str:
    """The day of a number from 1 (Monday) to 8 (public holidays)."""
    return HOLIDAY if number > len(WEEKDAYS) else DAYS[number - 1]


def _folded(line: str) -> str:
    text = " ".join(unicodedata.normalize("NFKC", line).split())  # the patterns try white space from each of its signs
    text = text.casefold().translate(_SPELLINGS)
    return _DASH.sub("-", _NOTES.sub(" ", re.sub(r"ph -1 days?", "ph eve", text))).strip()


def _token(match: re.Match[str]) -> HoursToken | None:
    groups = match.groupdict()
    for kind in _KINDS:
        if groups[kind]:
            return HoursToken(kind) if kind not in ("noon", "midnight") else _named_time(kind)
    return _time(groups) if groups["hour"] else HoursToken("day", days_named(match))


def _named_time(kind: str) -> HoursToken:
    return HoursToken("time", minutes=NOON if kind == "noon" else 0, has_meridiem=True)


def _time(groups: dict[str, str | None]) -> HoursToken | None:
    """A time; None for a bare number, which may mean anything, and for a time that no clock shows."""
    hour, before, after = int(groups["hour"] or 0), groups["before"] or "", (groups["after"] or "")[:1]
    if not (before or after or groups["minute"] or groups["unit"]):
        return None
    minute = 30 if groups["half"] else int(groups["minute"] or groups["minutes"] or 0)
    if not (before or after) or (before in _EVENING and hour > _NOON_HOUR):
        is_short = len(groups["hour"] or "") == 1
        return HoursToken("time", minutes=hour * 60 + minute, has_meridiem=bool(before), is_short=is_short)
    if not 1 <= hour <= _NOON_HOUR or (before and after):
        return None
    hour = hour % 12 + (12 if _is_after_noon(hour, before, after) else 0)
    return HoursToken("time", minutes=hour * 60 + minute, has_meridiem=True)


def _is_after_noon(hour: int, before: str, after: str) -> bool:
    """True if an hour from 1 to 12 is in the second half of the day; 12 in the evening is midnight."""
    if before == _NOON:
        return hour == _NOON_HOUR or hour < _LUNCH_ENDS
    if before in _EVENING:
        return hour != _NOON_HOUR
    return after == "p" or before == _AFTERNOON
