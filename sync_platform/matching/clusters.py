"""Clusters: the listings that are one place, computed from scored pairs and people's decisions.

Pairs are processed from the most certain one on. Two clusters are merged where the sum of evidence between all their
listings is positive and where no two listings of one source come together, unless one is marked as a second listing.
So a source has one record per place, and the likelier of two candidates is taken. The result depends only on pairs and
decisions, not on their order; a cluster depends only on the pairs that connect it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf

import numpy as np

from sync_platform.matching.linkage import Linkage

MATCH, REVIEW = 0.5, 0.1


_Scored = tuple[float, float, int, int]
"""A pair: bits, closeness and its two positions."""


@dataclass(frozen=True)
class Thresholds:
    """The probabilities from which a pair joins two clusters, and from which a person should review it."""

    match: float = MATCH
    review: float = REVIEW


@dataclass(frozen=True)
class Decision:
    """A decision that two listings, each (source, source_id), are or are not one place; it overrides all evidence."""

    one: tuple[str, str]
    other: tuple[str, str]
    same: bool


@dataclass
class Clusters:
    """`labels`: for each listing of the linkage, the position of the first listing of its cluster."""

    labels: np.ndarray

    def members(self) -> dict[int, list[int]]:
        """The positions of each cluster in order, by label."""
        found: dict[int, list[int]] = defaultdict(list)
        for position, label in enumerate(self.labels.tolist()):
            found[label].append(position)
        return dict(found)


def build_clusters(
    linkage: Linkage, thresholds: Thresholds | None = None, decisions: Iterable[Decision] = ()
) -> Clusters:
    """The clusters of a linkage. Decisions about other listings are ignored."""
    thresholds = thresholds or Thresholds()
    decided = _decided(linkage, decisions)
    sources = linkage.listings["source"].rank("dense").to_numpy()
    forest = _UnionFind(len(sources))
    eligible = linkage.may_join
    joining = eligible & (linkage.probabilities >= thresholds.match)
    for one, other in zip(linkage.left[joining].tolist(), linkage.right[joining].tolist(), strict=True):
        forest.join(one, other)
    for (one, other), same in decided.items():
        if same:
            forest.join(one, other)
    component = np.array([forest.root(position) for position in range(len(sources))], dtype=np.int64)
    marked = linkage.listings["is_duplicate"].to_numpy()
    inside = np.flatnonzero(eligible & (component[linkage.left] == component[linkage.right]))
    labels = np.arange(len(sources))
    scored: dict[int, list[_Scored]] = defaultdict(list)
    columns = (linkage.bits.round(6), linkage.closeness.round(6), linkage.left, linkage.right)
    for pair in zip(*(column[inside].tolist() for column in columns), strict=True):
        if pair[2:] not in decided:
            scored[int(component[pair[2]])].append(pair)
    for (one, other), same in decided.items():
        if component[one] == component[other]:
            scored[int(component[one])].append((inf if same else -inf, 0.0, one, other))
    least = float(np.log2(thresholds.match / (1 - thresholds.match))) if thresholds.match < 1 else inf
    for pairs in scored.values():
        for position, label in _gather_component(pairs, least, sources, marked).items():
            labels[position] = label
    return Clusters(labels)


def _decided(linkage: Linkage, decisions: Iterable[Decision]) -> dict[tuple[int, int], bool]:
    """Decisions by positions, the smaller position first."""
    wanted = list(decisions)
    if not wanted:
        return {}
    position = {key: at for at, key in enumerate(linkage.listings.select("source", "source_id").iter_rows())}
    found = {}
    for decision in wanted:
        if decision.one in position and decision.other in position:
            one, other = sorted((position[decision.one], position[decision.other]))
            found[one, other] = decision.same
    return found


def _gather_component(pairs: list[_Scored], least: float, sources: np.ndarray, marked: np.ndarray) -> dict[int, int]:
    """The labels of the listings of one connected component."""
    between: dict[int, dict[int, float]] = defaultdict(dict)
    for bits, _, one, other in pairs:
        between[one][other] = between[other][one] = bits
    members = {position: [position] for position in between}
    listed = {position: set() if marked[position] else {int(sources[position])} for position in between}
    cluster = {position: position for position in between}
    for bits, _, one, other in sorted(pairs, key=lambda pair: (-pair[0], -pair[1], pair[2], pair[3])):
        if bits < least:
            break
        kept, merged = sorted((cluster[one], cluster[other]))
        if kept == merged or between[kept][merged] <= 0:
            continue
        if listed[kept] & listed[merged] and bits < inf:
            continue
        for position in members[merged]:
            cluster[position] = kept
        members[kept] += members.pop(merged)
        listed[kept] |= listed.pop(merged)
        for rival, sum_bits in between.pop(merged).items():
            del between[rival][merged]
            if rival != kept:
                between[kept][rival] = between[rival][kept] = between[kept].get(rival, 0.0) + sum_bits
    return cluster


class _UnionFind:
    """Union-find over positions; the root of a set is its smallest."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def root(self, position: int) -> int:
        parent = self._parent
        while parent[position] != position:
            parent[position] = parent[parent[position]]
            position = parent[position]
        return position

    def join(self, one: int, other: int) -> None:
        smaller, larger = sorted((self.root(one), self.root(other)))
        self._parent[larger] = smaller
