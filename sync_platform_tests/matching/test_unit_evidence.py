"""Floors and units as sets: however they are written, and how much a difference says."""

from __future__ import annotations

import pytest

from sync_platform.matching.addresses import parse_addresses
from sync_platform.matching.unit_evidence import Relation, compare_floors, compare_units
from sync_platform.matching.units import parse_units


@pytest.mark.parametrize(
    "text",
    [
        "3-4/F, Po Hon Building, 24-30 Percival Street",
        "3/F-4/F, Po Hon Building, 24-30 Percival Street",
        "Levels 3 & 4, Po Hon Building, 24-30 Percival Street",
        "銅鑼灣波斯富街24-30號寶漢大廈3-4樓",
        "銅鑼灣波斯富街24-30號寶漢大廈3樓及4樓",
        "銅鑼灣波斯富街24-30號寶漢大廈三至四樓",
    ],
)
def test_one_set_of_floors_is_read_however_it_is_written(text: str) -> None:
    english, chinese = parse_addresses(text)
    assert english.floors | chinese.floors == {"3", "4"}


@pytest.mark.parametrize(
    ("text", "units"),
    [
        ("401-403", {"401", "402", "403"}),
        ("l-301至l-303", {"l301", "l302", "l303"}),
        ("gf-05", {"gf5"}),
        ("a-c", {"a", "b", "c"}),
        ("1215-17", {"1215", "1216", "1217"}),
        ("50b-5", {"50b5"}),
    ],
)
def test_ranges_of_units_are_their_codes(text: str, units: set[str]) -> None:
    assert parse_units(text) == units


@pytest.mark.parametrize(
    ("one", "other", "relation"),
    [
        ("401-403", "402", Relation.SAME),
        ("gb 14b-26", "gb14b-16", Relation.SAME),
        ("l-210", "210", Relation.ALIKE),
        ("m3", "m3a", Relation.ALIKE),
        ("401-403", "l-301至l-303", Relation.UNLIKE),
        ("r", "tks-03", Relation.UNLIKE),
        ("12", "14", Relation.DIFFERENT),
        ("a", "c", Relation.DIFFERENT),
        ("", "12", Relation.UNKNOWN),
    ],
)
def test_units_prove_two_places_only_where_they_are_of_one_numbering(one: str, other: str, relation: Relation) -> None:
    assert compare_units(parse_units(one), parse_units(other)) is relation
    assert compare_units(parse_units(other), parse_units(one)) is relation


@pytest.mark.parametrize(
    ("one", "other", "are_levels", "relation"),
    [
        ({"3", "4"}, {"4"}, False, Relation.SAME),
        ({"g"}, {"ug"}, False, Relation.ALIKE),
        ({"2"}, {"3"}, False, Relation.DIFFERENT),
        ({"2"}, {"3"}, True, Relation.UNLIKE),
        (set(), {"3"}, False, Relation.UNKNOWN),
    ],
)
def test_floors_prove_two_places_only_where_they_are_counted_alike(
    one: set[str], other: set[str], are_levels: bool, relation: Relation
) -> None:
    assert compare_floors(frozenset(one), frozenset(other), are_levels=are_levels) is relation
