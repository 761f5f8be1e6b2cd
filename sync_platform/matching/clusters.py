"""Clusters: the listings that are one place, computed from scored pairs and people's decisions.

Pairs are processed from the most certain one on. Two clusters are merged where all pairs between their listings are
together in favour, and where no two listings of one source come together, unless one is marked as a second listing. So
a source has one record per place, and the likelier of two candidates is taken. A pair below the threshold is merged too
where each of the two is the only candidate of the other. The result depends only on pairs and decisions, not on their
order; a cluster depends only on the pairs that connect it.

What belongs here: components and labels. `cluster_odds` weighs all pairs between two clusters.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from sync_platform.matching.cluster_odds import ClusterOdds, ScoredPair, evidence_of_pairs
from sync_platform.matching.components import components_of
from sync_platform.matching.decided_pairs import Decision, by_position
from sync_platform.matching.garbage_collection import without_garbage_collection
from sync_platform.matching.linkage import Linkage
from sync_platform.matching.only_candidates import only_candidates
from sync_platform.matching.thresholds import Thresholds


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


@without_garbage_collection()
def build_clusters(
    linkage: Linkage, thresholds: Thresholds | None = None, decisions: Iterable[Decision] = ()
) -> Clusters:
    """The clusters of a linkage. Decisions about other listings are ignored."""
    thresholds = thresholds or Thresholds()
    decided = by_position(linkage.listings, decisions)
    only = only_candidates(linkage, thresholds)
    joining = np.flatnonzero((linkage.may_join & (linkage.probabilities >= thresholds.match)) | only)
    component = _components(linkage, joining, decided)
    labels = np.arange(len(component))
    inside = np.flatnonzero(linkage.may_join & (component[linkage.left] == component[linkage.right]))
    clear = _clear_components(linkage, inside, component, decided, thresholds.match_bits)
    labels[clear[component]] = component[clear[component]]
    inside = inside[~clear[component[linkage.left[inside]]]]
    for odds in _odds_by_component(linkage, inside, component, decided, only, thresholds.match_bits):
        for position, label in odds.merge_all().items():
            labels[position] = label
    return Clusters(labels)


def _components(linkage: Linkage, joining: np.ndarray, decided: dict[tuple[int, int], bool]) -> np.ndarray:
    """For each listing the first listing that it is connected with, by pairs or decisions."""
    same = np.array([pair for pair, is_same in decided.items() if is_same], dtype=np.int64).reshape(-1, 2)
    one = np.concatenate([linkage.left[joining], same[:, 0]])
    return components_of(linkage.listings.height, one, np.concatenate([linkage.right[joining], same[:, 1]]))


def _clear_components(
    linkage: Linkage, inside: np.ndarray, component: np.ndarray, decided: dict[tuple[int, int], bool], least: float
) -> np.ndarray:
    """By component: true where all its pairs are in favour and no source comes twice, so that it is one cluster."""
    clear = np.ones(len(component), dtype=bool)
    clear[component[linkage.left[inside[linkage.bits[inside] < max(least, 0.0)]]]] = False
    once = np.flatnonzero(~linkage.may_be_second)
    keys = component[once] * (linkage.sources.max(initial=0) + 1) + linkage.sources[once]
    order = np.argsort(keys, kind="stable")
    twice = once[order[1:][keys[order[1:]] == keys[order[:-1]]]]
    clear[component[twice]] = False
    for one, other in decided:
        clear[component[one]] = clear[component[other]] = False
    return clear


def _odds_by_component(
    linkage: Linkage,
    inside: np.ndarray,
    component: np.ndarray,
    decided: dict[tuple[int, int], bool],
    only: np.ndarray,
    least: float,
) -> Iterable[ClusterOdds]:
    """The components that have to be weighed, each with its pairs and decisions."""
    marked = linkage.may_be_second
    evidence = evidence_of_pairs(linkage.model, linkage.levels[inside])
    found: dict[int, ClusterOdds] = {}

    def of(position: int) -> ClusterOdds:
        number = int(component[position])
        if number not in found:
            found[number] = ClusterOdds(linkage.model.prior_bits, linkage.sources, marked, least)
        return found[number]

    columns = (linkage.left, linkage.right, linkage.bits.round(6), linkage.closeness.round(6), only)
    for at, (one, other, bits, closeness, is_only) in enumerate(
        zip(*(column[inside].tolist() for column in columns), strict=True)
    ):
        if (one, other) not in decided:
            of(one).add(ScoredPair(one, other, bits, closeness, is_only), evidence[at])
    for (one, other), same in decided.items():
        if component[one] == component[other]:
            of(one).decide(one, other, same=same)
    return found.values()
