"""The present value of each series of a metric, for people and programs.

What belongs here: a count is shown as its total, a duration as that of the newest event, a gauge as it is now.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sync_platform.monitoring.metric import Metric, Sample


@dataclass(frozen=True)
class PresentValue:
    """One series. `at`: when its newest event ended, or when it was measured; None where no event is on record."""

    platform: str
    dataset: str
    severity: str
    value: float
    at: datetime | None


def present_values(metric: Metric, samples: Iterable[Sample]) -> list[PresentValue]:
    """The series of one metric that are known, in the order of the samples."""
    by_series: dict[tuple[str, str, str], list[Sample]] = {}
    for sample in samples:
        if sample.metric is metric:
            by_series.setdefault((sample.platform, sample.dataset, sample.severity), []).append(sample)
    values = []
    for series, own in by_series.items():
        newest = max(own, key=lambda each: (each.is_of_event, each.at))
        value = sum(each.value for each in own) if metric.kind == "count" else newest.value
        at = newest.at if newest.is_of_event or newest.is_gauge else None
        values.append(PresentValue(*series, value, at))
    return values
