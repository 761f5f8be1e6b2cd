"""Judgements: whether each point of a series is in its band, in the order of time.

What belongs here: which points are in the baseline. A point outside its band is left out of it, until the new level is
accepted: by a person (`alerts resolve --expected`, or a shrink that an operator accepted), or because SHIFT_POINTS
points in a row, over at least SHIFT_DAYS days, agree. Then the earlier points are moved to the new level, so that noise
and trend are still known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

from sync_platform.monitoring.band import Band, BaselinePoint, TestedMoment, band_at, known_point, median
from sync_platform.monitoring.series import Point, Series
from sync_platform.sources.period import day_in_hong_kong

Verdict = Literal["normal", "anomaly", "expected", "shifted", "unknown"]
"""`expected`: outside the band, but a person expected it. `shifted`: outside, and the last of enough points that agree.
`unknown`: too few points are known before it."""
MIN_KNOWN = {"full": 4, "incremental": 8}
"""The points that must be known before a verdict, by the mode of the syncs."""
SHIFT_POINTS, SHIFT_DAYS = 4, timedelta(days=14)
MAX_POINTS = 52
"""Only the last points of a series are judged: a year of weekly syncs, four of monthly ones, two months of days."""


@dataclass(frozen=True)
class JudgedPoint:
    """A point with its verdict and its band; no band where the verdict is unknown.

    `since`: the first point of the deviation that it is in; None where it is in its band.
    """

    point: Point
    verdict: Verdict
    band: Band | None = None
    since: Point | None = None

    @property
    def is_anomaly(self) -> bool:
        return self.verdict == "anomaly"


def judge(series: Series, expected_at: Sequence[datetime] = ()) -> list[JudgedPoint]:
    """Every point, judged by those before it. `expected_at`: when a person said that what is seen then is expected."""
    baseline, points = _Baseline(series), series.points[-MAX_POINTS:]
    following = [*points[1:], None]
    return [
        baseline.judge(point, is_expected=point.is_accepted or _covers(point, after, expected_at))
        for point, after in zip(points, following, strict=True)
    ]


def _covers(point: Point, after: Point | None, moments: Sequence[datetime]) -> bool:
    """True if the point was the newest one at one of the moments."""
    return any(point.committed_at <= moment and (after is None or moment < after.committed_at) for moment in moments)


class _Baseline:
    """The points that are in the baseline, and those that deviate since the last one that did not."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._known: list[BaselinePoint] = []
        self._earlier: list[BaselinePoint] = []
        self._deviating: list[JudgedPoint] = []

    def judge(self, point: Point, *, is_expected: bool) -> JudgedPoint:
        if len(self._usable(point)) < MIN_KNOWN[self._series.mode]:
            self._add(point)
            return JudgedPoint(point, "unknown")
        band = self._band(self._known, point)
        if band.contains(point.value):
            return self._normal(point, band)
        if self._earlier and (before := self._band(self._earlier, point)).contains(point.value):
            self._known = self._earlier
            return self._normal(point, before)
        since = self._deviating[0].point if self._deviating else point
        judged = JudgedPoint(point, "anomaly", band, since)
        self._deviating.append(judged)
        if is_expected:
            self._move_to([judged], keep_earlier=True)
            return replace(judged, verdict="expected")
        if self._agree():
            self._move_to(self._deviating[-SHIFT_POINTS:], keep_earlier=False)
            return replace(judged, verdict="shifted")
        return judged

    def _normal(self, point: Point, band: Band) -> JudgedPoint:
        self._earlier, self._deviating = [], []
        self._add(point)
        return JudgedPoint(point, "normal", band)

    def _usable(self, point: Point) -> list[BaselinePoint]:
        """The known points of other periods: a second sync of a period is not compared with the first alone."""
        return [each for each in self._known if each.period != point.period]

    def _band(self, known: Sequence[BaselinePoint], point: Point) -> Band:
        return band_at(known, self._series.quantity, self._moment(point))

    def _add(self, point: Point) -> None:
        """Take a point into the baseline; of one period, only the last stays."""
        if self._known and self._known[-1].period == point.period:
            self._known.pop()
        self._known.append(
            known_point(self._known, self._series.quantity, self._moment(point), point.value, point.period)
        )

    def _agree(self) -> bool:
        """True if the last deviating points are long enough at one new level: within a band's width of their median.

        A source that lists nothing is never a new level.
        """
        last = self._deviating[-SHIFT_POINTS:]
        if len(last) < SHIFT_POINTS or last[-1].point.at - last[0].point.at < SHIFT_DAYS:
            return False
        level, band = median([judged.point.value for judged in last]), last[-1].band
        is_nothing = level <= 0 and self._series.quantity.scale != "share"
        if band is None or is_nothing:
            return False
        limits = [abs(limit - band.expected) for limit in (band.low, band.high) if limit is not None]
        scale = level / band.expected if band.expected and self._series.quantity.scale != "share" else 1.0
        return all(abs(judged.point.value - level) <= min(limits) * scale for judged in last)

    def _move_to(self, accepted: Sequence[JudgedPoint], *, keep_earlier: bool) -> None:
        """Move the baseline to the level of the accepted points, and take them in."""
        compared = self._series.quantity.compared
        offset = median([compared(each.point.value) - compared(each.band.expected) for each in accepted if each.band])
        self._earlier = [*self._known] if keep_earlier else []
        self._known = [replace(each, level=each.level + offset) for each in self._known]
        for judged in accepted:
            self._add(judged.point)
        self._deviating = []

    def _moment(self, point: Point) -> TestedMoment:
        day, fall = point.at.timestamp() / 86_400, self._series.yearly_fall
        if fall is None:
            return TestedMoment(day, of=point.of)
        return TestedMoment(day, fall.part(day_in_hong_kong(point.at)), fall.share, point.of)
