"""Listings of the sandbox's city as the connectors read them, and the true places of these listings.

What belongs here: the way from a city to a table of listings, and its truth. The matcher never sees the truth.
"""

from __future__ import annotations

from itertools import combinations
from typing import Any

import polars as pl

from sync_platform.matching.listing_table import SCHEMA
from sync_platform.platforms import load_platforms
from sync_platform.sandbox.city import City
from sync_platform.sandbox.ground_truth import truth_rows
from sync_platform.sources.columns import Row
from sync_platform_tests.platforms.replay import over_sandbox

Id = tuple[str, str]
COLUMNS = {
    "name_en": "name",
    "name_zh": "",
    "address_en": "address",
    "address_zh": "",
    "phone": "",
    "latitude": "",
    "longitude": "",
    "cuisines": "",
    "licence_number": "food_license_number",
    "is_duplicate": "is_extended_listing",
}


def read_city(city: City) -> pl.DataFrame:
    """Every listing that the platforms show today, in the matcher's columns."""
    return pl.concat([read_platform(name, city) for name in load_platforms()])


def read_platform(name: str, city: City) -> pl.DataFrame:
    """Every listing that one platform shows today."""
    platform = load_platforms()[name]
    rows = over_sandbox(platform, city, only_first=True).rows(platform.datasets[0].name)
    schema = {column: kind for column, kind in SCHEMA.items() if column != "city"}
    return pl.DataFrame([as_listing(name, row) for row in rows], schema=schema)


def as_listing(platform: str, row: Row) -> dict[str, Any]:
    """A platform's row as a row of the listing table."""
    listing: dict[str, Any] = {"source": platform, "source_id": row.source_id}
    for column, other in COLUMNS.items():
        listing[column] = getattr(row, column, None) or (getattr(row, other, None) if other else None)
    listing["phone"] = "; ".join(getattr(row, "phones", [])) or listing["phone"]
    if platform == "data_gov_hk":
        listing["licence_number"] = row.source_id
    return listing


def places_of(city: City) -> dict[Id, str]:
    """The place of every listing."""
    return {(row[1], row[2]): row[0] for row in truth_rows(city)}


def true_pairs(listings: pl.DataFrame, places: dict[Id, str]) -> set[tuple[Id, Id]]:
    """Every pair of listings of different platforms that are one place, each in order."""
    by_place: dict[str, list[Id]] = {}
    for source, source_id in listings.select("source", "source_id").iter_rows():
        by_place.setdefault(places[source, source_id], []).append((source, source_id))
    return {pair for found in by_place.values() for pair in combinations(sorted(found), 2) if pair[0][0] != pair[1][0]}
