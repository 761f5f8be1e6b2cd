"""Whether a restaurant is open follows from its hours; hours that cannot be read are not known."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from sync_platform.sources.period import HONG_KONG
from sync_platform.unified.open_moments import is_open
from sync_platform.unified.opening_index import OpeningIndex


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment in Hong Kong; 23 November 2026 is a Monday."""
    return datetime(2026, 11, 22 + day, hour, minute, tzinfo=HONG_KONG)


def _in_december(day: int, hour: int) -> datetime:
    """A moment in Hong Kong; the 24th, 25th and 26th of December 2026 are a Thursday and two public holidays."""
    return datetime(2026, 12, day, hour, 30, tzinfo=HONG_KONG)


def test_the_end_of_an_interval_is_outside() -> None:
    moments = [_at(1, 10, 59), _at(1, 11), _at(1, 22, 29), _at(1, 22, 30), _at(2, 12)]
    assert [is_open("Mo 11:00-22:30", each) for each in moments] == [False, True, True, False, False]


def test_hours_past_midnight_belong_to_the_evening_before() -> None:
    text = "Su 18:00-02:00"
    assert is_open(text, _at(7, 23))
    assert is_open(text, _at(8, 1, 59))  # Monday morning, after Sunday evening
    assert not is_open(text, _at(8, 2))
    assert not is_open(text, _at(7, 1))


def test_two_intervals_of_one_day_and_a_closed_day() -> None:
    text = "Mo 11:00-15:00,18:00-24:00; Tu off"
    assert [is_open(text, _at(1, hour)) for hour in (12, 16, 19)] == [True, False, True]
    assert not is_open(text, _at(2, 12))


@pytest.mark.parametrize("text", [None, "", "by appointment"])
def test_hours_that_cannot_be_read_are_not_known(text: str | None) -> None:
    assert is_open(text, _at(1, 12)) is None


@pytest.mark.parametrize(
    ("text", "moment", "expected"),
    [
        ("Mo-Su 11:00-22:00; PH 12:00-20:00", _in_december(25, 11), False),
        ("Mo-Su 11:00-22:00; PH 12:00-20:00", _in_december(25, 12), True),
        ("Mo-Su 11:00-22:00; PH 12:00-20:00", _in_december(24, 11), True),
        ("Mo-Su 11:00-22:00; PH off", _in_december(26, 12), False),
        ("Mo-Su 11:00-22:00", _in_december(26, 12), True),  # states nothing about holidays: the weekday counts
        ("Mo-Fr 11:00-22:00; PH 11:00-22:00", _in_december(26, 12), True),
        ("Mo-Su 11:00-22:00; PH -1 day 11:00-01:00", _in_december(24, 23), True),
        ("Mo-Su 11:00-22:00; PH -1 day 11:00-01:00; PH off", _in_december(25, 0), True),  # of the evening before
        ("Mo-Su 11:00-22:00; PH -1 day 11:00-01:00; PH off", _in_december(25, 23), False),  # a holiday and an eve
        ("Mo-Su 11:00-22:00; PH off", datetime(2026, 10, 19, 12, tzinfo=HONG_KONG), False),  # in place of a Sunday
    ],
)
def test_public_holidays_and_their_eves_have_their_own_hours(text: str, moment: datetime, expected: bool) -> None:
    assert is_open(text, moment) is expected


def test_the_index_of_many_restaurants_answers_as_for_one() -> None:
    texts = [
        None, "24/7", "Mo 11:00-15:00,18:00-24:00; Tu off", "Mo-Su 11:00-22:00; PH 12:00-20:00", "Fr-Sa 18:00-02:00",
        "Mo-Su 11:00-22:00; PH off", "PH 11:00-13:00", "Th 09:00-10:00; PH -1 day 20:00-04:00; PH off",
    ]  # fmt: skip
    index = OpeningIndex(texts)
    for hours in range(0, 8 * 24, 3):
        moment = _in_december(21, 0) + timedelta(hours=hours)
        open_ones = [number for number, text in enumerate(texts) if is_open(text, moment)]
        assert index.open_at(moment).tolist() == open_ones, moment
