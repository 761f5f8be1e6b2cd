"""Unification: the first run, changes of listings, and decisions of people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from sync_platform.errors import UsageError
from sync_platform_tests.extent import only_in_full

from .harness import UnificationHarness, place, settle


def test_listings_of_one_place_become_one_restaurant(harness: UnificationHarness) -> None:
    settle(harness, 12)
    outcome = harness.unify()
    assert outcome.run["restaurants"] == 12
    assert frozenset({("openrice", "o3"), ("chope", "c3")}) in harness.together()


def test_a_run_without_changes_writes_only_its_record(harness: UnificationHarness) -> None:
    settle(harness, 12)
    harness.unify()
    before = harness.ask("SELECT platform, dataset, count(*) FROM lineage.changes GROUP BY ALL ORDER BY ALL")
    outcome = harness.unify()
    assert (outcome.run["mode"], outcome.restaurants.in_history, outcome.members.in_history) == ("incremental", 0, 0)
    assert harness.ask("SELECT platform, dataset, count(*) FROM lineage.changes GROUP BY ALL ORDER BY ALL") == before


def test_only_changed_listings_are_matched_with_the_result_of_a_full_run(harness: UnificationHarness) -> None:
    settle(harness)
    harness.unify()
    harness.list("keeta", "k5", name=place(5)["name_en"], address=place(5)["address_en"], phones=[place(5)["phone"]],
              latitude=place(5)["latitude"], longitude=place(5)["longitude"], cuisines=["Cantonese"])  # fmt: skip
    harness.list("chope", "c7", **place(90))
    harness.retire("openrice", "o9")
    outcome = harness.unify()
    assert outcome.run["mode"] == "incremental"
    assert harness.together() == harness.rebuilt()
    assert frozenset({("openrice", "o5"), ("chope", "c5"), ("keeta", "k5")}) in harness.together()
    assert frozenset({("chope", "c7")}) in harness.together()
    ids = harness.restaurants()
    assert ids["openrice", "o9"] == ids["chope", "c9"], "a removed listing stays in its restaurant"


def test_an_id_survives_the_end_of_any_listing_and_of_its_record(harness: UnificationHarness) -> None:
    settle(harness, 24)
    harness.unify()
    name = harness.restaurants()["chope", "c3"]
    harness.retire("openrice", "o3")
    harness.unify()
    assert harness.restaurants()["chope", "c3"] == name
    harness.forget("openrice", "o3")
    harness.unify()
    assert harness.restaurants()["chope", "c3"] == name
    assert harness.one(
        "SELECT count(*) FROM unified.members WHERE source_id = 'o3' AND removed_at IS NOT NULL AND NOT is_live"
    ) == (1,)


def test_a_decision_applies_to_every_run_until_it_is_withdrawn(harness: UnificationHarness) -> None:
    settle(harness, 24)
    harness.unify()
    before = harness.restaurants()
    harness.unify(("openrice/o3", "chope/c3", "different"))
    apart = harness.restaurants()
    assert apart["openrice", "o3"] != apart["chope", "c3"]
    harness.unify(rebuild=True)
    assert harness.restaurants() == apart
    harness.unify(("chope/c3", "openrice/o3", "withdrawn"))
    assert harness.restaurants() == before
    kinds = harness.ask("SELECT kind FROM unified.identity_turns WHERE kind <> 'founded' ORDER BY committed_at, kind")
    assert kinds == [("split",), ("merged",)]
    kept = "SELECT operation FROM lineage.changes WHERE dataset = 'decisions' ORDER BY committed_at"
    assert harness.ask(kept) == [("insert",), ("remove",)]


def test_two_restaurants_that_a_person_merges_keep_the_older_id(harness: UnificationHarness) -> None:
    settle(harness, 24)
    harness.unify()
    ids = harness.restaurants()
    harness.unify((ids["chope", "c1"], ids["chope", "c2"], "same"))
    now = harness.restaurants()
    assert len({now["chope", "c1"], now["chope", "c2"], now["openrice", "o1"], now["openrice", "o2"]}) == 1
    merged = harness.ask("SELECT restaurant_id, merged_into FROM unified.restaurants WHERE removed_at IS NOT NULL")
    assert merged == [({ids["chope", "c1"], ids["chope", "c2"]}.difference(now.values()).pop(), now["chope", "c1"])]
    assert harness.one("SELECT DISTINCT decided_by FROM unified.members WHERE source_id = 'c1'") == ("person",)


def test_an_invalid_decision_is_refused_with_the_reason_and_changes_nothing(harness: UnificationHarness) -> None:
    settle(harness, 3)
    harness.unify()
    for one, other, verdict, reason in (
        ("openrice", "chope/c1", "same", "names no listing"),
        ("openrice/o99", "chope/c1", "same", "the lake holds no listing openrice/o99"),
        ("rest-nowhere", "chope/c1", "same", "there is no restaurant rest-nowhere"),
        ("chope/c1", "chope/c1", "same", "the same listing"),
        ("chope/c1", "openrice/o1", "perhaps", "no verdict"),
        ("chope/c1", "openrice/o1", "withdrawn", "nothing was decided"),
    ):
        with pytest.raises(UsageError, match=reason):
            harness.unify((one, other, verdict))
        assert harness.one("SELECT count(*) FROM unified.runs") == (1,)


def test_a_listing_that_its_platform_moved_belongs_to_the_same_restaurant(harness: UnificationHarness) -> None:
    settle(harness, 24)
    harness.list("openrice", "o99", **place(3, address_en="9/F, 1 Sai Yee Street", latitude=22.31, longitude=114.17))
    harness.list("openrice", "o3", **place(3), moved_to_id="o99", status="closed")
    harness.unify()
    ids = harness.restaurants()
    assert ids["openrice", "o3"] == ids["openrice", "o99"]
    assert harness.one(f"SELECT status FROM unified.restaurants WHERE restaurant_id = '{ids['openrice', 'o3']}'") == (
        "open",
    )


def test_a_model_for_few_listings_is_estimated_again_for_many(harness: UnificationHarness) -> None:
    settle(harness, 6)
    harness.unify()
    settle(harness, 24)
    outcome = harness.unify()
    assert outcome.run["mode"] == "full"
    assert harness.one("SELECT count(*) FROM unified.models") == (2,)


@pytest.mark.parametrize(
    ("listings", "restaurants"),
    [
        ({}, 0),
        only_in_full({"chope": [place(1)]}, 1),
        only_in_full({"chope": [place(1)], "eatigo": [place(1)]}, 1),
        ({"chope": [{}, {}], "eatigo": [{}]}, 3),
        ({"chope": [place(1)] * 3, "eatigo": [place(1)] * 3}, 3),
    ],
    ids=["none", "one", "one by one", "without a value", "all alike"],
)
def test_a_tiny_lake_has_restaurants_and_estimates_its_own_model(
    tmp_path: Path, listings: dict[str, list[dict[str, Any]]], restaurants: int
) -> None:
    harness = UnificationHarness(tmp_path)
    harness.list("openrice", "gone", **place(30))
    harness.forget("openrice", "gone")
    for platform, each in listings.items():
        harness.list_all(platform, {str(number): columns for number, columns in enumerate(each)})
    outcome = harness.unify()
    assert outcome.run["restaurants"] == restaurants
    assert harness.unify().restaurants.in_history == 0
    harness.lake.close()
