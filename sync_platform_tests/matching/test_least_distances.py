"""How far apart listings are at least: by coordinates, or by the areas that their addresses name."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sync_platform.matching.clusters import build_clusters
from sync_platform.matching.least_distances import LeastDistances
from sync_platform.matching.linkage import link
from sync_platform.quality.areas import (
    METRES_PER_DEGREE,
    METRES_PER_DEGREE_EAST,
    AreaKind,
    Box,
    NamedArea,
    all_areas,
    find_area,
)
from sync_platform_tests.matching.hard_cases import Case, listing, table_of

PLACES = [area for area in all_areas().values() if area.kind is not AreaKind.AREA]
UNKNOWN_M = float("nan")


def least_distance(one: tuple[float, float] | NamedArea | None, other: tuple[float, float] | NamedArea | None) -> float:
    """Metres at least between two listings, each at a point, in an area, or anywhere."""
    points = [place if isinstance(place, tuple) else (UNKNOWN_M, UNKNOWN_M) for place in (one, other)]
    areas = [place if isinstance(place, NamedArea) else None for place in (one, other)]
    distances = LeastDistances(*np.array(points).T, areas)
    first, second = np.array([0, 1]), np.array([1, 0])
    there, back = distances.between(first, second)
    assert there == back or np.isnan([there, back]).all()
    return float(there)


def area(name: str) -> NamedArea:
    found = find_area(name)
    assert found is not None
    return found


def point_in(box: Box, data: st.DataObject) -> tuple[float, float]:
    north, east = data.draw(st.floats(0, 1)), data.draw(st.floats(0, 1))
    return box.south + north * (box.north - box.south), box.west + east * (box.east - box.west)


@given(st.data(), st.sampled_from(PLACES), st.sampled_from(PLACES))
def test_a_least_distance_is_never_more_than_the_distance(
    data: st.DataObject, one: NamedArea, other: NamedArea
) -> None:
    mine, theirs = (point_in(data.draw(st.sampled_from(place.boxes)), data) for place in (one, other))
    distance = np.hypot((mine[0] - theirs[0]) * METRES_PER_DEGREE, (mine[1] - theirs[1]) * METRES_PER_DEGREE_EAST)
    assert least_distance(one, other) <= least_distance(mine, other) + 1e-6
    assert least_distance(mine, other) <= distance + 1e-6
    assert least_distance(mine, one) == least_distance(one, one) == 0


def test_areas_that_lie_apart_are_as_far_from_each_other_as_their_nearest_parts() -> None:
    assert 9_000 < least_distance(area("Central"), area("Tuen Mun")) < 30_000
    assert least_distance(area("Wan Chai"), area("Causeway Bay")) == 0
    assert least_distance((22.2819, 114.1582), area("Yuen Long")) > 10_000


def test_nothing_is_known_without_a_place() -> None:
    assert np.isnan(least_distance(None, area("Central")))
    assert np.isnan(least_distance((22.2819, 114.1582), None))


def joined(*listings: dict[str, object]) -> bool:
    """True where these listings, among others, come into one cluster."""
    bystanders = [
        listing(
            source, f"{source}{number}", name_en=f"Bystander {word}", address_en=f"{number + 40} {word} Road, Tai Po"
        )
        for number, word in enumerate(("Ash", "Birch", "Cedar", "Elm", "Fir", "Hazel", "Larch", "Maple", "Oak", "Pine"))
        for source in ("foodpanda", "register")
    ]
    table = table_of(Case("", tuple((str(number), row) for number, row in enumerate([*bystanders, *listings]))))
    linkage = link(table)
    members = build_clusters(linkage).members().values()
    ids = linkage.listings["source_id"].to_list()
    wanted = {row["source_id"] for row in listings}
    return any(wanted <= {ids[position] for position in cluster} for cluster in members)


def test_one_number_and_one_unit_in_two_districts_are_two_places() -> None:
    """The streets cannot be compared, because one is translated; the districts can."""
    delivery = {"name_en": "Top Steak Lab", "address_en": "Shop 11, G/F, 11 Stanley Street, Central"}
    licence = {"name_zh": "糖水蘇", "address_zh": "中環士丹利街11號地下11號舖"}
    elsewhere = {"name_zh": "糖水蘇", "address_zh": "元朗鳳攸北街11號地下11號舖"}
    assert joined(listing("foodpanda", "1", **delivery), listing("register", "2", **licence))
    assert not joined(listing("foodpanda", "1", **delivery), listing("register", "2", **elsewhere))


def test_the_coordinates_of_one_listing_are_compared_with_the_area_of_the_other() -> None:
    delivery = {"name_en": "Top Steak Lab", "address_en": "Shop 11, G/F, 11 Stanley Street"}
    licence = {"name_zh": "糖水蘇", "address_zh": "元朗鳳攸北街11號地下11號舖"}
    assert joined(listing("foodpanda", "1", **delivery), listing("register", "2", **licence))
    in_central = {"latitude": 22.2817, "longitude": 114.1555}
    assert not joined(listing("foodpanda", "1", **delivery, **in_central), listing("register", "2", **licence))
