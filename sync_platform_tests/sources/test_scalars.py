"""Numbers, truth values, days and moments in odd notations are read where they have one meaning, and refused else."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_platform.sources.scalars import day_in, id_text, moment_in, number_in, truth_in, whole_number_of


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("8446", "8446"),
        ("1,280.00", "1280.00"),
        ("1,280,000", "1280000"),
        ("1 280", "1280"),
        ("1\u00a0280.5", "1280.5"),
        (" 12.5 ", "12.5"),
        ("HK$ 88", "88"),
        ("HK$1,280.00", "1280.00"),
        ("88 HKD", "88"),
        ("港幣88", "88"),
        ("１２．５", "12.5"),
        ("-3", "-3"),
        ("+3", "3"),
        ("\u2212114.2", "-114.2"),
        ("1.280", "1.280"),
    ],
)
def test_a_number_in_any_plain_notation_is_read(text: str, number: str) -> None:
    assert number_in(text) == Decimal(number)


@pytest.mark.parametrize(
    "text",
    [
        "1,280",
        "12,5",
        "12,50",
        "1.280,00",
        "1,28,000",
        "0,123",
        "12.5.3",
        "",
        " ",
        "-",
        "US$ 88",
        "88/90",
        "1e3",
        "NaN",
    ],
)
def test_a_text_that_is_no_number_or_may_be_two_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a number|two meanings"):
        number_in(text)


@pytest.mark.parametrize(
    ("value", "number"),
    [("8446", 8446), ("8,446", 8446), ("8,446.0", 8446), (8446.0, 8446), ("８４４６", 8446), ("007", 7)],
)
def test_a_whole_number_in_any_plain_notation_is_read(value: Any, number: int) -> None:
    assert whole_number_of(value) == number


@pytest.mark.parametrize("value", ["8.446", 8.5, "about 8", "", float("nan"), float("inf"), 2.0**60, True, None, [8]])
def test_a_value_that_is_no_whole_number_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="not a whole number"):
        whole_number_of(value)


@given(number=st.integers(-(10**15), 10**15))
def test_grouping_changes_no_whole_number(number: int) -> None:
    assert whole_number_of(f"{number:,}") == whole_number_of(str(number)) == number


@pytest.mark.parametrize(
    ("values", "truth"),
    [(("true", "Y", "yes", "1", 1, 1.0, " True ", "是"), True), (("N", "0", 0, "no", "off"), False)],
)
def test_a_truth_value_in_any_plain_notation_is_read(values: tuple[Any, ...], truth: bool) -> None:
    assert all(truth_in(value) is truth for value in values)


@pytest.mark.parametrize("value", ["", "maybe", 2, -1, "2026-11-24"])
def test_a_value_that_is_neither_true_nor_false_is_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="neither true nor false"):
        truth_in(value)


@pytest.mark.parametrize(
    "text",
    [
        "1795509000",
        "1795509000.0",
        "1795509000000",
        "1795509000000000",
        "2026/11/24 16:30:00",
        "2026-11-24T08:30:00z",
        "2026-11-24T17:30:00+09:00",
        " ２０２６-11-24 16:30 ",
        "20261124T163000",
    ],
)
def test_a_moment_in_any_plain_notation_is_read(text: str) -> None:
    assert moment_in(text) == datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "0000-00-00 00:00:00",
        "0001-01-01T00:00:00Z",
        "24:00:00",
        "2026-11-24T24:00:00",
        "2026-02-30",
        "2026",
        "2026-11",
        "2026-W48",
        "01/02/2026",
        "24.11.2026",
        "0",
        "-1",
        "1",
        "99999999999999999",
        "1e9",
        "now",
    ],
)
def test_a_text_that_is_no_moment_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment_in(text)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-11-24", 24),
        ("2026-11-24 00:00:00", 24),
        ("2026-11-24T00:00:00+08:00", 24),
        ("2026-11-24T08:00:00Z", 24),
        ("2026/1/5", 5),
        ("20261124", 24),
        ("1795509000", 24),
    ],
)
def test_a_day_in_any_plain_notation_is_read(text: str, day: int) -> None:
    assert day_in(text).day == day


def test_a_day_that_is_another_one_in_hong_kong_is_refused() -> None:
    with pytest.raises(ValueError, match="two meanings"):
        day_in("2026-11-23T16:00:00Z")
    assert day_in("2026-11-23T15:59:59Z") == date(2026, 11, 23)


@pytest.mark.parametrize(
    ("value", "text"),
    [("12", "12"), (12, "12"), (12.0, "12"), ("a b", "a b"), (2**64 + 1, str(2**64 + 1))],
)
def test_an_id_is_the_same_text_in_every_form(value: Any, text: str) -> None:
    assert id_text(value) == text


@pytest.mark.parametrize("value", ["", None, 1.5, 2.0**60, True, {"id": 1}, [1]])
def test_a_value_that_is_no_id_has_no_text(value: Any) -> None:
    assert id_text(value) is None
