"""Scores: shares with their confidence; an unmeasured dimension never counts as good."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync_platform.quality.score import DIMENSIONS, WHOLE, Score, Standards, overall, wilson
from sync_platform.settings import PlatformSettings, Settings


def _whole(dimension: str, good: int | None, of: int | None = 100, confidence: float = 1.0) -> Score:
    return Score(dimension, WHOLE, good, of if good is not None else None, 100, 0.9, confidence)


def test_the_interval_is_wilsons() -> None:
    """10 of 100, as in Brown, Cai and DasGupta, "Interval estimation for a binomial proportion" (2001)."""
    assert wilson(10, 100) == pytest.approx((0.0552, 0.1744), abs=1e-4)


@given(st.integers(1, 500), st.data())
def test_an_interval_contains_its_share_and_lies_between_0_and_1(trials: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, trials))
    low, high = wilson(hits, trials)
    assert 0 <= low <= hits / trials + 1e-9
    assert hits / trials - 1e-9 <= high <= 1


def test_a_share_of_everything_needs_no_interval() -> None:
    assert Score("accuracy", WHOLE, 9, 10, 10).interval is None
    assert Score("accuracy", WHOLE, 9, 10, 50).interval == wilson(9, 10)


def test_the_overall_score_is_the_weighted_mean_of_what_was_measured() -> None:
    standards = Standards(weights={"validation": 3, "completeness": 1, "accuracy": 1, "consistency": 1})
    wholes = [
        _whole("validation", 100),
        _whole("completeness", 60),
        _whole("accuracy", None),
        _whole("consistency", 50),
    ]
    score = overall(wholes, standards)
    assert score.score == pytest.approx((3 * 1 + 0.6 + 0.5) / 5)
    assert score.confidence == pytest.approx(5 / 6)
    assert score.detail == {"not_measured": ["accuracy"]}


def test_a_partly_measured_dimension_lowers_the_confidence_in_proportion() -> None:
    standards = Standards(weights=dict.fromkeys(DIMENSIONS, 1.0))
    wholes = [_whole(name, 100, confidence=0.5 if name == "accuracy" else 1.0) for name in DIMENSIONS]
    assert overall(wholes, standards).confidence == pytest.approx(3.5 / 4)


def test_where_nothing_was_measured_there_is_no_score_and_no_confidence() -> None:
    score = overall([_whole(name, None) for name in DIMENSIONS], Standards())
    assert (score.score, score.confidence, score.falls_short) == (None, 0.0, False)


def test_weights_thresholds_and_tolerance_are_settings_and_a_platforms_own_tolerance_overrides_them() -> None:
    settings = Settings(_env_file=None, quality_weight_accuracy=2, quality_threshold_accuracy=0.5)
    standards = Standards.of(settings, PlatformSettings(quarantine_tolerance=0.3))
    assert (standards.weights["accuracy"], standards.threshold("accuracy")) == (2, 0.5)
    assert standards.quarantine_tolerance == 0.3
    assert Standards.of(settings, PlatformSettings()) == Standards(
        {**Standards().thresholds, "accuracy": 0.5}, {**Standards().weights, "accuracy": 2}
    )
