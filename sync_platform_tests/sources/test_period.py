"""Months and weeks of Hong Kong: every day lies in exactly one of each."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_platform.errors import UsageError
from sync_platform.sources.period import HONG_KONG, Cadence, current_period, parse_period, period_of, periods_between

days = st.dates(date(1990, 1, 1), date(2090, 12, 31))
past_days = st.dates(date(1990, 1, 1), date(2026, 1, 1))
cadences = st.sampled_from(["weekly", "monthly"])
DAY = timedelta(days=1)


@given(day=days, cadence=cadences)
def test_a_day_lies_in_its_period_and_in_no_neighbour(day: date, cadence: Cadence) -> None:
    period = period_of(cadence, day)
    before, after = period_of(cadence, period.first - DAY), period_of(cadence, period.last + DAY)
    assert period.first <= day <= period.last
    assert (before.last + DAY, after.first - DAY) == (period.first, period.last)
    assert before.key < period.key < after.key


@given(day=days, cadence=cadences)
def test_all_days_of_a_period_have_that_period(day: date, cadence: Cadence) -> None:
    period = period_of(cadence, day)
    length = (period.last - period.first).days + 1
    assert length == 7 if cadence == "weekly" else 28 <= length <= 31
    assert {period_of(cadence, period.first + DAY * number) for number in range(length)} == {period}


@given(day=days)
def test_weeks_begin_on_monday_and_months_on_the_first(day: date) -> None:
    assert period_of("weekly", day).first.weekday() == 0
    assert period_of("weekly", day).key == period_of("weekly", day).first.isoformat()
    assert period_of("monthly", day).first.day == 1
    assert period_of("monthly", day).key == f"{day:%Y-%m}"


@given(day=past_days, cadence=cadences)
def test_a_key_is_parsed_back_to_its_period(day: date, cadence: Cadence) -> None:
    period = period_of(cadence, day)
    assert parse_period(cadence, period.key) == period


@given(day=days, cadence=cadences, seconds=st.integers(0, 86_399))
def test_a_moment_belongs_to_the_period_of_hong_kongs_day(day: date, cadence: Cadence, seconds: int) -> None:
    moment = datetime.combine(day, time(), HONG_KONG) + timedelta(seconds=seconds)
    period = period_of(cadence, day)
    assert period.contains(moment)
    assert period.contains(moment.astimezone(UTC))
    assert moment < period.end
    assert current_period(cadence, moment.astimezone(UTC)) == period


def test_hong_kong_is_a_month_ahead_of_utc_for_eight_hours() -> None:
    assert current_period("monthly", datetime(2026, 10, 31, 16, 0, tzinfo=UTC)).key == "2026-11"
    assert current_period("monthly", datetime(2026, 10, 31, 15, 59, tzinfo=UTC)).key == "2026-10"
    assert period_of("monthly", date(2026, 10, 1)).end == datetime(2026, 10, 31, 16, 0, tzinfo=UTC)


def test_any_day_names_its_week() -> None:
    assert parse_period("weekly", "2025-11-19").key == "2025-11-17"


@pytest.mark.parametrize("cadence", ["weekly", "monthly"])
def test_the_current_period_is_not_the_future(cadence: Cadence) -> None:
    current = current_period(cadence)
    assert parse_period(cadence, current.key) == current


@pytest.mark.parametrize("cadence", ["weekly", "monthly"])
def test_the_period_after_the_current_one_is_refused(cadence: Cadence) -> None:
    following = period_of(cadence, current_period(cadence).last + DAY)
    with pytest.raises(UsageError, match=f"'{following.key}' lies in the future"):
        parse_period(cadence, following.key)


@pytest.mark.parametrize(("cadence", "text"), [("monthly", "9999-12"), ("weekly", "9999-12-31")])
def test_the_end_of_the_calendar_is_the_future(cadence: Cadence, text: str) -> None:
    with pytest.raises(UsageError, match="lies in the future"):
        parse_period(cadence, text)


@pytest.mark.parametrize("cadence", ["weekly", "monthly"])
@pytest.mark.parametrize("text", ["2199-01", "9999-12", "9999-12-31"])
def test_a_span_in_the_future_is_refused_at_each_end(cadence: Cadence, text: str) -> None:
    for first, last in ((text, None), (text, text), ("2026-01", text)):
        with pytest.raises(UsageError, match=f"^'{text}' lies in the future$"):
            periods_between(cadence, first, last)


@pytest.mark.parametrize("text", ["", "november", "2026", "2026-13", "2026-00", "2026-11-16", "11-2026"])
def test_an_invalid_month_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="is not a month such as 2026-11"):
        parse_period("monthly", text)


@pytest.mark.parametrize("text", ["", "monday", "2026-11", "2026-11-31", "16.11.2026"])
def test_an_invalid_day_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(UsageError, match="is not a day of a week such as 2026-11-16"):
        parse_period("weekly", text)
