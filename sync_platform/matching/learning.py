"""Learning from decisions: people's decisions on pairs correct the weights of a model and its threshold.

The corrections are those of a logistic regression on the levels of the decided pairs, with the model's own odds as its
offset and a normal prior around no correction (maximum a posteriori, by Newton's method). So few decisions change
little, and a weight that decisions do not contradict stays as estimated. The common correction moves the threshold.
"""

from __future__ import annotations

from math import log

import msgspec
import numpy as np

from sync_platform.matching.comparisons import COMPARISONS
from sync_platform.matching.model import Lessons, Model

LEAST_DECISIONS = 10
"""Fewer decisions teach nothing: one careless decision would move the scores of all pairs."""
DEVIATION_BITS = 1.5
"""The standard deviation of a correction before any decision."""
STEPS = 30
SETTLED_BITS = 1e-6
GROWTH = 0.2
"""A model is estimated again when the number of decisions has changed by this share, and by LEAST_DECISIONS."""
_DIGITS = 4
_COLUMNS = sum(len(comparison.levels) for comparison in COMPARISONS) + 1


def taught_model(model: Model, levels: np.ndarray, same: np.ndarray) -> Model:
    """The model with the corrections that decisions teach.

    `levels`: of the decided pairs, shape (pairs, comparisons); `same`: true where a pair was decided to be one place.
    """
    plain = msgspec.structs.replace(model, lessons=Lessons(decisions=len(same)))
    if len(same) < LEAST_DECISIONS:
        return plain
    features = _features(levels) * log(2)
    offset = plain.bits(levels) * log(2)
    corrections = np.zeros(_COLUMNS)
    for _ in range(STEPS):
        chance = 1 / (1 + np.exp(-np.clip(offset + features @ corrections, -60, 60)))
        gradient = features.T @ (same - chance) - corrections / DEVIATION_BITS**2
        curvature = features.T @ (features * (chance * (1 - chance))[:, None]) + np.eye(_COLUMNS) / DEVIATION_BITS**2
        step = np.clip(np.linalg.solve(curvature, gradient), -DEVIATION_BITS, DEVIATION_BITS)
        corrections += step
        if np.abs(step).max() < SETTLED_BITS:
            break
    return msgspec.structs.replace(model, lessons=_lessons(corrections, len(same)))


def is_outdated(model: Model, decisions: int) -> bool:
    """True if the model learned from so many fewer or more decisions that it should learn again."""
    changed = abs(decisions - model.lessons.decisions)
    return changed >= max(LEAST_DECISIONS, GROWTH * model.lessons.decisions)


def log_loss_bits(model: Model, levels: np.ndarray, same: np.ndarray) -> float:
    """The mean surprise of decisions by a model's probabilities, in bits: 0 is best, 1 that of a tossed coin."""
    odds = np.where(same, 1.0, -1.0) * model.bits(levels)
    return float(np.logaddexp2(0.0, -np.clip(odds, -60, 60)).mean())


def _features(levels: np.ndarray) -> np.ndarray:
    """A column of ones, and one column per level: 1 where a pair has it."""
    columns = [np.ones(len(levels))]
    for column, comparison in enumerate(COMPARISONS):
        columns += [(levels[:, column] == level).astype(float) for level in range(len(comparison.levels))]
    return np.stack(columns, axis=1)


def _lessons(corrections: np.ndarray, decisions: int) -> Lessons:
    rounded = corrections.round(_DIGITS).tolist()
    weights, start = {}, 1
    for comparison in COMPARISONS:
        weights[comparison.name] = tuple(rounded[start : start + len(comparison.levels)])
        start += len(comparison.levels)
    return Lessons(weights, rounded[0], decisions)
