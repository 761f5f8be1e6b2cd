"""The scorecard for programs: one dict per dataset, with the keys of the JSON output."""

from __future__ import annotations

from typing import Any

from sync_platform.quality.scorecard import DatasetCard, StoredScore


def card_json(card: DatasetCard) -> dict[str, Any]:
    """One dataset's scores, their measures, the findings, and the trend, oldest period first."""
    return {
        "platform": card.platform,
        "dataset": card.dataset,
        "partition": card.partition,
        "scores": {name: _score(scored) for name, scored in card.dimensions.items()},
        "measures": [
            {"dimension": score.dimension, "measure": score.measure, **_score(score)} for score in card.measures
        ],
        "own_checks": [{"check": score.measure, **_score(score)} for score in card.own_checks],
        "findings": card.findings,
        "trend": [{"partition": partition, "score": score} for partition, score in card.trend],
    }


def _score(scored: StoredScore) -> dict[str, Any]:
    return {
        "score": scored.score,
        "numerator": scored.numerator,
        "denominator": scored.denominator,
        "sampled_share": scored.sampled_share,
        "interval": scored.interval,
        "threshold": scored.threshold,
        "passes": not scored.falls_short and "error" not in scored.detail,
        "confidence": scored.confidence,
        "detail": scored.detail,
        "sync_id": scored.sync_id,
        "observed_at": scored.observed_at,
    }
