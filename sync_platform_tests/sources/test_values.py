"""Values as platforms send them are converted; a value that cannot be read is an error, never a guess."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_platform.sources.values import coordinate_or_text, filled, hours_of_days, moment, money, money_or_text


@pytest.mark.parametrize(
    ("text", "value"),
    [(None, None), ("", None), ("  \n\u3000", None), (" 好味 ", "好味"), ("a b", "a b"), ("0", "0")],
)
def test_a_blank_text_is_none(text: str | None, value: str | None) -> None:
    assert filled(text) == value


@pytest.mark.parametrize(
    ("sent", "degrees"),
    [
        (None, None),
        ("", None),
        (" ", None),
        (0, None),
        (0.0, None),
        ("0", None),
        ("0.000000", None),
        (22.3, 22.3),
        ("114.17", 114.17),
    ],
)
def test_a_zero_coordinate_is_a_missing_one(sent: float | str | None, degrees: float | None) -> None:
    assert coordinate_or_text(sent) == degrees


@pytest.mark.parametrize("sent", ["north", "nan", "inf", "22.3N", float("inf"), "22,3"])
def test_an_invalid_coordinate_is_refused(sent: float | str) -> None:
    with pytest.raises(ValueError, match=r"coordinate|could not convert"):
        coordinate_or_text(sent)


@pytest.mark.parametrize(
    ("sent", "amount"),
    [(None, None), ("", None), (0, "0.00"), ("12", "12.00"), (8.1, "8.10"), ("1234.5", "1234.50"), (-3, "-3.00")],
)
def test_money_has_cents(sent: str | float | None, amount: str | None) -> None:
    converted = money_or_text(sent)
    assert (None if converted is None else str(converted)) == amount


@given(cents=st.integers(-(10**9), 10**9))
def test_money_is_exact_to_the_cent(cents: int) -> None:
    exact = Decimal(cents) / 100
    assert money_or_text(str(exact)) == exact
    assert money(float(exact)) == exact


@pytest.mark.parametrize("sent", ["free", "$12", "12,5", "NaN", "Infinity", "1e40", float("nan")])
def test_an_invalid_amount_is_refused(sent: str | float) -> None:
    with pytest.raises(ValueError, match="not an amount of money"):
        money_or_text(sent)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-24T08:30:00Z",
        "2026-11-24T08:30:00+00:00",
        "2026-11-24T16:30:00+0800",
        "2026-11-24T16:30:00+08:00",
        "2026-11-24T16:30:00",
        "2026-11-24 16:30:00",
        "2026-11-24T16:30:00.000",
    ],
)
def test_a_time_with_any_offset_becomes_utc(text: str) -> None:
    converted = moment(text)
    assert converted == datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
    assert converted.tzinfo is UTC


def test_a_day_begins_at_midnight_in_hong_kong() -> None:
    assert moment("2026-11-24") == datetime(2026, 11, 23, 16, tzinfo=UTC)


def test_a_time_without_an_offset_may_be_in_another_zone() -> None:
    assert moment("2026-11-24T08:30:00", ZoneInfo("Europe/Berlin")) == datetime(2026, 11, 24, 7, 30, tzinfo=UTC)


@pytest.mark.parametrize("text", [None, ""])
def test_no_time_is_none(text: str | None) -> None:
    assert moment(text) is None


@pytest.mark.parametrize("text", ["yesterday", "24/11/2026", "2026-11-31", "2026-11-24T25:00:00"])
def test_an_invalid_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|range|hour"):
        moment(text)


def test_a_day_without_hours_is_closed_and_a_day_that_is_missing_is_unknown() -> None:
    days = {"sun": [], "tue": None, "mon": [("11:30", "15:00"), ("18:00", "22:00")]}
    assert hours_of_days(days) == ["mon 11:30-15:00", "mon 18:00-22:00", "sun closed"]
    assert hours_of_days(None) == []
    assert hours_of_days({"ph": [("10:00", "20:00")], "mon": [], "eve": None}) == ["mon closed", "ph 10:00-20:00"]
