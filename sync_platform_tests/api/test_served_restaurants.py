"""The restaurants of the load test (benchmarks/served_restaurants.py) are in the lake as a sync would write them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from benchmarks.served_restaurants import make_home
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.unified.restaurant_index import read_index
from sync_platform.unified.restaurant_search import RestaurantQuery, search

SUNDAY_NOON = datetime(2026, 11, 29, 4, tzinfo=UTC)


def test_the_load_tests_restaurants_are_found_by_every_filter_of_a_search(tmp_path: Path) -> None:
    settings = make_home(tmp_path, 200)
    with Lake(LakeAddress.of(settings)) as lake, lake.session() as session:
        index = read_index(session)
    for query in (
        RestaurantQuery(SUNDAY_NOON, name="dragon"),
        RestaurantQuery(SUNDAY_NOON, district="Wan Chai"),
        RestaurantQuery(SUNDAY_NOON, cuisine="Thai"),
        RestaurantQuery(SUNDAY_NOON, open_at=SUNDAY_NOON),
    ):
        assert 0 < search(index, query, limit=500).total < 200, query
