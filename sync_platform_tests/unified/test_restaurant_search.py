"""Restaurants are found by name in both scripts, by area, cuisine, point and hours, and each once on all pages."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import polars as pl
import pytest

from sync_platform.sources.period import HONG_KONG
from sync_platform.unified.restaurant_index import COLUMNS, CUISINES, RestaurantIndex
from sync_platform.unified.restaurant_search import RestaurantQuery, SearchCircle, search

NOON = datetime(2026, 11, 23, 12, tzinfo=HONG_KONG)
PLACES: list[dict[str, Any]] = [
    {
        "name_en": "Café Deco",
        "name_zh": None,
        "neighbourhood": "causeway-bay",
        "district": "wan-chai",
        "cuisines": ["western"],
        "cuisines_en": ["Western"],
        "cuisines_zh": ["西餐"],
        "review_count": 9,
    },
    {
        "name_en": "Deco",
        "name_zh": "裝飾餐廳",
        "district": "wan-chai",
        "cuisines": ["cantonese", "dim-sum"],
        "cuisines_en": ["Cantonese", "Dim sum"],
        "cuisines_zh": ["粵菜", "點心"],
    },
    {
        "name_en": "Lung King Heen",
        "name_zh": "龍景軒",
        "neighbourhood": "central",
        "district": "central-and-western",
        "cuisines": ["Cantonese"],
        "review_count": 5,
    },
    {"name_en": "Lung Wah", "name_zh": "龍華", "district": "sha-tin", "review_count": 5},
    {"name_en": "Joe's Noodles", "name_zh": None, "district": None, "status": "closed"},
]
USUAL = {"latitude": None, "longitude": None, "status": "open", "opening_hours_osm": None, "review_count": None}


def _index(places: list[dict[str, Any]]) -> RestaurantIndex:
    rows = [
        {**dict.fromkeys(COLUMNS), **USUAL, "restaurant_id": f"rest-{number:03d}", **place}
        for number, place in enumerate(places)
    ]
    lists = dict.fromkeys((*CUISINES, "district_evidence", "phones", "platforms"), pl.List(pl.String))
    types = {**dict.fromkeys(COLUMNS, pl.String), **lists, "review_count": pl.Int64}
    frame = pl.DataFrame(rows, schema={**types, "latitude": pl.Float64, "longitude": pl.Float64})
    ordered = frame.sort(pl.col("review_count").fill_null(-1), "restaurant_id", descending=[True, False])
    return RestaurantIndex(ordered)


def _found(index: RestaurantIndex, **filters: Any) -> list[str]:
    return [row["name_en"] for row in search(index, RestaurantQuery(NOON, **filters), 50).rows]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("cafe", ["Café Deco"]),
        ("DECO", ["Deco", "Café Deco"]),  # the exact name first
        ("lung k", ["Lung King Heen"]),
        ("龍", ["Lung King Heen", "Lung Wah"]),
        ("龙景", ["Lung King Heen"]),  # Simplified
        ("龍景軒", ["Lung King Heen"]),
        ("龍軒景", []),
        ("joes", ["Joe's Noodles"]),
        ("oodles", []),
        ("lung 華", ["Lung Wah"]),
        ("!", []),
    ],
)
def test_a_name_is_found_in_both_scripts(name: str, expected: list[str]) -> None:
    assert _found(_index(PLACES), name=name) == expected


def test_a_district_has_its_neighbourhoods_under_any_of_its_names() -> None:
    index = _index(PLACES)
    assert _found(index, district="Wan Chai") == _found(index, district="灣仔") == ["Café Deco", "Deco"]
    assert _found(index, district="Causeway Bay") == ["Café Deco"]
    assert _found(index, district="Central") == ["Lung King Heen"]
    assert _found(index, district="Atlantis") == []


def test_a_cuisine_is_found_by_its_words() -> None:
    index = _index(PLACES)
    assert _found(index, cuisine="cantonese") == ["Lung King Heen", "Deco"]
    assert _found(index, cuisine="Dim Sum", district="Wan Chai") == ["Deco"]
    assert _found(index, cuisine="點心") == _found(index, cuisine="dim-sum") == ["Deco"]
    assert _found(index, cuisine="food") == []


def test_near_a_point_the_nearest_come_first() -> None:
    index = _index(
        [
            {"name_en": "far", "latitude": 22.29, "longitude": 114.17, "review_count": 99},
            {"name_en": "near", "latitude": 22.2805, "longitude": 114.17},
            {"name_en": "nowhere"},
            {"name_en": "in Sha Tin", "latitude": 22.38, "longitude": 114.19},
        ]
    )
    results = search(index, RestaurantQuery(NOON, near=SearchCircle(22.28, 114.17, 2_000)), 50)
    assert [(row["name_en"], round(row["distance_m"], -1)) for row in results.rows] == [("near", 60.0), ("far", 1110.0)]


def test_a_name_is_found_with_its_branch_and_without() -> None:
    index = _index([{"name_en": "Lantern", "branch_en": "North Point"}, {"name_en": "Lantern", "branch_en": "Central"}])
    assert len(_found(index, name="lantern")) == 2
    assert _found(index, name="Lantern North Point") == ["Lantern"]


def test_open_now_counts_only_those_that_are_known_to_be_open_and_trade() -> None:
    hours = "Mo 11:00-22:00"
    index = _index(
        [
            {"name_en": "open", "opening_hours_osm": hours},
            {"name_en": "shut", "opening_hours_osm": "Mo 18:00-22:00"},
            {"name_en": "gone", "opening_hours_osm": hours, "status": "closed"},
            {"name_en": "unknown"},
        ]
    )
    assert _found(index, open_at=NOON) == ["open"]
    every = {row["name_en"]: row["is_open_now"] for row in search(index, RestaurantQuery(NOON), 50).rows}
    assert every == {"open": True, "shut": False, "gone": False, "unknown": None}


@pytest.mark.parametrize("near", [None, SearchCircle(22.28, 114.17, 10_000)])
@pytest.mark.parametrize("limit", [1, 3, 7])
def test_each_restaurant_is_on_one_page(limit: int, near: SearchCircle | None) -> None:
    places = [
        {
            "name_en": "Deco",
            "latitude": 22.28 + number % 5 / 1000,
            "longitude": 114.17,
            "review_count": number % 3 or None,
        }
        for number in range(40)
    ]
    index, query = _index(places), RestaurantQuery(NOON, name="deco", near=near)
    listed, after = [], None
    while True:
        page = search(index, query, limit, after)
        listed += [row["restaurant_id"] for row in page.rows]
        after = page.after
        assert page.total == 40
        if after is None:
            break
    assert (len(listed), len(set(listed))) == (40, 40)
    assert listed == [row["restaurant_id"] for row in search(index, query, 50).rows]
