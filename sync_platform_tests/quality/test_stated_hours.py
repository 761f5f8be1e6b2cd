"""Opening hours of every platform, in English and Chinese, become one form and one text; nothing is guessed."""

from __future__ import annotations

from datetime import datetime, timedelta

import opening_hours
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.quality.opening_hours.osm_hours import osm_text, stated_intervals
from sync_platform.quality.opening_hours.stated_hours import read_hours
from sync_platform.quality.opening_hours.weekly_hours import DAY, DAYS, Interval, WeeklyHours
from sync_platform.sources.period import HONG_KONG
from sync_platform.unified.open_moments import is_open

MONDAY = datetime(2026, 11, 23, tzinfo=HONG_KONG)
BEFORE_NEW_YEAR = datetime(2026, 12, 20, tzinfo=HONG_KONG)
"""Of the 20 days from here on, three are public holidays: Christmas Day, the day after it, and New Year's Day."""


def _text(*lines: str) -> str | None:
    hours = read_hours(lines)
    return osm_text(hours) if hours else None


@pytest.mark.parametrize(
    ("lines", "text"),
    [
        (["1 11:00-22:30", "7 closed"], "Mo 11:00-22:30; Su off"),  # OpenRice
        (["8 12:00-20:00", "1 12:00-20:00"], "Mo 12:00-20:00; PH 12:00-20:00"),
        (["mon 11:30-15:00", "mon 18:00-22:00", "sun closed"], "Mo 11:30-15:00,18:00-22:00; Su off"),  # Bistrochat
        (["MONDAY 11:00-22:00", "TUESDAY 11:00-23:59"], "Mo 11:00-22:00; Tu 11:00-24:00"),  # TripAdvisor
        (["MONDAY 00:00-00:00"], "Mo 00:00-24:00"),
        (["Mon-Fri 11:30am - 3pm, 6pm - 11pm"], "Mo-Fr 11:30-15:00,18:00-23:00"),
        (["Mon to Fri: 8.30 a.m. to 9 p.m.; Sat, Sun & Public Holidays 11:00am-11:00pm"],
         "Mo-Fr 08:30-21:00; Sa-Su 11:00-23:00; PH 11:00-23:00"),
        (["星期一至五 上午11時至下午10時（最後落單 21:30）", "星期六、日及公眾假期 10:00-23:00"],
         "Mo-Fr 11:00-22:00; Sa-Su 10:00-23:00; PH 10:00-23:00"),
        (["星期六日及公眾假期 10:00-23:00", "星期一三五 12:00nn-3:00pm"],
         "Mo,We,Fr 12:00-15:00; Sa-Su 10:00-23:00; PH 10:00-23:00"),
        (["Mon 12nn-12mn"], "Mo 12:00-24:00"),
        (["逢星期一休息", "週二至週日 11:30-15:00、18:00-22:30"], "Tu-Su 11:30-15:00,18:00-22:30; Mo off"),
        (["中午12时至晚上10点半"], "Mo-Su 12:00-22:30"),
        (["每日 11:00–翌日02:00"], "Mo-Su 11:00-02:00"),
        (["1 18:00-26:00", "2 closed"], "Tu off; Mo 18:00-02:00"),
        (["Daily 12 noon - 12 midnight", "Closed on Tuesdays"], "Mo,We-Su 12:00-24:00; Tu off"),
        (["Mon-Sun 11:00-22:00", "Fri-Sat & eve of public holidays 11:00-23:00"],
         "Mo-Th,Su 11:00-22:00; Fr-Sa 11:00-23:00; PH -1 day 11:00-23:00"),
        (["星期一全日休息", "Tuesday: 11:00\u202fAM – 10:00\u202fPM"], "Tu 11:00-22:00; Mo off"),
        (["24 hours"], "24/7"),
        (["24小時營業"], "24/7"),
        (["MONDAY 11:00-21:00, last order at 8:30pm"], "Mo 11:00-21:00"),
        (["週一至週日 11:00-21:30 (L.O. 21:00)"], "Mo-Su 11:00-21:30"),
    ],
)  # fmt: skip
def test_the_notation_of_platforms_and_people_is_read(lines: list[str], text: str) -> None:
    assert _text(*lines) == text


@pytest.mark.parametrize(
    "lines",
    [
        [], ["1 unknown"], ["0 11:00-12:00"], ["MONDAY None-None"], ["1 11:00-99:00"], ["1 11:00-11:00"],
        ["1 11:00-22:30", "by appointment"],
        ["closed"],  # which days?
        ["6-10pm"], ["11:30-3pm"], ["11:00-3:00"],  # the afternoon, or the night?
        ["1 11:00-22:00", "1 closed"],
        ["Mon-Sun 11:00-15:00", "Fri 18:00-22:00"],  # is Friday open at noon?
    ],
)  # fmt: skip
def test_what_is_broken_or_may_mean_several_things_is_not_known(lines: list[str]) -> None:
    assert read_hours(lines) is None


def test_hours_are_read_through_any_white_space() -> None:
    """With a search from each blank, this takes an hour."""
    hours = read_hours([f"mon{' ' * 100_000}11:30{chr(9) * 100_000}-{' ' * 100_000}22:00"])
    assert hours is not None and hours == read_hours(["mon 11:30-22:00"])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["1 11:00-22:00"], ["MONDAY 11:00:00-22:00:00"]),
        (["1 18:00-24:00", "2 00:00-02:00", "2 18:00-22:00"], ["mon 18:00-02:00", "tue 18:00-22:00"]),
        (["1 11:00-15:00", "1 15:00-22:00"], ["1 11:00-22:00"]),
        (["7 20:00-23:59", "1 00:00-03:00", "1 12:00-14:00"], ["sun 20:00-03:00", "mon 12:00-14:00"]),
    ],
)
def test_equal_hours_have_one_form(one: list[str], other: list[str]) -> None:
    assert read_hours(one) == read_hours(other) is not None


def test_the_intervals_of_a_week_can_be_listed() -> None:
    hours = read_hours(["Fr 11:00-15:00,18:00-02:00", "Sa off"])
    assert hours is not None
    intervals = [tuple(each.values()) for each in stated_intervals(hours)]
    assert intervals == [
        ("Fr", 1, "11:00", "15:00", False, False),
        ("Fr", 2, "18:00", "02:00", True, False),
        ("Sa", 1, None, None, False, True),
    ]


INTERVALS = st.builds(
    lambda opens, length: Interval(opens, opens + length),
    st.integers(0, DAY // 5 - 1).map(lambda number: number * 5),
    st.integers(1, DAY // 5 - 1).map(lambda number: number * 5),
).filter(lambda each: each.closes not in (DAY - 1, 2 * DAY - 1))
WEEKS = st.dictionaries(st.sampled_from(DAYS), st.lists(INTERVALS, max_size=3), min_size=1).map(WeeklyHours.of)


@settings(max_examples=150, deadline=None)
@given(WEEKS)
def test_the_text_means_what_was_written(hours: WeeklyHours) -> None:
    assert read_hours((osm_text(hours),)) == hours


WITHOUT_HOLIDAYS = st.dictionaries(st.sampled_from(DAYS[:7]), st.lists(INTERVALS, max_size=2), min_size=1)


@settings(max_examples=100, deadline=None)
@given(WITHOUT_HOLIDAYS.map(WeeklyHours.of), st.lists(st.integers(0, 7 * DAY - 1), min_size=20, max_size=20))
def test_another_program_reads_the_text_as_we_do(hours: WeeklyHours, minutes: list[int]) -> None:
    other = opening_hours.OpeningHours(osm_text(hours))
    for minute in minutes:
        moment = MONDAY + timedelta(minutes=minute)
        text = osm_text(hours)
        assert other.is_open(moment.replace(tzinfo=None)) == is_open(text, moment), (text, moment)


ENDING_BY_MIDNIGHT = st.dictionaries(
    st.sampled_from(DAYS), st.lists(INTERVALS.filter(lambda each: each.closes <= DAY), max_size=2), min_size=3
)


@settings(max_examples=50, deadline=None)
@given(ENDING_BY_MIDNIGHT.map(WeeklyHours.of), st.lists(st.integers(0, 20 * DAY - 1), min_size=20, max_size=20))
def test_another_program_knows_the_same_public_holidays_and_reads_their_hours_as_we_do(
    hours: WeeklyHours, minutes: list[int]
) -> None:
    text = osm_text(hours)
    other = opening_hours.OpeningHours(text, country="HK")
    for minute in minutes:
        moment = BEFORE_NEW_YEAR + timedelta(minutes=minute)
        assert other.is_open(moment.replace(tzinfo=None)) == is_open(text, moment), (text, moment)
