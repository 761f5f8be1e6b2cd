"""Only candidates: pairs below the threshold that are the single possibility on both sides.

A name that several places share is weak evidence, also at one door. But where no other listing of either source comes
into question, and nothing speaks against the pair, the two are one place.
"""

from __future__ import annotations

import numpy as np
import polars as pl

from sync_platform.matching.comparisons import COMPARISONS, NAME, PLACE
from sync_platform.matching.linkage import Linkage
from sync_platform.matching.model import Model
from sync_platform.matching.thresholds import Thresholds

_EQUAL_NAMES = [NAME.number(code) for code in ("near", "same_shared", "same")]
_ONE_DOOR = [PLACE.number(code) for code in ("door", "floor", "unit")]
_AGAINST_BITS = -0.5
"""A comparison with a smaller weight speaks against a pair."""


def only_candidates(linkage: Linkage, thresholds: Thresholds) -> np.ndarray:
    """True for the pairs between the two thresholds that have equal names, one door, and no rival.

    A rival is another pair from the review threshold on that has one of the two listings and the source of the other.
    """
    is_only = np.zeros(len(linkage.left), dtype=bool)
    across = linkage.may_join & (linkage.sources[linkage.left] != linkage.sources[linkage.right])
    possible = np.flatnonzero(across & (linkage.probabilities >= thresholds.review))
    chosen = linkage.probabilities[possible] < thresholds.match
    chosen &= are_equal_at_one_door(linkage.levels[possible], linkage.model)
    is_only[possible[chosen & ~_has_rival(linkage, possible)]] = True
    return is_only


def are_equal_at_one_door(levels: np.ndarray, model: Model) -> np.ndarray:
    """True for pairs with equal names and one door, where no comparison speaks against the pair."""
    equal = np.isin(levels[:, COMPARISONS.index(NAME)], _EQUAL_NAMES)
    equal &= np.isin(levels[:, COMPARISONS.index(PLACE)], _ONE_DOOR)
    return np.asarray(equal & (model.weights(levels) > _AGAINST_BITS).all(axis=1))


def _has_rival(linkage: Linkage, pairs: np.ndarray) -> np.ndarray:
    """True where a listing of a pair is in another of these pairs, or in a pair of `Linkage.outside`, with a listing of
    the same source."""
    left, right, sources = linkage.left[pairs], linkage.right[pairs], linkage.sources
    count = int(sources.max(initial=0)) + 1
    names = pl.DataFrame({"source": linkage.listings["source"], "number": sources}).unique()
    outside = linkage.outside.join(names, on="source")
    keys = np.concatenate(
        [
            left.astype(np.int64) * count + sources[right],
            right.astype(np.int64) * count + sources[left],
            outside["listing"].to_numpy().astype(np.int64) * count + outside["number"].to_numpy(),
        ]
    )
    _, which, counts = np.unique(keys, return_inverse=True, return_counts=True)
    is_shared = counts[which] > 1
    return np.asarray(is_shared[: len(pairs)] | is_shared[len(pairs) : 2 * len(pairs)])
