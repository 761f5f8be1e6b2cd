"""The scorecard of a dataset as the API answers it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sync_platform.api.envelope import ApiModel


class ScoreAnswer(ApiModel):
    """A score from 0 to 1; null where it is not measured. `interval`: where the true share lies, of a sample."""

    score: float | None
    numerator: float | None
    denominator: float | None
    sampled_share: float | None
    interval: tuple[float, float] | None
    threshold: float | None
    passes: bool
    confidence: float | None
    detail: dict[str, Any]
    sync_id: str
    observed_at: datetime


class MeasureScore(ScoreAnswer):
    """The score of one measure of a dimension."""

    dimension: str
    measure: str


class OwnCheckScore(ScoreAnswer):
    """The result of a check of the team's own."""

    check: str


class TrendPoint(ApiModel):
    """The overall score of a period."""

    partition: str
    score: float | None


class QualityAnswer(ApiModel):
    """The quality of one dataset in its newest period. `scores`: by dimension; `trend`: oldest period first."""

    platform: str
    dataset: str
    partition: str
    scores: dict[str, ScoreAnswer]
    measures: list[MeasureScore]
    own_checks: list[OwnCheckScore]
    findings: list[str]
    trend: list[TrendPoint]


class QualityList(ApiModel):
    """The quality of the datasets."""

    items: list[QualityAnswer]
