"""Clusters weigh all pairs between them, and a pair without rivals may be below the threshold."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import polars as pl
import pytest

from sync_platform.matching.clusters import build_clusters
from sync_platform.matching.comparisons import COMPARISONS, NAME, PHONE, PLACE, UNKNOWN, Comparison
from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.linkage import Linkage, link
from sync_platform.matching.model import Model, initial_parameters
from sync_platform.matching.thresholds import Thresholds

Likeness = dict[Comparison, str]


def linkage_of(sources: str, likeness: dict[tuple[int, int], Likeness], prior: float) -> Linkage:
    """Listings, one of each source, and the levels of some of their pairs; other comparisons are unknown."""
    listings = pl.DataFrame(
        {
            "source": list(sources),
            "source_id": [str(number) for number in range(len(sources))],
            "is_duplicate": [False] * len(sources),
        }
    )
    pairs = sorted(likeness)
    levels = np.full((len(pairs), len(COMPARISONS)), UNKNOWN, dtype=np.int8)
    for row, pair in enumerate(pairs):
        for comparison, code in likeness[pair].items():
            levels[row, COMPARISONS.index(comparison)] = comparison.number(code)
    model = Model(prior, initial_parameters(), Frequencies())
    left, right = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    return Linkage(listings, model, left, right, levels, model.bits(levels), np.zeros(len(pairs)), pl.DataFrame, [])


def test_one_misread_floor_does_not_divide_a_cluster() -> None:
    alike = {NAME: "same", PLACE: "unit", PHONE: "same"}
    likeness = dict.fromkeys(combinations(range(3), 2), alike)
    likeness |= {
        (0, 3): {NAME: "same", PLACE: "other_unit"},
        (1, 3): {NAME: "same", PLACE: "unit"},
        (2, 3): {NAME: "same"},
    }
    linkage = linkage_of("abcd", likeness, 5e-5)
    fourth = linkage.bits[linkage.right == 3]
    assert fourth[0] < 0 < fourth[1], "the pair with the misread floor is no match"
    assert fourth.sum() < 0
    assert build_clusters(linkage).members() == {0: [0, 1, 2, 3]}


def test_a_pair_that_speaks_against_a_cluster_in_every_way_divides_it() -> None:
    likeness = {
        (0, 1): {NAME: "same", PLACE: "unit", PHONE: "same"},
        (0, 2): {NAME: "different", PLACE: "far", PHONE: "different"},
        (1, 2): {NAME: "same", PLACE: "quarter"},
    }
    assert build_clusters(linkage_of("abc", likeness, 1e-3)).members() == {0: [0, 1], 2: [2]}


@pytest.mark.parametrize(("rival", "is_joined"), [(None, True), ("door", False)])
def test_a_shared_name_at_one_door_is_a_match_where_there_is_no_rival(rival: str | None, is_joined: bool) -> None:
    likeness = {(0, 1): {NAME: "same_shared", PLACE: "door"}}
    if rival:
        likeness[0, 2] = {NAME: "same_shared", PLACE: rival}
    linkage = linkage_of("abb", likeness, 1e-4)
    assert 0.02 < linkage.probabilities[0] < 0.5
    labels = build_clusters(linkage).labels
    assert bool(labels[0] == labels[1]) is is_joined
    assert build_clusters(linkage, Thresholds(0.5, 0.5)).members() == {0: [0], 1: [1], 2: [2]}


def test_listings_of_one_source_are_compared_only_on_request() -> None:
    address = "Shop 4, G/F, 47 Fuk Wing Street, Sham Shui Po"
    table = pl.DataFrame(
        {
            "source": ["a", "a", "a"],
            "source_id": ["1", "2", "3"],
            "name_en": ["Amber Oven", "Amber Oven", "Blue Lantern"],
            "address_en": [address, address, "9 Java Road, North Point"],
            "phone": ["2345 6789", "2345 6789", "2111 0000"],
        }
    )
    alone = link(table)
    assert len(alone.left) == 0
    assert "--within-sources" in alone.warnings[0]
    assert build_clusters(link(table, within_sources=True)).labels.tolist() == [0, 0, 2]
