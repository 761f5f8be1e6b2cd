"""Cluster odds: whether two clusters are one place, by all pairs between their listings.

The pairs between two clusters are not independent: the same two addresses are compared in several of them. So the
weights of a comparison are averaged over the pairs that can be compared, and then added up as for one pair. A misread
floor in one pair counts as the evidence of one pair, and a pair without addresses says nothing about the address.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import numpy as np

from sync_platform.matching.comparisons import COMPARISONS, UNKNOWN
from sync_platform.matching.model import TOGETHER, Model

_COUNT = len(COMPARISONS)
_TOGETHER = [COMPARISONS.index(comparison) for comparison in TOGETHER]


def evidence_of_pairs(model: Model, levels: np.ndarray) -> np.ndarray:
    """What can be added up over pairs, one row for each: the weight of each comparison, and for each whether it was
    possible (0 or 1); the coincidence, and whether one is possible.
    """
    known, coincidence = levels != UNKNOWN, model.coincidence(levels)
    can_coincide = (coincidence > 0) | (known[:, _TOGETHER].sum(axis=1) > 1)
    return np.column_stack([model.weights(levels), known, coincidence, can_coincide])


class ScoredPair(NamedTuple):
    """A pair by two positions; `is_only`: each of the two is the only candidate of the other."""

    one: int
    other: int
    bits: float
    closeness: float
    is_only: bool


class ClusterOdds:
    """The pairs of one connected component, and the merging of its listings into clusters.

    `sources` and `marked` are by position. A pair merges two clusters from `least` bits on.
    """

    def __init__(self, prior_bits: float, sources: np.ndarray, marked: np.ndarray, least: float) -> None:
        self._prior_bits, self._sources, self._marked, self._least = prior_bits, sources, marked, least
        self._pairs: list[ScoredPair] = []
        self._same: list[tuple[int, int]] = []
        self._different: dict[int, set[int]] = defaultdict(set)
        self._between: dict[int, dict[int, np.ndarray]] = defaultdict(dict)

    def add(self, pair: ScoredPair, evidence: np.ndarray) -> None:
        """A pair with its row of `evidence_of_pairs`."""
        self._pairs.append(pair)
        self._between[pair.one][pair.other] = self._between[pair.other][pair.one] = evidence

    def decide(self, one: int, other: int, *, same: bool) -> None:
        """A person's decision on two listings."""
        if same:
            self._same.append((one, other))
        else:
            self._different[one].add(other)
            self._different[other].add(one)

    def merge_all(self) -> dict[int, int]:
        """The label of each listing: the first listing of its cluster. Call it once."""
        positions = {position for pair in self._pairs for position in pair[:2]}
        positions.update(position for pair in self._same for position in pair)
        self._cluster = {position: position for position in positions}
        self._members = {position: [position] for position in positions}
        self._listed: dict[int, set[int]] = {
            position: set() if self._marked[position] else {int(self._sources[position])} for position in positions
        }
        for one, other in sorted(self._same):
            self._merge(self._cluster[one], self._cluster[other])
        order = sorted(
            self._pairs, key=lambda pair: (pair.bits < self._least, -pair.bits, -pair.closeness, pair.one, pair.other)
        )
        for pair in order:
            one, other = self._cluster[pair.one], self._cluster[pair.other]
            if one != other and (pair.bits >= self._least or pair.is_only) and self._may_merge(one, other, pair):
                self._merge(one, other)
        return self._cluster

    def _may_merge(self, one: int, other: int, pair: ScoredPair) -> bool:
        if self._listed[one] & self._listed[other]:
            return False
        if any(
            self._cluster.get(each) == other
            for member in self._members[one]
            for each in self._different.get(member, ())
        ):
            return False
        return pair.is_only or self._bits_between(one, other) > 0

    def _bits_between(self, one: int, other: int) -> float:
        """The log2 odds that two clusters are one place."""
        evidence = self._between[one][other]
        weights, known = evidence[:_COUNT], evidence[_COUNT : 2 * _COUNT]
        means = (weights / np.maximum(known, 1.0)).sum()
        return float(self._prior_bits + means - evidence[-2] / max(evidence[-1], 1.0))

    def _merge(self, one: int, other: int) -> None:
        kept, merged = sorted((one, other))
        if kept == merged:
            return
        for position in self._members[merged]:
            self._cluster[position] = kept
        self._members[kept] += self._members.pop(merged)
        self._listed[kept] |= self._listed.pop(merged)
        for rival, evidence in self._between.pop(merged, {}).items():
            del self._between[rival][merged]
            if rival != kept:
                known = self._between[kept].get(rival)
                self._between[kept][rival] = self._between[rival][kept] = (
                    evidence if known is None else known + evidence
                )
