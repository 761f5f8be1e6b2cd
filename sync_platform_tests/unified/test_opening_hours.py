"""Opening hours of all platforms are read; what cannot be read is not known."""

from __future__ import annotations

from datetime import datetime

import pytest

from sync_platform.sources.period import HONG_KONG
from sync_platform.unified.opening_hours import is_open, open_spans


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment in Hong Kong; 23 November 2026 is a Monday."""
    return datetime(2026, 11, 22 + day, hour, minute, tzinfo=HONG_KONG)


@pytest.mark.parametrize("line", ["1 11:00-22:30", "mon 11:00-22:30", "MONDAY 11:00-22:30"])
def test_each_platforms_form_is_read(line: str) -> None:
    spans = open_spans([line])
    moments = [_at(1, 10, 59), _at(1, 11), _at(1, 22, 29), _at(1, 22, 30), _at(2, 12)]
    assert [is_open(spans, each) for each in moments] == [False, True, True, False, False]


def test_hours_past_midnight_belong_to_the_evening_before() -> None:
    spans = open_spans(["7 18:00-02:00"])
    assert is_open(spans, _at(7, 23))
    assert is_open(spans, _at(1, 1, 59))  # Monday morning, after Sunday evening
    assert not is_open(spans, _at(1, 2))
    assert not is_open(spans, _at(7, 1))


def test_two_spans_of_one_day_and_a_closed_day() -> None:
    spans = open_spans(["1 11:00-15:00", "1 18:00-23:59", "2 closed"])
    assert [is_open(spans, _at(1, hour)) for hour in (12, 16, 19)] == [True, False, True]
    assert not is_open(spans, _at(2, 12))


@pytest.mark.parametrize("lines", [None, [], ["1 unknown"], ["1 11:00-22:30", "by appointment"], ["0 11:00-12:00"]])
def test_hours_that_cannot_be_read_are_not_known(lines: list[str] | None) -> None:
    assert is_open(open_spans(lines), _at(1, 12)) is None
