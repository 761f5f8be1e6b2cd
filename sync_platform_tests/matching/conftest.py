"""A city of the sandbox, parsed and linked once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import polars as pl
import pytest

from sync_platform.matching.clusters import Clusters, build_clusters
from sync_platform.matching.linkage import Linkage, link
from sync_platform.sandbox.city import City

from .cities import Id, places_of, read_city, true_pairs

TODAY = date(2026, 11, 24)


@dataclass(frozen=True)
class LinkedCity:
    """A city with its listings, the result of matching, and the true clusters."""

    city: City
    listings: pl.DataFrame
    linkage: Linkage
    clusters: Clusters

    @cached_property
    def keys(self) -> list[Id]:
        return list(self.linkage.listings.select("source", "source_id").iter_rows())

    @cached_property
    def places(self) -> dict[Id, str]:
        return places_of(self.city)

    @cached_property
    def truth(self) -> set[tuple[Id, Id]]:
        return true_pairs(self.listings, self.places)

    @cached_property
    def found(self) -> set[tuple[Id, Id]]:
        """Every pair of listings of different platforms in one cluster."""
        labels = dict(zip(self.keys, map(str, self.clusters.labels.tolist()), strict=True))
        return true_pairs(self.listings, labels)


def link_city(places: int, seed: int) -> LinkedCity:
    city = City(places, seed, TODAY)
    listings = read_city(city)
    linkage = link(listings)
    return LinkedCity(city, listings, linkage, build_clusters(linkage))


@pytest.fixture(scope="session")
def city() -> LinkedCity:
    return link_city(2000, 852)


@pytest.fixture(scope="session")
def small_city() -> LinkedCity:
    return link_city(300, 7)
