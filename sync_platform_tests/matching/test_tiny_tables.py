"""Tiny and uniform tables of listings: every one gives a result, and a message where nothing can match."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from sync_platform.matching.clusters import build_clusters
from sync_platform.matching.linkage import link
from sync_platform.matching.listing_table import SCHEMA
from sync_platform.matching.matches import cluster_table, matched_pairs
from sync_platform.matching.model import read_model, write_model

LANTERN: dict[str, Any] = {
    "name_en": "Golden Lantern", "address_en": "5 Nathan Road", "phone": "23456789", "latitude": 22.3,
    "longitude": 114.17,
}  # fmt: skip
PEONY = {"name_en": "Red Peony", "address_en": "77 Java Road", "phone": "29999999"}


def _listings(source: str, *columns: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"source": source, "source_id": str(number), **each} for number, each in enumerate(columns)]


def _nameless(count: int) -> list[dict[str, Any]]:
    return [
        {**LANTERN, "name_en": None, "phone": f"2345{n:04}", "address_en": f"{n + 1} Java Road"} for n in range(count)
    ]


TABLES: dict[str, tuple[list[dict[str, Any]], int, int, str]] = {
    "no row": ([], 0, 0, "there are no listings"),
    "one row": (_listings("a", LANTERN), 0, 1, "all listings are of one source, a"),
    "one listing twice in one source": (_listings("a", LANTERN, LANTERN), 0, 2, "all listings are of one source, a"),
    "one by one, the same": (_listings("a", LANTERN) + _listings("b", LANTERN), 1, 1, ""),
    "one by one, different": (_listings("a", LANTERN) + _listings("b", PEONY), 0, 2, "no two listings were compared"),
    "ids only": (_listings("a", {}, {}) + _listings("b", {}, {}), 0, 4, "no two listings were compared"),
    "all names null": (_listings("a", *_nameless(8)) + _listings("b", *_nameless(8)), 8, 8, ""),
    "all names placeholders": (
        _listings("a", {"name_en": "(no record found)", "phone": "-"})
        + _listings("b", {"name_en": "(no record found)", "phone": "-"}),
        0, 2, "no two listings were compared",
    ),
    "all rows alike": (_listings("a", *[LANTERN] * 5) + _listings("b", *[LANTERN] * 5), 5, 5, ""),
    "too many rows alike": (
        _listings("a", *[LANTERN] * 60) + _listings("b", *[LANTERN] * 60), 0, 120, "no two listings were compared"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("rows", "pairs", "places", "words"), TABLES.values(), ids=TABLES.keys())
def test_a_tiny_table_gives_a_result_or_says_why_nothing_matches(
    rows: list[dict[str, Any]], pairs: int, places: int, words: str
) -> None:
    table = pl.DataFrame(rows, schema=None if rows else SCHEMA)
    linkage = link(table)
    clusters = build_clusters(linkage)
    assert matched_pairs(linkage, clusters).height == pairs
    assert cluster_table(linkage, clusters)["cluster_id"].n_unique() == places
    assert [warning for warning in linkage.warnings if words not in warning] == []
    assert bool(linkage.warnings) == bool(words)
    again = link(table, read_model(write_model(linkage.model)))
    assert again.bits.tolist() == linkage.bits.tolist()
