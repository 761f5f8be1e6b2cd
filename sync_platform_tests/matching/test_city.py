"""Matching compared with the sandbox's ground truth, which it never reads: in total, and by hard case.

Intervals are Wilson's, at 95 %.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from math import sqrt

import pytest

from sync_platform.sandbox.true_places import TruePlace

from .cities import Id
from .conftest import TODAY, LinkedCity

Pair = tuple[Id, Id]


def interval(hits: int, count: int) -> tuple[float, float]:
    """Wilson's interval of a share, at 95 %."""
    z, share = 1.96, hits / count
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return middle - half, middle + half


def test_precision_is_above_99_per_cent_at_a_recall_above_95(city: LinkedCity) -> None:
    right = len(city.found & city.truth)
    precision, recall = interval(right, len(city.found)), interval(right, len(city.truth))
    print(f"precision {right / len(city.found):.4f} {precision}, recall {right / len(city.truth):.4f} {recall}")
    assert precision[0] > 0.99
    assert recall[0] > 0.95


def test_a_small_city_is_matched_as_well(small_city: LinkedCity) -> None:
    right = len(small_city.found & small_city.truth)
    assert right / len(small_city.found) > 0.99
    assert right / len(small_city.truth) > 0.95


def test_no_cluster_has_two_unmarked_listings_of_one_source(city: LinkedCity) -> None:
    marked = dict(zip(city.keys, city.linkage.listings["is_duplicate"].to_list(), strict=True))
    for members in city.clusters.members().values():
        sources = Counter(city.keys[member][0] for member in members if not marked[city.keys[member]])
        assert max(sources.values(), default=1) == 1


def _branches_in_a_mall(city: LinkedCity) -> set[str]:
    """Places of chains with several branches in one mall."""
    at = [
        (place.place_id, (place.chain.number, place.premises(TODAY).building.english))
        for place in city.city.places
        if place.chain and place.closed > TODAY and place.premises(TODAY).in_mall
    ]
    crowd = Counter(where for _, where in at)
    return {place_id for place_id, where in at if crowd[where] > 1}


def _sharing_a_phone(city: LinkedCity) -> set[str]:
    shared = Counter(place.phone for place in city.city.places if not place.chain and place.phone)
    return _where(lambda place: not place.chain and shared[place.phone] > 1)(city)


def _where(is_hard: Callable[[TruePlace], object]) -> Callable[[LinkedCity], set[str]]:
    return lambda city: {place.place_id for place in city.city.places if is_hard(place)}


HARD: dict[str, tuple[Callable[[LinkedCity], set[str]], float, float]] = {
    "branches of a chain in one mall": (_branches_in_a_mall, 0.97, 0.95),
    "renamed": (_where(lambda place: place.renamed and place.renamed <= TODAY), 0.97, 0.9),
    "moved": (_where(lambda place: place.moved and place.moved <= TODAY), 0.97, 0.75),
    "two places on one phone": (_sharing_a_phone, 0.97, 0.95),
    "a hotline": (_where(lambda place: place.chain and place.chain.hotline), 0.98, 0.95),
    "licences in turn": (_where(lambda place: len(place.licences) > 1), 0.98, 0.9),
    "no Chinese name": (_where(lambda place: not place.first_name.chinese), 0.98, 0.95),
}


@pytest.mark.parametrize("case", HARD)
def test_hard_cases_are_matched(case: str, city: LinkedCity) -> None:
    find, least_precision, least_recall = HARD[case]
    places = find(city)
    truth = {pair for pair in city.truth if city.places[pair[0]] in places}
    found = {pair for pair in city.found if {city.places[pair[0]], city.places[pair[1]]} & places}
    right = len(truth & found)
    print(f"{case}: {len(truth)} true, precision {right / len(found):.4f}, recall {right / len(truth):.4f}")
    assert len(truth) >= 20
    assert right / len(found) >= least_precision
    assert right / len(truth) >= least_recall


def test_pairs_of_only_english_and_only_chinese_are_found(city: LinkedCity) -> None:
    scripts = {
        (row[0], row[1]): (bool(row[2]), bool(row[3]))
        for row in zip(
            *(city.linkage.listings[name] for name in ("source", "source_id")),
            *(_has_script(city, column) for column in ("latin", "han")),
            strict=True,
        )
    }
    truth = {pair for pair in city.truth if {scripts[pair[0]], scripts[pair[1]]} == {(True, False), (False, True)}}
    assert len(truth) > 200
    assert len(truth & city.found) / len(truth) > 0.95


def _has_script(city: LinkedCity, script: str) -> list[bool]:
    pattern = r"[A-Za-z]" if script == "latin" else r"\p{Han}"
    listings = city.listings.sort("source", "source_id")
    english, chinese = (listings[column].fill_null("").str.contains(pattern) for column in ("name_en", "name_zh"))
    return (english | chinese).to_list()


def test_second_listings_join_their_first(city: LinkedCity) -> None:
    label = dict(zip(city.keys, city.clusters.labels.tolist(), strict=True))
    listed = set(city.keys)
    seconds = [
        (("foodpanda", row.source_id), ("foodpanda", row.duplicate_of))
        for row in city.city.view("foodpanda").truth()
        if row.duplicate_of
    ]
    pairs = [pair for pair in seconds if pair[0] in listed and pair[1] in listed]
    assert len(pairs) > 50
    assert sum(label[second] == label[first] for second, first in pairs) / len(pairs) > 0.97
