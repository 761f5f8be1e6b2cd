"""Bands: between which values a point is expected, from the points before it. Pure functions; the tested point is not
an input.

    expected = the last point, on the trend (a stock, such as the number of rows); else the median of the last 9 points
    half     = deviations x max(noise x (1 + 1 / n), certain noise), at least the second largest error and the floors

The trend is the median of the slopes of all pairs of the last 12 points (Theil, 1950; Sen, 1968). The noise is 1.4826 x
the median of the absolute errors that such expectations had at the n last points: the median absolute deviation, which
half of the points cannot move (Hampel, 1974). It contains what the expectation cannot know, and needs no assumption
about the series. A gap makes a band wider: by the square root of its length in usual steps, at most twice.

A yearly fall is taken out of all points, as if half of the largest fall came; the band is wider by the other half.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from sync_platform.monitoring.quantity import Quantity

RECENT, FIRST_RECENT, TREND_POINTS, ERRORS = 9, 3, 12, 24
TREND_FROM, LAST_FROM = 4, 6
"""From so many points on, the trend counts, and the last point of a stock alone. Before, the median of FIRST_RECENT
counts: the first points are not judged, so one of them may be wrong."""
TAIL_FROM, TAIL_FACTOR = 8, 1.1
"""From so many errors on, a band is wider by this factor than the second largest one."""
LONGEST_GAP = 2.0
NORMAL = 1.4826
"""The standard deviation of a normal distribution, in median absolute deviations."""


@dataclass(frozen=True)
class BaselinePoint:
    """A point of the baseline. `day`: its time in days. `level`: on the compared scale, without the yearly fall.

    `fall`: the part of the yearly fall that was expected in it, 0 to 1. `error`: by how much it missed the points
    before it, without a trend, and `ahead`: how many days later it is; no error for the first point.
    """

    day: float
    level: float
    fall: float
    error: float | None
    ahead: float
    period: str


@dataclass(frozen=True)
class Band:
    """The expected value, and the limits; None where there is no limit on a side."""

    expected: float
    low: float | None
    high: float | None

    def contains(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)


@dataclass(frozen=True)
class TestedMoment:
    """What is known of a tested point besides its value.

    `fall`: the part of the yearly fall that is expected in it, 0 to 1; `fall_share`: the largest fall, as a share of
    the rows. `of`: the number of records that the point is a share of.
    """

    day: float
    fall: float = 0.0
    fall_share: float = 0.0
    of: int | None = None

    @property
    def fallen(self) -> float:
        """What the yearly fall takes away on the compared scale of sizes, if half of the largest fall comes."""
        return math.log(1.0 - self.fall_share / 2 * self.fall)


def known_point(
    known: Sequence[BaselinePoint], quantity: Quantity, moment: TestedMoment, value: float, period: str
) -> BaselinePoint:
    """The point as one of the baseline, after those in `known`."""
    level = quantity.compared(value) - moment.fallen
    if not known:
        return BaselinePoint(moment.day, level, moment.fall, None, 0.0, period)
    before = known[-1].level if quantity.is_stock else _expected(known, quantity, 0.0, moment.day)
    return BaselinePoint(moment.day, level, moment.fall, level - before, moment.day - known[-1].day, period)


def band_at(known: Sequence[BaselinePoint], quantity: Quantity, moment: TestedMoment) -> Band:
    """The band of a point, from the points before it; at least one is needed."""
    slope = _slope(known, quantity)
    expected = _expected(known, quantity, slope, moment.day) + moment.fallen
    stretch = _stretch(known, moment.day)
    unknown_fall = moment.fall_share / 2 * abs(moment.fall - known[-1].fall)
    half = _half(known, quantity, slope, expected, moment.of) * stretch + unknown_fall
    value = quantity.value(expected)
    floor = max(quantity.floor, quantity.relative_floor * abs(value)) * stretch + unknown_fall * abs(value)
    low = min(quantity.value(expected - half), value - floor)
    high = max(quantity.value(expected + half), value + floor)
    return Band(value, None if quantity.worse == "up" else low, None if quantity.worse == "down" else high)


def _expected(known: Sequence[BaselinePoint], quantity: Quantity, slope: float, day: float) -> float:
    """The expected level at `day`: the median of the recent points, each moved along the trend."""
    recent = RECENT
    if quantity.is_stock:
        recent = 1 if len(known) >= LAST_FROM else FIRST_RECENT
    return median([each.level + slope * (day - each.day) for each in known[-recent:]])


def _slope(known: Sequence[BaselinePoint], quantity: Quantity) -> float:
    """The trend per day; 0 for what has none, and where too few points are known."""
    if not quantity.is_stock or len(known) < TREND_FROM:
        return 0.0
    pairs = combinations(known[-TREND_POINTS:], 2)
    slopes = [(later.level - each.level) / (later.day - each.day) for each, later in pairs if later.day > each.day]
    return median(slopes) if slopes else 0.0


def _half(known: Sequence[BaselinePoint], quantity: Quantity, slope: float, expected: float, of: int | None) -> float:
    errors = sorted(abs(each.error - slope * each.ahead) for each in known[-ERRORS:] if each.error is not None)
    noise = NORMAL * median(errors) * (1.0 + 1.0 / len(errors)) if errors else 0.0
    half = quantity.deviations * max(noise, quantity.certain_noise(expected, of))
    return max(half, TAIL_FACTOR * errors[-2]) if len(errors) >= TAIL_FROM else half


def _stretch(known: Sequence[BaselinePoint], day: float) -> float:
    """How much wider a band is after a gap: 1 after a usual step."""
    steps = [each.ahead for each in known[-TREND_POINTS:] if each.ahead > 0]
    usual, gap = median(steps) if steps else 0.0, day - known[-1].day
    return min(LONGEST_GAP, math.sqrt(gap / usual)) if usual and gap > usual else 1.0


def median(values: Sequence[float]) -> float:
    """The median; faster than that of `statistics` for the few values here."""
    ordered = sorted(values)
    middle = len(ordered) // 2
    return ordered[middle] if len(ordered) % 2 else (ordered[middle - 1] + ordered[middle]) / 2
