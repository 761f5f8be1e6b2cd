"""Hand-written hard cases: each alone in a table of a few rows, and all together with unrelated places."""

from __future__ import annotations

from itertools import combinations

import pytest

from sync_platform.matching.clusters import build_clusters
from sync_platform.matching.linkage import link

from .hard_cases import CASES, Case, bystanders, listing, table_of


def _wrong(case: Case, *others: Case) -> list[str]:
    """The wrongly matched and wrongly separated pairs of the case."""
    linkage = link(table_of(case, *others))
    keys = linkage.listings.select("source", "source_id").iter_rows()
    labels = dict(zip(keys, build_clusters(linkage).labels.tolist(), strict=True))
    wrong = []
    for (place, one), (other_place, other) in combinations(case.listings, 2):
        joined = labels[one["source"], one["source_id"]] == labels[other["source"], other["source_id"]]
        if joined != (place == other_place):
            wrong.append(f"{one['source']} {one['source_id']} and {other['source']} {other['source_id']}: {joined}")
    return wrong


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_hard_case_alone(case: Case) -> None:
    assert _wrong(case) == []


def test_hard_cases_among_bystanders() -> None:
    everything = Case("all", tuple((f"{case.name} {place}", found) for case in CASES for place, found in case.listings))
    assert _wrong(everything, bystanders()) == []


def test_other_cities_and_few_columns_are_enough() -> None:
    """Name, address, city, phone and cuisine, as American guides write them."""
    columns = ("name_en", "address_en", "city", "phone")
    rows = (
        ("a", "mario's trattoria", "12 w. 9th st.", "new york", "212/555-0171"),
        ("a", "trattoria mario", "12 W 9th Street", "new york city", "212-555-0171"),
        ("b", "blue door cafe", "800 n. main ave.", "austin", "512/555-0133"),
        ("b", "the blue door", "800 N. Main Avenue", "austin", "512-555-0133"),
        ("c", "harbor grill", "1 pier rd.", "boston", "617/555-0199"),
        ("d", "harbor grill", "77 ocean dr.", "miami", "305-555-0142"),
    )
    listings = tuple(
        (place, listing(("first", "second")[number % 2], str(number), **dict(zip(columns, values, strict=True))))
        for number, (place, *values) in enumerate(rows)
    )
    assert _wrong(Case("guides", listings)) == []


@pytest.mark.parametrize("column", ["name_en", "phone"])
def test_one_column_beside_the_ids_is_enough(column: str) -> None:
    values = {"name_en": ("Amber Oven", "Basil Wharf"), "phone": ("23456789", "29998888")}[column]
    rows = [(str(number), {"source": source, "source_id": str(number), column: value}) for source in "ab"
            for number, value in enumerate(values)]  # fmt: skip
    assert _wrong(Case(column, tuple(rows))) == []
