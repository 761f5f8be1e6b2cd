"""Whether a restaurant is open follows from its hours; hours that cannot be read are not known."""

from __future__ import annotations

from datetime import datetime

import pytest

from sync_platform.sources.period import HONG_KONG
from sync_platform.unified.open_moments import is_open, open_spans


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    """A moment in Hong Kong; 23 November 2026 is a Monday."""
    return datetime(2026, 11, 22 + day, hour, minute, tzinfo=HONG_KONG)


def test_the_end_of_an_interval_is_outside() -> None:
    spans = open_spans("Mo 11:00-22:30")
    moments = [_at(1, 10, 59), _at(1, 11), _at(1, 22, 29), _at(1, 22, 30), _at(2, 12)]
    assert [is_open(spans, each) for each in moments] == [False, True, True, False, False]


def test_hours_past_midnight_belong_to_the_evening_before() -> None:
    spans = open_spans("Su 18:00-02:00")
    assert is_open(spans, _at(7, 23))
    assert is_open(spans, _at(1, 1, 59))  # Monday morning, after Sunday evening
    assert not is_open(spans, _at(1, 2))
    assert not is_open(spans, _at(7, 1))


def test_two_spans_of_one_day_and_a_closed_day() -> None:
    spans = open_spans("Mo 11:00-15:00,18:00-24:00; Tu off")
    assert [is_open(spans, _at(1, hour)) for hour in (12, 16, 19)] == [True, False, True]
    assert not is_open(spans, _at(2, 12))


@pytest.mark.parametrize("text", [None, "", "by appointment"])
def test_hours_that_cannot_be_read_are_not_known(text: str | None) -> None:
    assert is_open(open_spans(text), _at(1, 12)) is None
