"""Listings of other countries, whose names are in any script: few pairs are wrong, and few are missed."""

from __future__ import annotations

import pytest

from sync_platform.matching.clusters import build_clusters
from sync_platform.matching.linkage import link

from .foreign_listings import COUNTRIES, Country, foreign_listings


@pytest.mark.parametrize("country", COUNTRIES)
def test_places_of_other_countries_are_found(country: Country) -> None:
    table, both = foreign_listings(country, seed=11)
    linkage = link(table)
    ids = linkage.listings["source_id"].to_list()
    found = [tuple(ids[one] for one in pair) for pair in build_clusters(linkage).members().values() if len(pair) == 2]
    right = sum(one == other for one, other in found)
    print(f"precision {right / len(found):.4f}, recall {right / len(both):.4f}")
    assert right / len(found) > 0.98
    assert right / len(both) > 0.8
