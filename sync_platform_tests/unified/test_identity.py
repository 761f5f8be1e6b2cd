"""Ids are stable through merges, splits, new evidence, and the removal of any listing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from sync_platform.unified.identity import Founding, Identities, Key, identify

BEGIN = datetime(2026, 11, 1, tzinfo=UTC)
Clusters = Sequence[Sequence[Key]]
LISTINGS: list[Key] = [(platform, str(number)) for platform in ("chope", "keeta", "openrice") for number in range(3)]
FIRST_SEEN = {listing: BEGIN + timedelta(hours=number % 4) for number, listing in enumerate(LISTINGS)}


class Registry:
    """The restaurant of each listing over several runs; every run sees all listings."""

    def __init__(self) -> None:
        self.ids: dict[Key, str] = {}
        self.known: dict[str, Founding] = {}
        self.runs = 0

    def run(self, clusters: Clusters) -> Identities:
        self.runs += 1
        identities = identify(clusters, self.ids, self.known, FIRST_SEEN, BEGIN + timedelta(days=self.runs))
        self.known |= identities.foundings
        for name in identities.merged_into:
            self.known[name] = Founding(name, self.known[name].founded_by, self.known[name].founded_at, is_live=False)
        self.ids = {key: name for name, cluster in zip(identities.ids, clusters, strict=True) for key in cluster}
        return identities


@st.composite
def partitions(draw: st.DrawFn, listings: Sequence[Key] = LISTINGS) -> Clusters:
    """Any partition of the listings into clusters."""
    labels = draw(st.lists(st.integers(0, 4), min_size=len(listings), max_size=len(listings)))
    clusters: dict[int, list[Key]] = {}
    for label, listing in zip(labels, listings, strict=True):
        clusters.setdefault(label, []).append(listing)
    return draw(st.permutations(list(clusters.values())))


@given(before=st.lists(partitions(), max_size=3), one=partitions(), between=st.lists(partitions(), max_size=3))
def test_the_same_clusters_are_the_same_restaurants_after_any_other_clusters(
    before: list[Clusters], one: Clusters, between: list[Clusters]
) -> None:
    registry = Registry()
    for clusters in before:
        registry.run(clusters)
    registry.run(one)
    first = dict(registry.ids)
    for clusters in between:
        registry.run(clusters)
    registry.run(one)
    assert registry.ids == first


@given(course=st.lists(partitions(), min_size=1, max_size=5))
def test_every_cluster_is_one_restaurant_and_every_restaurant_one_cluster(course: list[Clusters]) -> None:
    registry = Registry()
    for clusters in course:
        identities = registry.run(clusters)
        assert len(set(identities.ids)) == len(identities.ids) == len(clusters)
        live = {name for name, founding in registry.known.items() if founding.is_live}
        assert live == set(identities.ids)


@given(course=st.lists(partitions(), min_size=2, max_size=4), data=st.data())
def test_the_order_of_clusters_makes_no_difference(course: list[Clusters], data: st.DataObject) -> None:
    one, other = Registry(), Registry()
    for clusters in course:
        one.run(clusters)
        other.run(data.draw(st.permutations(clusters)))
    assert one.ids == other.ids


@given(course=st.lists(partitions(), min_size=1, max_size=4))
def test_every_listing_that_changes_its_restaurant_is_in_an_event(course: list[Clusters]) -> None:
    registry = Registry()
    for clusters in course:
        before = dict(registry.ids)
        identities = registry.run(clusters)
        in_events = {listing for event in identities.events for listing in event.listings}
        moved = {key for key, name in registry.ids.items() if key in before and before[key] != name}
        assert in_events == moved


def test_the_older_of_two_merged_restaurants_stays_and_the_other_names_it() -> None:
    registry = Registry()
    registry.run([LISTINGS[:2]])
    (older,) = set(registry.ids.values())
    registry.run([LISTINGS[:2], LISTINGS[2:4]])
    younger = registry.ids[LISTINGS[2]]
    identities = registry.run([LISTINGS[:4]])
    assert set(registry.ids.values()) == {older}
    assert identities.merged_into == {younger: older}
    assert [(event.kind, event.restaurant_id, event.other_id) for event in identities.events] == [
        ("merged", younger, older)
    ]


def test_a_restaurant_split_off_again_has_its_old_id() -> None:
    registry = Registry()
    registry.run([LISTINGS[:2], LISTINGS[2:4]])
    younger = registry.ids[LISTINGS[2]]
    registry.run([LISTINGS[:4]])
    identities = registry.run([LISTINGS[:2], LISTINGS[2:4]])
    assert registry.ids[LISTINGS[2]] == younger
    assert [(event.kind, event.restaurant_id) for event in identities.events] == [("revived", younger)]


def test_a_restaurant_outlives_the_record_of_its_founding_listing() -> None:
    registry = Registry()
    registry.run([LISTINGS[:3]])
    (name,) = set(registry.ids.values())
    founder = registry.known[name].founded_by
    rest = [listing for listing in LISTINGS[:3] if listing != founder]
    registry.run([rest])
    assert set(registry.ids.values()) == {name}


def test_a_restaurant_without_listings_ends() -> None:
    registry = Registry()
    registry.run([LISTINGS[:1], LISTINGS[1:2]])
    name = registry.ids[LISTINGS[0]]
    identities = registry.run([LISTINGS[1:2]])
    assert identities.merged_into == {name: None}
    assert [event.kind for event in identities.events] == ["ended"]
