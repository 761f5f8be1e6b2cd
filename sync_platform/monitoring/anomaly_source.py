"""Anomalies as problems: one for each cause, in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sync_platform.documents.local_time import local_minute
from sync_platform.errors import StorageError
from sync_platform.monitoring.anomalies import JudgedSeries, anomalies, judged_series
from sync_platform.monitoring.band import Band
from sync_platform.monitoring.expected_anomaly import accepted_moments
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart
from sync_platform.monitoring.judgement import JudgedPoint
from sync_platform.monitoring.problem import Problem, ProblemName, ProblemSource
from sync_platform.monitoring.quantity import Quantity
from sync_platform.quality.opening_hours.public_holidays import holiday_on
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake

MAX_NAMED = 5


def anomaly_source(
    settings: Settings, platforms: Mapping[str, Platform], state: InstallationState, now: datetime
) -> ProblemSource:
    """The source of the problems `anomaly`. Looking raises StorageError where lake or ledger cannot be read."""

    def look() -> Iterator[Problem]:
        if isinstance(state.records, UnreadPart):
            raise StorageError(f"the syncs cannot be read: {state.records.reason}")
        expected_at = accepted_moments(settings.ledger_url)
        with Lake(LakeAddress.of(settings), read_only=True) as lake:
            judged = judged_series(lake, platforms.values(), state.records, now, expected_at)
        for cause, deviating in anomalies(judged).items():
            yield _problem(cause, deviating)

    return ProblemSource(frozenset({ProblemName.anomaly}), look)


def _problem(cause: str, deviating: Sequence[JudgedSeries]) -> Problem:
    worst = sorted(deviating, key=lambda each: -_distance(each.newest))
    words = worst[0].series.quantity.words
    named = "; ".join(deviation_in_words(each) for each in worst[:MAX_NAMED])
    more = f"; and {len(worst) - MAX_NAMED} more" if len(worst) > MAX_NAMED else ""
    series = worst[0].series
    action = (
        f"{series.quantity.means} Look at the series, and at the newest sync of {series.platform}. If the value is "
        "right and stays, accept it: `alerts resolve` with `--expected`."
    )
    return Problem(
        ProblemName.anomaly,
        cause,
        f"{words[0].upper()}{words[1:]} is unusual: {named}{more}.",
        series.quantity.effect,
        action,
        ("anomalies", series.platform),
        tuple(dict.fromkeys(f"{each.series.platform}.{each.series.dataset}" for each in worst)),
    )


def deviation_in_words(judged: JudgedSeries) -> str:
    """The newest point of a series that deviates: its value, its band, and since when."""
    series, newest = judged.series, judged.newest
    since = newest.since or newest.point
    day = day_in_hong_kong(newest.point.at)
    holiday = f" ({day} is a public holiday: {name})" if (name := holiday_on(day)) else ""
    expected = band_in_words(series.quantity, newest.band) if newest.band else "unknown"
    return (
        f"{series.name} is {series.quantity.in_words(newest.point.value)} in the newest {series.mode} sync; {expected} "
        f"was expected. It deviates since {local_minute(since.at)}{holiday}"
    )


def band_in_words(quantity: Quantity, band: Band) -> str:
    """The limits of a band, as far as there are any."""
    low, high = (None if limit is None else quantity.in_words(max(limit, 0.0)) for limit in (band.low, band.high))
    if low and high:
        return f"{low} to {high}"
    return f"at least {low}" if low else f"at most {high}"


def _distance(judged: JudgedPoint) -> float:
    """How far a point is from what is expected, in half widths of its band."""
    if judged.band is None:
        return 0.0
    limit = judged.band.low if judged.point.value < judged.band.expected else judged.band.high
    half = abs((judged.band.expected if limit is None else limit) - judged.band.expected)
    return abs(judged.point.value - judged.band.expected) / half if half else 0.0
