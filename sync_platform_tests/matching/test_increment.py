"""Batches compared with rebuilds: any batches in any order give the clusters of a full run."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from hashlib import md5
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_platform.matching import blocking
from sync_platform.matching.clusters import Clusters, build_clusters
from sync_platform.matching.decided_pairs import Decision
from sync_platform.matching.increment import Increment, relink
from sync_platform.matching.linkage import Linkage, link
from sync_platform.matching.linkage_state import KEY_SCHEMA, LINK_SCHEMA, LinkageState, key_table, link_table
from sync_platform.matching.listing_table import SCHEMA
from sync_platform.matching.matches import PAIR_SCHEMA, explain_links, review_pairs
from sync_platform.matching.model import Model
from sync_platform.matching.thresholds import Thresholds
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.extent import examples

from .cities import Id
from .conftest import LinkedCity
from .hard_cases import CASES, bystanders, table_of

Cluster = frozenset[Id]
FEW = 5
"""MAX_LISTINGS_PER_KEY in these tests, so that keys become oversized and return to normal."""


@dataclass
class StoredLinkage:
    """Listings with their stored state and clusters, updated by batches."""

    state: LinkageState
    model: Model
    thresholds: Thresholds = field(default_factory=Thresholds)
    decisions: list[Decision] = field(default_factory=list)
    cluster_of: dict[Id, Cluster] = field(default_factory=dict)

    @classmethod
    def empty(cls, connection: duckdb.DuckDBPyConnection, model: Model, schema: str = "main") -> StoredLinkage:
        """The state of no listings; `connection` is new."""
        state = LinkageState(connection, *(f"{schema}.{name}" for name in ("listings", "keys", "links")))
        connection.register("none", pl.DataFrame(schema=SCHEMA).to_arrow())
        connection.execute(f"CREATE TABLE {state.listings} AS FROM none")
        state.build(link(pl.DataFrame(schema=SCHEMA), model))
        return cls(state, model)

    def take(self, listings: pl.DataFrame, gone: Sequence[Id] = (), decisions: Sequence[Decision] = ()) -> Increment:
        """Apply a batch: new or changed listings, removed ids, and new decisions."""
        ids = [*listings.select("source", "source_id").iter_rows(), *gone]
        self._write(listings, ids)
        self.decisions += decisions
        ids += [one for decision in decisions for one in (decision.one, decision.other)]
        return self._relink(ids)

    def take_back(self, decision: Decision) -> Increment:
        self.decisions.remove(decision)
        return self._relink([decision.one, decision.other])

    def _relink(self, ids: list[Id]) -> Increment:
        touched = pl.DataFrame(ids, schema={"source": pl.String, "source_id": pl.String}, orient="row")
        increment = relink(self.state, self.model, touched, self.decisions, self.thresholds)
        increment.keep(self.state)
        for one in increment.replaced.iter_rows():
            self.cluster_of.pop(one, None)
        self.cluster_of |= clusters_of(
            increment.linkage, build_clusters(increment.linkage, self.thresholds, self.decisions)
        )
        return increment

    def _write(self, listings: pl.DataFrame, ids: list[Id]) -> None:
        connection, name = self.state.connection, self.state.listings
        connection.executemany(f"DELETE FROM {name} WHERE source = ? AND source_id = ?", ids or [("", "")])
        connection.register("changed", listings.select(list(SCHEMA)).to_arrow())
        connection.execute(f"INSERT INTO {name} FROM changed")
        connection.unregister("changed")

    def rows(self, relation: str) -> pl.DataFrame:
        return pl.DataFrame(self.state.connection.sql(f"FROM {relation} ORDER BY ALL").to_arrow_table())

    def require_as_rebuilt(self) -> None:
        """Check that the whole state is that of a full run with the same model."""
        linkage = link(self.rows(self.state.listings), self.model)
        assert self.cluster_of == clusters_of(linkage, build_clusters(linkage, self.thresholds, self.decisions))
        expected = link_table(linkage, self.thresholds)
        assert self.rows(self.state.links).rows() == expected.sort(list(LINK_SCHEMA)).rows()
        expected = key_table(linkage.listings, linkage.keys())
        assert self.rows(self.state.keys).rows() == expected.sort(list(KEY_SCHEMA)).rows()


def clusters_of(linkage: Linkage, clusters: Clusters) -> dict[Id, Cluster]:
    """The members of the cluster of each listing."""
    ids = list(linkage.listings.select("source", "source_id").iter_rows())
    clusters_by_id: dict[Id, Cluster] = {}
    for members in clusters.members().values():
        cluster = frozenset(ids[member] for member in members)
        clusters_by_id |= dict.fromkeys(cluster, cluster)
    return clusters_by_id


def _thin(number: int) -> dict[str, object]:
    only = {"source": "abcdefg"[number % 7], "source_id": f"thin{number}", "phone": f"2222333{number // 7}"}
    return {**dict.fromkeys(SCHEMA), **only}


@pytest.fixture(scope="module")
def pool(small_city: LinkedCity) -> pl.DataFrame:
    """Hard cases, listings with only a phone number that many have, and some places of a city."""
    places = sorted(set(small_city.places.values()))[:8]
    chosen = [small_city.places[row] in places for row in small_city.listings.select("source", "source_id").iter_rows()]
    city = small_city.listings.filter(chosen).with_columns(pl.lit(None, pl.String).alias("city"))
    return pl.concat([table_of(*CASES), _table(*map(_thin, range(14))), city.select(list(SCHEMA))])


@pytest.fixture(scope="module")
def model(small_city: LinkedCity) -> Model:
    return small_city.linkage.model


def batches(pool: pl.DataFrame) -> st.SearchStrategy[list[tuple[pl.DataFrame, list[Id], list[Decision]]]]:
    """Batches from the pool: listings as they are, with the values of another listing, or marked as second listings;
    removed or unknown ids; decisions about any two listings."""
    at = st.integers(0, pool.height - 1)
    ids = list(pool.select("source", "source_id").iter_rows())

    def changed(drawn: list[tuple[int, int, bool | None]]) -> pl.DataFrame:
        rows = {}
        for one, other, mark in drawn:
            row = {**pool.row(other, named=True), "source": ids[one][0], "source_id": ids[one][1]}
            rows[ids[one]] = row if mark is None else {**row, "is_duplicate": mark}
        return pl.DataFrame(list(rows.values()), schema=SCHEMA)

    near = st.tuples(at, st.integers(-3, 3)).map(lambda pair: (pair[0], min(max(0, sum(pair)), pool.height - 1)))
    row = st.tuples(near, st.sampled_from([None, None, None, True, False])).map(lambda found: (*found[0], found[1]))
    same_row = at.map(lambda number: (number, number, None))
    run = st.tuples(at, st.integers(1, 60)).map(
        lambda found: [(number, number, None) for number in range(found[0], min(sum(found), pool.height))]
    )
    rows = st.one_of(run, st.lists(st.one_of(row, same_row), max_size=12)).map(changed)
    decision = st.tuples(near, st.booleans()).map(lambda found: Decision(ids[found[0][0]], ids[found[0][1]], found[1]))
    decisions = st.lists(decision.filter(lambda found: found.one != found.other), max_size=3)
    gone = st.lists(at.map(ids.__getitem__), max_size=8)
    return st.lists(st.tuples(rows, gone, decisions), min_size=1, max_size=4)


@settings(max_examples=examples(3), deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_each_batch_gives_the_same_result_as_a_rebuild(data: st.DataObject, pool: pl.DataFrame, model: Model) -> None:
    with pytest.MonkeyPatch.context() as patch, duckdb.connect() as connection:
        patch.setattr(blocking, "MAX_LISTINGS_PER_KEY", data.draw(st.sampled_from([FEW, 1000])))
        kept = StoredLinkage.empty(connection, model)
        kept.thresholds = data.draw(st.sampled_from([Thresholds(), Thresholds(match=1.0)]))
        for listings, gone, decisions in data.draw(batches(pool)):
            leaving = [one for one in gone if one not in set(listings.select("source", "source_id").iter_rows())]
            known = {frozenset((made.one, made.other)) for made in kept.decisions}
            fresh = {frozenset((made.one, made.other)): made for made in decisions}
            kept.take(listings, leaving, [made for pair, made in fresh.items() if pair not in known])
            kept.require_as_rebuilt()
            if kept.decisions and data.draw(st.booleans()):
                kept.take_back(data.draw(st.sampled_from(kept.decisions)))
                kept.require_as_rebuilt()


@pytest.mark.full
def test_a_city_in_five_random_batches_has_the_clusters_of_one_run(city: LinkedCity) -> None:
    listings = city.listings.with_columns(pl.lit(None, pl.String).alias("city")).select(list(SCHEMA))
    shuffled = listings.sample(fraction=1, shuffle=True, seed=5)
    part = -(-shuffled.height // 5)
    with duckdb.connect() as connection:
        kept = StoredLinkage.empty(connection, city.linkage.model)
        for start in range(0, shuffled.height, part):
            kept.take(shuffled[start : start + part])
        kept.require_as_rebuilt()
        assert kept.cluster_of == clusters_of(city.linkage, city.clusters)


@pytest.fixture
def kept(model: Model) -> Iterator[StoredLinkage]:
    with duckdb.connect() as connection:
        yield StoredLinkage.empty(connection, model)


def _place(source: str, source_id: str, **values: object) -> dict[str, object]:
    return {
        **dict.fromkeys(SCHEMA),
        "source": source,
        "source_id": source_id,
        "name_en": "Copper Whale",
        "phone": "23938888",
        "address_en": "Shop 2, G/F, 41 Dundas Street, Mong Kok",
        **values,
    }


def _table(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=SCHEMA)


def test_a_removed_listing_splits_the_cluster_that_it_connected(kept: StoredLinkage) -> None:
    """Of three listings, only a person's decision connects the second and the third."""
    word = Decision(("b", "1"), ("c", "1"), same=True)
    kept.take(_table(_place("a", "1"), _place("b", "1"), {**_thin(2), "source_id": "1"}), decisions=[word])
    assert len(kept.cluster_of["a", "1"]) == 3
    found = kept.take(_table(), gone=[("b", "1")])
    assert found.linkage.listings.height == 2
    assert {len(cluster) for cluster in kept.cluster_of.values()} == {1}
    kept.take(_table(_place("b", "1")))
    assert len(kept.cluster_of["a", "1"]) == 3
    kept.require_as_rebuilt()


def test_a_key_that_becomes_oversized_makes_no_pairs(kept: StoredLinkage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocking, "MAX_LISTINGS_PER_KEY", FEW)
    kept.take(_table(*map(_thin, range(FEW))))
    assert {len(cluster) for cluster in kept.cluster_of.values()} == {FEW}
    kept.take(_table(_thin(FEW)))
    assert {len(cluster) for cluster in kept.cluster_of.values()} == {1}
    kept.take(_table(), gone=[("a", "thin0")])
    assert {len(cluster) for cluster in kept.cluster_of.values()} == {FEW}
    kept.require_as_rebuilt()


def test_a_second_listing_joins_once_it_is_marked(kept: StoredLinkage) -> None:
    kept.take(_table(_place("a", "1"), _place("a", "2")))
    assert {len(cluster) for cluster in kept.cluster_of.values()} == {1}
    kept.take(_table(_place("a", "2", is_duplicate=True)))
    assert {len(cluster) for cluster in kept.cluster_of.values()} == {2}
    kept.require_as_rebuilt()


def test_an_empty_batch_and_unknown_ids_change_nothing(kept: StoredLinkage) -> None:
    kept.take(_table(_place("a", "1"), _place("b", "1")))
    before = [kept.rows(name).rows() for name in (kept.state.keys, kept.state.links)]
    for gone in ([], [("x", "1")]):
        assert kept.take(_table(), gone=gone).linkage.listings.height == 0
    assert [kept.rows(name).rows() for name in (kept.state.keys, kept.state.links)] == before


def test_a_batch_affects_only_what_it_touches(kept: StoredLinkage) -> None:
    listings = table_of(bystanders())
    kept.take(listings)
    affected = kept.take(listings.filter(pl.col("source_id") == "by3")).linkage
    assert set(affected.listings["source_id"]) == {"by3"}


def test_a_rival_separates_only_candidates_also_where_it_is_not_in_the_linkage(kept: StoredLinkage) -> None:
    kept.thresholds = Thresholds(match=1.0)
    one, other = _place("a", "1", phone=None), _place("b", "1", phone=None)
    rival = _place("b", "2", phone=None, address_en=None)
    kept.take(_table(one, other))
    assert len(kept.cluster_of["a", "1"]) == 2
    assert kept.take(_table(rival)).linkage.listings.height == 3
    assert len(kept.cluster_of["a", "1"]) == 1
    kept.require_as_rebuilt()
    found = kept.take(_table(one)).linkage
    assert found.outside.rows() == [(0, "b")]
    assert len(kept.cluster_of["a", "1"]) == 1
    kept.require_as_rebuilt()
    kept.take(_table(), gone=[("b", "2")])
    assert len(kept.cluster_of["a", "1"]) == 2
    kept.require_as_rebuilt()


def test_a_listing_whose_candidates_stay_is_not_affected(kept: StoredLinkage) -> None:
    """The third has the telephone number of both, but not their name: it joins neither of them."""
    kept.take(_table(_place("a", "1"), _place("b", "1")))
    found = kept.take(_table(_place("c", "1", name_en="Jade Lotus", address_en=None))).linkage
    assert found.listings["source"].to_list() == ["c"]
    assert sorted(found.outside["source"]) == ["a", "b"]
    kept.require_as_rebuilt()


def test_another_session_can_use_the_state_in_a_lake(pool: pl.DataFrame, model: Model, tmp_path: Path) -> None:
    address = LakeAddress(f"sqlite:{tmp_path}/catalog.sqlite", f"{tmp_path}/data", tmp_path / "temp")
    shuffled = pool.sample(fraction=1, shuffle=True, seed=2)
    with Lake(address) as lake, lake.session() as session:
        session.execute("CREATE SCHEMA unified")
        kept = StoredLinkage.empty(session, model, "lake.unified")
        kept.take(shuffled[:100])
    with Lake(address) as lake, lake.session() as session:
        kept.state = replace(kept.state, connection=session)
        session.begin()
        kept.take(shuffled[100:], gone=shuffled[:5].select("source", "source_id").rows())
        session.commit()
        kept.require_as_rebuilt()


def test_a_key_has_the_same_hash_everywhere(kept: StoredLinkage) -> None:
    """Stored hashes must equal those of a later version."""
    kept.take(_table(_place("a", "1", name_en=None, address_en=None)))
    number = int.from_bytes(md5(b"phone 23938888").digest()[8:], "little") >> 1
    assert kept.rows(kept.state.keys).rows() == [("a", "1", number)]


def test_stored_links_have_the_evidence_of_the_linkage(small_city: LinkedCity) -> None:
    """So the review queue need not parse listings again."""
    linkage, thresholds = small_city.linkage, Thresholds(0.5, 0.01)
    review = review_pairs(linkage, small_city.clusters, thresholds)
    apart = link_table(linkage, thresholds).join(review, on=list(PAIR_SCHEMA)[:4], how="semi")
    assert review.height > 0
    assert explain_links(apart, linkage.model).sort(pl.all()).rows() == review.sort(pl.all()).rows()
