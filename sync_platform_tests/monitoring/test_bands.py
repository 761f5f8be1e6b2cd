"""Bands and verdicts: what must hold for every series, and what some series show."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.monitoring.judgement import MAX_POINTS, MIN_KNOWN, SHIFT_POINTS, JudgedPoint, judge
from sync_platform.monitoring.quantity import (
    DELTA_VOLUME,
    DURATION,
    ERROR_RATE,
    NULL_RATE,
    QUANTITIES,
    SCORE,
    VOLUME,
    Quantity,
)
from sync_platform.monitoring.series import Point, Series
from sync_platform.platforms import load_platforms
from sync_platform.sources.declaration import YearlyFall
from sync_platform_tests.extent import examples

FIRST = datetime(2024, 1, 1, 21, tzinfo=UTC)
VALUES = st.lists(st.floats(100, 1e6), min_size=6, max_size=MAX_POINTS // 2)
FALL = load_platforms()["data_gov_hk"].dataset("licences").yearly_fall


def series_of(
    values: Sequence[float],
    quantity: Quantity = VOLUME,
    *,
    days: float = 7,
    first: datetime = FIRST,
    of: int | None = 5000,
    mode: str = "full",
    fall: YearlyFall | None = None,
) -> Series:
    """A series with a point every so many days, each in a period of its own."""
    points = []
    for number, value in enumerate(values):
        at = first + timedelta(days=days * number)
        points.append(Point(at, value, f"{number:03}", f"sync-{number:03}", at, of))
    return Series("openrice", "restaurants", quantity, "", mode, mode, points, fall)


def verdicts(judged: Sequence[JudgedPoint]) -> list[str]:
    return [each.verdict for each in judged]


def noisy(level: float, length: int = 20, share: float = 0.004) -> list[float]:
    """Values around a level, in a fixed pattern without a trend."""
    pattern = (0.0, 1.0, -0.6, 0.3, -1.0, 0.7, -0.2)
    return [level * (1.0 + share * pattern[number % len(pattern)]) for number in range(length)]


@settings(max_examples=examples(30), deadline=None)
@given(st.sampled_from(list(QUANTITIES.values())), st.floats(0, 1), st.integers(1, 40))
def test_a_constant_series_never_deviates(quantity: Quantity, value: float, length: int) -> None:
    level = value if quantity.scale == "share" else value * 1e5
    assert set(verdicts(judge(series_of([level] * length, quantity)))) <= {"normal", "unknown"}


@settings(max_examples=examples(30), deadline=None)
@given(VALUES, st.floats(1, 1000), st.sampled_from([VOLUME, DURATION]))
def test_a_series_in_another_unit_has_the_same_verdicts(values: list[float], unit: float, quantity: Quantity) -> None:
    large = [value * 100 for value in values]
    there = judge(series_of([value * unit for value in large], quantity))
    for one, other in zip(judge(series_of(large, quantity)), there, strict=True):
        if one.band and any(
            limit is not None and abs(one.point.value - limit) < 1e-6 * limit for limit in (one.band.low, one.band.high)
        ):
            return  # a point exactly at a limit: rounding decides, and the rest follows from it
        assert one.verdict == other.verdict


@settings(max_examples=examples(30), deadline=None)
@given(VALUES, st.floats(0, 1e7), st.sampled_from(list(QUANTITIES.values())))
def test_a_point_never_influences_its_own_band(values: list[float], other: float, quantity: Quantity) -> None:
    with_one, with_other = (judge(series_of([*values, last], quantity)) for last in (values[-1], other))
    assert with_one[-1].band == with_other[-1].band


@settings(max_examples=examples(30), deadline=None)
@given(VALUES, VALUES)
def test_later_points_never_change_a_verdict(values: list[float], later: list[float]) -> None:
    assert judge(series_of([*values, *later]))[: len(values)] == judge(series_of(values))


@settings(max_examples=examples(30), deadline=None)
@given(VALUES)
def test_a_band_contains_what_it_expects_and_is_as_wide_as_its_floor(values: list[float]) -> None:
    for each in judge(series_of(values)):
        if each.band and each.band.low is not None and each.band.high is not None:
            floor = max(VOLUME.floor, VOLUME.relative_floor * each.band.expected) * (1 - 1e-9)
            assert each.band.low <= each.band.expected - floor
            assert each.band.high >= each.band.expected + floor


def test_with_too_little_history_the_verdict_is_unknown_and_there_is_no_band() -> None:
    judged = judge(series_of([1000, 1000, 1000, 10, 1000]))
    assert verdicts(judged) == ["unknown"] * MIN_KNOWN["full"] + ["normal"]
    assert all(each.band is None for each in judged[:-1])
    incremental = judge(series_of([100] * 9, DELTA_VOLUME, days=1, mode="incremental"))
    assert verdicts(incremental) == ["unknown"] * MIN_KNOWN["incremental"] + ["normal"]


@pytest.mark.parametrize("change", [-0.05, -0.1, -1.0, 0.06, 1.0])
@pytest.mark.parametrize("days", [1, 7, 31])
def test_a_change_of_a_twentieth_is_an_anomaly_and_the_return_is_none(change: float, days: int) -> None:
    values = noisy(4000)
    judged = judge(series_of([*values, 4000 * (1 + change), 4000], days=days))
    assert verdicts(judged)[-2:] == ["anomaly", "normal"]
    assert set(verdicts(judged)[:-2]) == {"unknown", "normal"}


def test_growth_is_followed() -> None:
    values = [4000 * 1.015**number for number in range(24)]
    assert set(verdicts(judge(series_of(values, days=31)))[4:]) == {"normal"}
    judged = judge(series_of([*values, values[-1] * 0.95], days=31))
    assert judged[-1].is_anomaly


def test_a_wide_noise_makes_a_wide_band() -> None:
    assert judge(series_of([*noisy(4000, share=0.05), 3800]))[-1].verdict == "normal"
    assert judge(series_of([*noisy(4000, share=0.05), 2000]))[-1].verdict == "anomaly"


@pytest.mark.parametrize(
    ("quantity", "usual", "good", "bad"),
    [
        (DURATION, 600.0, 10.0, 1800.0),
        (SCORE, 0.97, 1.0, 0.9),
        (NULL_RATE, 0.2, 0.0, 0.3),
        (ERROR_RATE, 0.0, 0.0, 0.05),
    ],
)
def test_only_the_bad_direction_is_an_anomaly(quantity: Quantity, usual: float, good: float, bad: float) -> None:
    assert judge(series_of([usual] * 10 + [good], quantity))[-1].verdict == "normal"
    assert judge(series_of([usual] * 10 + [bad], quantity))[-1].verdict == "anomaly"


def test_a_share_of_few_records_may_vary_more_than_one_of_many() -> None:
    few, many = (judge(series_of([0.1] * 12 + [0.2], NULL_RATE, of=of))[-1] for of in (20, 5000))
    assert (few.verdict, many.verdict) == ("normal", "anomaly")


def test_a_short_sync_that_takes_twice_as_long_is_none() -> None:
    assert judge(series_of([10.0] * 12 + [25.0], DURATION))[-1].verdict == "normal"


def test_an_anomaly_lasts_until_the_value_is_back_and_says_since_when() -> None:
    judged = judge(series_of([*noisy(4000), 3000, 3000, 4000]))
    assert verdicts(judged)[-3:] == ["anomaly", "anomaly", "normal"]
    assert judged[-2].since == judged[-3].point
    assert judged[-1].since is None


def test_points_that_deviate_alike_for_two_weeks_are_the_new_level() -> None:
    judged = judge(series_of([*noisy(4000), 3000, 3010, 2990, 3005, 3000, 4000]))
    assert verdicts(judged)[-6:] == ["anomaly"] * (SHIFT_POINTS - 1) + ["shifted", "normal", "anomaly"]
    daily = judge(series_of([*noisy(4000), 3000, 3010, 2990, 3005, 3000], days=1))
    assert verdicts(daily)[-5:] == ["anomaly"] * 5


@pytest.mark.parametrize("values", [(3000, 2000, 1000, 500, 0), (0, 0, 0, 0, 0)])
def test_points_that_deviate_differently_and_a_source_that_lists_nothing_are_no_level(values: list[float]) -> None:
    judged = judge(series_of([*noisy(4000), *values]))
    assert verdicts(judged)[-5:] == ["anomaly"] * 5


def test_a_level_that_a_person_expects_is_accepted_at_once_and_a_single_exception_too() -> None:
    values = [*noisy(4000), 3000]
    series = series_of([*values, 3010])
    accepted_at = series.points[-2].committed_at + timedelta(hours=5)
    assert verdicts(judge(series, [accepted_at]))[-2:] == ["expected", "normal"]
    assert verdicts(judge(series, [accepted_at - timedelta(days=30)]))[-2:] == ["anomaly", "anomaly"]
    assert verdicts(judge(series_of([*values, 4000, 3000]), [accepted_at]))[-3:] == ["expected", "normal", "anomaly"]


def test_the_fall_of_the_register_on_30_june_is_expected_and_a_fault_on_that_day_is_found() -> None:
    assert FALL is not None
    first = datetime(2024, 2, 5, 21, tzinfo=UTC)
    fallen = [16_000.0] * 21 + [16_000 * (1 - 0.026 * part) for part in (0.97, 0.75, 0.5, 0.27, 0.05)] + [16_000.0]
    judged = judge(series_of(fallen, first=first, fall=FALL))
    assert judged[21].point.at.date().isoformat() == "2024-07-01"
    assert set(verdicts(judged)[4:]) == {"normal"}
    for number in (21, 22, 24):
        broken = [*fallen[:number], fallen[number] * 0.95]
        assert judge(series_of(broken, first=first, fall=FALL))[-1].is_anomaly


def test_several_syncs_of_a_period_are_one_point_of_the_baseline() -> None:
    series = series_of([*noisy(4000, 3), *[4000] * 9])
    together = [Point(each.at, each.value, "one", each.sync_id, each.at) for each in series.points[3:]]
    points = [*series.points[:3], *together]
    one = Series("openrice", "restaurants", VOLUME, "", "full", "full", points)
    assert set(verdicts(judge(one))) == {"unknown"}
