"""Unification: the first run, changes of listings, and decisions of people."""

from __future__ import annotations

import pytest

from sync_platform.errors import UsageError

from .town import Town, place, settle


def test_listings_of_one_place_become_one_restaurant(town: Town) -> None:
    settle(town, 12)
    outcome = town.unify()
    assert outcome.run["restaurants"] == 12
    assert frozenset({("openrice", "o3"), ("chope", "c3")}) in town.together()


def test_a_run_without_changes_writes_only_its_record(town: Town) -> None:
    settle(town, 12)
    town.unify()
    before = town.ask("SELECT platform, dataset, count(*) FROM lineage.changes GROUP BY ALL ORDER BY ALL")
    outcome = town.unify()
    assert (outcome.run["mode"], outcome.restaurants.in_history, outcome.members.in_history) == ("incremental", 0, 0)
    assert town.ask("SELECT platform, dataset, count(*) FROM lineage.changes GROUP BY ALL ORDER BY ALL") == before


def test_only_changed_listings_are_matched_with_the_result_of_a_full_run(town: Town) -> None:
    settle(town)
    town.unify()
    town.list("keeta", "k5", name=place(5)["name_en"], address=place(5)["address_en"], phones=[place(5)["phone"]],
              latitude=place(5)["latitude"], longitude=place(5)["longitude"], cuisines=["Cantonese"])  # fmt: skip
    town.list("chope", "c7", **place(90))
    town.retire("openrice", "o9")
    outcome = town.unify()
    assert outcome.run["mode"] == "incremental"
    assert town.together() == town.rebuilt()
    assert frozenset({("openrice", "o5"), ("chope", "c5"), ("keeta", "k5")}) in town.together()
    assert frozenset({("chope", "c7")}) in town.together()
    ids = town.restaurants()
    assert ids["openrice", "o9"] == ids["chope", "c9"], "a listing that is gone stays where it belonged"


def test_an_id_survives_the_end_of_any_listing_and_of_its_record(town: Town) -> None:
    settle(town, 24)
    town.unify()
    name = town.restaurants()["chope", "c3"]
    town.retire("openrice", "o3")
    town.unify()
    assert town.restaurants()["chope", "c3"] == name
    town.forget("openrice", "o3")
    town.unify()
    assert town.restaurants()["chope", "c3"] == name
    assert town.one(
        "SELECT count(*) FROM unified.members WHERE source_id = 'o3' AND removed_at IS NOT NULL AND NOT is_live"
    ) == (1,)


def test_a_decision_applies_to_every_run_until_it_is_withdrawn(town: Town) -> None:
    settle(town, 24)
    town.unify()
    before = town.restaurants()
    town.unify(("openrice/o3", "chope/c3", "different"))
    apart = town.restaurants()
    assert apart["openrice", "o3"] != apart["chope", "c3"]
    town.unify(rebuild=True)
    assert town.restaurants() == apart
    town.unify(("chope/c3", "openrice/o3", "withdrawn"))
    assert town.restaurants() == before
    kinds = town.ask("SELECT kind FROM unified.identity_turns WHERE kind <> 'founded' ORDER BY committed_at, kind")
    assert kinds == [("split",), ("merged",)]
    kept = "SELECT operation FROM lineage.changes WHERE dataset = 'decisions' ORDER BY committed_at"
    assert town.ask(kept) == [("insert",), ("remove",)]


def test_two_restaurants_that_a_person_merges_keep_the_older_id(town: Town) -> None:
    settle(town, 24)
    town.unify()
    ids = town.restaurants()
    town.unify((ids["chope", "c1"], ids["chope", "c2"], "same"))
    now = town.restaurants()
    assert len({now["chope", "c1"], now["chope", "c2"], now["openrice", "o1"], now["openrice", "o2"]}) == 1
    merged = town.ask("SELECT restaurant_id, merged_into FROM unified.restaurants WHERE removed_at IS NOT NULL")
    assert merged == [({ids["chope", "c1"], ids["chope", "c2"]}.difference(now.values()).pop(), now["chope", "c1"])]
    assert town.one("SELECT DISTINCT decided_by FROM unified.members WHERE source_id = 'c1'") == ("person",)


def test_a_word_that_cannot_be_taken_says_why_and_changes_nothing(town: Town) -> None:
    settle(town, 3)
    town.unify()
    for one, other, verdict, reason in (
        ("openrice", "chope/c1", "same", "names no listing"),
        ("openrice/o99", "chope/c1", "same", "the lake holds no listing openrice/o99"),
        ("rest-nowhere", "chope/c1", "same", "there is no restaurant rest-nowhere"),
        ("chope/c1", "chope/c1", "same", "the same listing"),
        ("chope/c1", "openrice/o1", "perhaps", "no verdict"),
        ("chope/c1", "openrice/o1", "withdrawn", "nothing was decided"),
    ):
        with pytest.raises(UsageError, match=reason):
            town.unify((one, other, verdict))
        assert town.one("SELECT count(*) FROM unified.runs") == (1,)


def test_a_listing_that_its_platform_moved_belongs_to_the_same_restaurant(town: Town) -> None:
    settle(town, 24)
    town.list("openrice", "o99", **place(3, address_en="9/F, 1 Sai Yee Street", latitude=22.31, longitude=114.17))
    town.list("openrice", "o3", **place(3), moved_to_id="o99", status="closed")
    town.unify()
    ids = town.restaurants()
    assert ids["openrice", "o3"] == ids["openrice", "o99"]
    assert town.one(f"SELECT status FROM unified.restaurants WHERE restaurant_id = '{ids['openrice', 'o3']}'") == (
        "open",
    )


def test_a_model_for_few_listings_is_estimated_again_for_many(town: Town) -> None:
    settle(town, 6)
    town.unify()
    settle(town, 24)
    outcome = town.unify()
    assert outcome.run["mode"] == "full"
    assert town.one("SELECT count(*) FROM unified.models") == (2,)
