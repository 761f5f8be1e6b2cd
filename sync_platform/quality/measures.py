"""The measures of single records: each is an SQL condition that is true, false, or null where it cannot be judged.

A condition may use three relations: `m`, the measured record; `r`, the record of its platform that it refers to; `h`,
the row stored under its id before this sync. A dimension's score is the share of records without a false measure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sync_platform.quality.score import Dimension
from sync_platform.sources.columns import columns_of
from sync_platform.sources.declaration import Dataset

METRES_APART = 150
LATIN, CHINESE = "[A-Za-z0-9]", r"[\x{3400}-\x{9fff}\x{f900}-\x{faff}\x{20000}-\x{323af}]"
NAMES = ("name_en", "name_zh", "name")
ADDRESSES = ("address_en", "address_zh", "address")
ACROSS: Mapping[Dimension, tuple[str, ...]] = {
    "accuracy": ("register_name", "register_address", "register_licence"),
    "consistency": (
        "phone_across", "district_across", "place_across", "trading_across", "cuisines_across", "hours_across",
    ),
}  # fmt: skip
"""Measures of a listing against other platforms; a run of unification computes them, not a sync."""
_OF_COLUMN = {"cuisines_across": "cuisines", "hours_across": "opening_hours"}
"""Measures that only listings with this column can have."""


@dataclass(frozen=True)
class Measure:
    """One condition on a record, in words and in SQL."""

    dimension: Dimension
    name: str
    words: str
    condition: str


def is_listing(dataset: Dataset) -> bool:
    """True if the records are listings: they have a name and an address."""
    names = {column.name for column in columns_of(dataset.row)}
    return bool(names & set(NAMES)) and bool(names & set(ADDRESSES))


def measures_across(dataset: Dataset, dimension: Dimension) -> tuple[str, ...]:
    """The measures of ACROSS that the listings of a dataset can have."""
    stated = {column.name for column in columns_of(dataset.row)} | set(dataset.listing)
    return tuple(name for name in ACROSS[dimension] if _OF_COLUMN.get(name) in (None, *stated))


def measures_of(dataset: Dataset, *, follows: bool, refers: bool) -> list[Measure]:
    """The measures that need only the dataset itself, its earlier state and the dataset that it refers to.

    `follows`: an earlier state is stored. `refers`: the referenced dataset is stored.
    """
    measures = []
    columns = columns_of(dataset.row)
    for column in columns:
        if column.refers_to and refers:
            condition = f'CASE WHEN m."{column.name}" IS NOT NULL THEN r.source_id IS NOT NULL END'
            words = f"{column.name} is in {column.refers_to}"
            measures.append(Measure("consistency", f"reference:{column.name}", words, condition))
    if refers:
        measures += [Measure("consistency", each.name, each.words, each.condition) for each in dataset.agreements]
    for english, chinese in dataset.bilingual:
        name = f"languages:{english.removesuffix('_en')}"
        words = f"{english} is in English and {chinese} in Chinese"
        measures.append(Measure("consistency", name, words, _in_their_languages(english, chinese)))
    if follows and is_listing(dataset):
        words = "the id still means the same place: not another name at another address"
        names = {column.name for column in columns}
        measures.append(Measure("consistency", "identity", words, _same_place(names)))
    return measures


def metres_between(one: str, other: str) -> str:
    """SQL: metres between the coordinates of two relations, on a plane; exact to 0.1 % within Hong Kong."""
    north = f"({one}.latitude - {other}.latitude) * 110870"
    east = f"({one}.longitude - {other}.longitude) * 102900"
    return f"sqrt(power({north}, 2) + power({east}, 2))"


def _in_their_languages(english: str, chinese: str) -> str:
    return f"""CASE WHEN m."{english}" IS NOT NULL AND m."{chinese}" IS NOT NULL
        THEN regexp_matches(m."{english}", '{LATIN}')
            AND (regexp_matches(m."{chinese}", '{CHINESE}') OR m."{chinese}" = m."{english}") END"""


def _same_place(names: set[str]) -> str:
    """SQL: true if the id still means the same place: a place may change its name or its address, not both at once."""
    named = [f'm."{name}" = h."{name}"' for name in NAMES if name in names]
    placed = [f'm."{name}" = h."{name}"' for name in ADDRESSES if name in names]
    if {"latitude", "longitude"} <= names:
        placed.append(f"{metres_between('m', 'h')} <= {METRES_APART}")
    same = " OR ".join(f"coalesce({each}, false)" for each in (*named, *placed))
    known = [f'(m."{name}" IS NOT NULL AND h."{name}" IS NOT NULL)' for name in (*NAMES, *ADDRESSES) if name in names]
    return f"CASE WHEN h.source_id IS NOT NULL AND ({' OR '.join(known)}) THEN {same} END"
