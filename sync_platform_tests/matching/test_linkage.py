"""Properties for all listings: order changes nothing, a model is a value, decisions override evidence."""

from __future__ import annotations

from itertools import combinations

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_platform.errors import UsageError
from sync_platform.matching.clusters import Clusters, build_clusters
from sync_platform.matching.comparisons import COMPARISONS
from sync_platform.matching.decided_pairs import Decision
from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.linkage import Linkage, link
from sync_platform.matching.listing_table import SCHEMA, to_listing_table
from sync_platform.matching.matches import PAIR_SCHEMA, cluster_table, matched_pairs, review_pairs
from sync_platform.matching.model import Model, initial_parameters, read_model, write_model
from sync_platform.matching.thresholds import Thresholds
from sync_platform_tests.extent import examples

from .conftest import LinkedCity
from .hard_cases import CASES, bystanders, table_of


def _sets(linkage: Linkage, clusters: Clusters) -> set[frozenset[tuple[str, str]]]:
    keys = list(linkage.listings.select("source", "source_id").iter_rows())
    return {frozenset(keys[member] for member in members) for members in clusters.members().values()}


def _whole(listings: pl.DataFrame) -> set[frozenset[tuple[str, str]]]:
    linkage = link(listings)
    return _sets(linkage, build_clusters(linkage))


@pytest.fixture(scope="module")
def table() -> pl.DataFrame:
    return table_of(*CASES, bystanders())


@settings(max_examples=examples(4), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1000))
def test_the_order_of_listings_and_sources_changes_no_cluster(seed: int, table: pl.DataFrame) -> None:
    assert _whole(table.sample(fraction=1, shuffle=True, seed=seed)) == _whole(table)


def test_linking_again_gives_the_same_model_and_the_same_bits(small_city: LinkedCity) -> None:
    again = link(small_city.listings.sample(fraction=1, shuffle=True, seed=3))
    assert write_model(again.model) == write_model(small_city.linkage.model)
    assert np.array_equal(again.bits, small_city.linkage.bits)


def test_the_score_of_a_pair_does_not_depend_on_other_rows(small_city: LinkedCity) -> None:
    """With a given model. This is why incremental and full runs agree."""
    model = small_city.linkage.model
    part = link(small_city.listings.sample(fraction=0.5, seed=1), model)

    def scores(linkage: Linkage) -> dict[tuple[object, object], float]:
        keys = list(linkage.listings.select("source", "source_id").iter_rows())
        pairs = zip(linkage.left.tolist(), linkage.right.tolist(), linkage.bits.tolist(), strict=True)
        return {(keys[one], keys[other]): bits for one, other, bits in pairs}

    whole, some = scores(link(small_city.listings, model)), scores(part)
    kept = set(part.listings.select("source", "source_id").iter_rows())
    assert some == {pair: bits for pair, bits in whole.items() if pair[0] in kept and pair[1] in kept}
    assert len(some) > 500


def test_a_model_is_a_value_that_can_be_saved(small_city: LinkedCity) -> None:
    model = small_city.linkage.model
    assert read_model(write_model(model)) == model
    with pytest.raises(UsageError, match="not a model"):
        read_model(b"{}")


@settings(max_examples=examples(60), deadline=None)
@given(st.data())
def test_no_cluster_has_two_unmarked_listings_of_one_source_for_any_scores(data: st.DataObject) -> None:
    count = data.draw(st.integers(2, 9))
    sources = [data.draw(st.sampled_from("abc")) for _ in range(count)]
    listings = pl.DataFrame(
        {
            "source": sorted(sources),
            "source_id": [f"{number}" for number in range(count)],
            "is_duplicate": [data.draw(st.booleans()) for _ in range(count)],
        }
    )
    pairs = list(combinations(range(count), 2))
    likeness = [[data.draw(st.integers(-1, len(comparison.levels) - 1)) for comparison in COMPARISONS] for _ in pairs]
    levels = np.array(likeness, dtype=np.int8)
    model = Model(0.1, initial_parameters(), Frequencies())
    linkage = Linkage(
        listings,
        model,
        np.array([pair[0] for pair in pairs]),
        np.array([pair[1] for pair in pairs]),
        levels,
        model.bits(levels),
        np.zeros(len(pairs)),
        pl.DataFrame,
        [],
    )
    clusters = build_clusters(linkage)
    for members in clusters.members().values():
        unmarked = [listings.row(member)[0] for member in members if not listings.row(member)[2]]
        assert len(unmarked) == len(set(unmarked))
        assert clusters.labels[members[0]] == min(members)


def test_a_decision_outweighs_evidence_and_the_rule_of_one_per_source(table: pl.DataFrame) -> None:
    linkage = link(table)
    one, other = ("a", "next1"), ("b", "next1")
    joined = _sets(linkage, build_clusters(linkage, decisions=[Decision(one, other, same=True)]))
    assert any({one, other} <= members for members in joined)
    first, second = ("a", "sign1"), ("b", "sign1")
    apart = _sets(linkage, build_clusters(linkage, decisions=[Decision(first, second, same=False)]))
    assert not any({first, second} <= members for members in apart)
    twice = _sets(linkage, build_clusters(linkage, decisions=[Decision(("a", "1"), ("a", "2"), same=True)]))
    assert any({("a", "1"), ("a", "2")} <= members for members in twice)
    unknown = build_clusters(linkage, decisions=[Decision(("x", "1"), one, same=True)])
    assert _sets(linkage, unknown) == _sets(linkage, build_clusters(linkage))


def test_every_two_listings_of_a_cluster_are_a_pair_with_evidence(small_city: LinkedCity) -> None:
    pairs = matched_pairs(small_city.linkage, small_city.clusters)
    assert dict(pairs.schema) == PAIR_SCHEMA
    across = pairs.filter(pl.col("source_a") != pl.col("source_b"))
    found = {((row[0], row[1]), (row[2], row[3])) for row in across.iter_rows()}
    assert found == small_city.found
    assert pairs["probability"].is_between(0, 1).all()
    evidence = pairs["evidence"].str.json_path_match("$.words")
    assert evidence.is_not_null().all()
    through = pairs["evidence"].str.contains('"through"')
    assert through.any() and not through.all()


def test_review_pairs_are_in_different_clusters_and_likeliest_first(small_city: LinkedCity) -> None:
    review = review_pairs(small_city.linkage, small_city.clusters, Thresholds(0.5, 0.01))
    label = dict(zip(small_city.keys, small_city.clusters.labels.tolist(), strict=True))
    assert review.height > 0
    assert all(label[row[0], row[1]] != label[row[2], row[3]] for row in review.iter_rows())
    assert review["probability"].is_sorted(descending=True)
    assert review["probability"].min() >= 0.01  # type: ignore[operator]


def test_every_listing_is_in_one_cluster(small_city: LinkedCity) -> None:
    table = cluster_table(small_city.linkage, small_city.clusters)
    assert table.height == small_city.listings.height
    assert table["cluster_id"].unique().sort().to_list() == list(range(1, table["cluster_id"].n_unique() + 1))


def test_arrow_tables_and_duckdb_relations_are_accepted(table: pl.DataFrame) -> None:
    expected = to_listing_table(table).table
    assert to_listing_table(table.to_arrow()).table.equals(expected)
    with duckdb.connect() as connection:
        connection.register("listings", table.to_arrow())
        assert to_listing_table(connection.sql("SELECT * FROM listings")).table.equals(expected)


def test_no_listings_and_one_listing_can_be_linked() -> None:
    assert matched_pairs(*_linked(pl.DataFrame(schema=SCHEMA))).height == 0
    one = pl.DataFrame({"source": ["a"], "source_id": ["1"], "name_en": ["Amber Oven"]})
    assert cluster_table(*_linked(one)).rows() == [(1, "a", "1", False)]


def _linked(table: pl.DataFrame) -> tuple[Linkage, Clusters]:
    linkage = link(table)
    return linkage, build_clusters(linkage)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"source_id": ["1"]}, "needs a column source"),
        ({"source": ["a"]}, "needs a column source_id"),
        ({"source": ["a", "a"], "source_id": ["1", None]}, "1 listings have no source_id"),
        ({"source": ["a", "a"], "source_id": ["1", "1"]}, "a has the id 1 more than once"),
    ],
)
def test_a_table_without_listings_is_refused(columns: dict[str, list[str]], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        to_listing_table(pl.DataFrame(columns))


def test_impossible_coordinates_are_left_out_and_counted() -> None:
    listings = to_listing_table(
        pl.DataFrame(
            {
                "source": ["a"] * 5,
                "id": ["1", "2", "3", "4", "5"],
                "lat": ["22.3", "91", "0", "north", "22.3"],
                "lng": ["114.2", "114.2", "0", "114.2", ""],
            }
        )
    )
    assert listings.table["latitude"].to_list() == [22.3, None, None, None, None]
    assert [warning.split(";")[0] for warning in listings.warnings] == [
        "1 listings have coordinates that are no numbers",
        "1 listings have coordinates out of range",
    ]
