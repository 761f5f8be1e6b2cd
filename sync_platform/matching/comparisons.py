"""The comparisons of two listings and the levels of likeness of each.

What belongs here: comparisons, their levels from least to most alike, and the words for each level. `evidence` finds
the level of a pair; the model has the weight of each level.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np


class Level(NamedTuple):
    """One degree of likeness. `m` is its assumed probability where two listings are one place, `u` the assumed
    probability where two random listings are not; both are starting values before any data."""

    code: str
    words: str
    m: float
    u: float


class Comparison(NamedTuple):
    """One comparison. A level's number is its position in `levels`; it is -1 (UNKNOWN) where a listing has no value."""

    name: str
    levels: tuple[Level, ...]

    def number(self, code: str) -> int:
        """The number of the level with that code."""
        return next(number for number, level in enumerate(self.levels) if level.code == code)


UNKNOWN = -1

NAME = Comparison(
    "name",
    (
        Level("different", "the names differ", 0.02, 0.93),
        Level("faint", "the names have little in common", 0.03, 0.04),
        Level("similar", "the names are similar or sound alike", 0.08, 0.018),
        Level("within", "one name stands within the other, by words that few names have", 0.10, 0.001),
        Level("near", "the names are nearly equal", 0.17, 0.004),
        Level("same_shared", "the names are equal, but several places have that name", 0.10, 0.006),
        Level("same", "the names are equal, and no other place has that name", 0.50, 0.001),
    ),
)
PLACE = Comparison(
    "place",
    (
        Level("far", "they are far apart", 0.01, 0.93),
        Level("apart", "they are on one street or within 2 km", 0.03, 0.05),
        Level("elsewhere", "they are within 500 m, but at another street or number", 0.02, 0.008),
        Level("quarter", "they are within 500 m", 0.02, 0.004),
        Level("near", "they are within 150 m, and no address says otherwise", 0.08, 0.003),
        Level("other_unit", "they are in one building, but on another floor or in another shop", 0.01, 0.001),
        Level("unlike_unit", "they are in one building, and their units are written differently", 0.03, 0.0004),
        Level("close", "they are within 60 m, and no address says otherwise", 0.10, 0.001),
        Level("building", "their buildings have one name, but street or number differ", 0.03, 0.0002),
        Level("door", "they are at the same door", 0.20, 0.001),
        Level("floor", "they are on the same floor at one door", 0.18, 0.0006),
        Level("unit", "they are in the same unit", 0.33, 0.0004),
    ),
)
PHONE = Comparison(
    "phone",
    (
        Level("different", "the telephone numbers differ", 0.10, 0.996),
        Level("near", "the telephone numbers differ in one digit", 0.02, 0.001),
        Level("same_shared", "the telephone numbers are equal, but several places share the number", 0.08, 0.002),
        Level("same", "the telephone numbers are equal, and no other place has that number", 0.80, 0.001),
    ),
)
BRANCH = Comparison(
    "branch",
    (
        Level("different", "the names speak of different branches", 0.15, 0.93),
        Level("same", "the names speak of the same branch", 0.85, 0.07),
    ),
)
CUISINE = Comparison(
    "cuisine",
    (
        Level("different", "the cuisines differ", 0.30, 0.85),
        Level("overlap", "some cuisines are the same", 0.30, 0.10),
        Level("same", "the cuisines are the same", 0.40, 0.05),
    ),
)
CITY = Comparison(
    "city",
    (
        Level("different", "the cities differ", 0.08, 0.75),
        Level("same", "the city is the same", 0.92, 0.25),
    ),
)
LICENCE = Comparison(
    "licence",
    (
        Level("different", "the licence numbers differ", 0.15, 0.9995),
        Level("same", "the licence number is the same", 0.85, 0.0005),
    ),
)
COMPARISONS = (NAME, PLACE, PHONE, BRANCH, CUISINE, CITY, LICENCE)


_BITS_PER_LEVEL = 4  # no comparison has more than 15 levels


def format_levels(levels: Iterable[int]) -> str:
    """The levels of a pair as text: their codes in order of COMPARISONS, `-` for unknown, joined by `+`."""
    return "+".join(
        comparison.levels[level].code if level != UNKNOWN else "-"
        for comparison, level in zip(COMPARISONS, levels, strict=True)
    )


def parse_levels(written: str) -> tuple[int, ...]:
    """The levels of a pair from their text."""
    return tuple(
        comparison.number(code) if code != "-" else UNKNOWN
        for comparison, code in zip(COMPARISONS, written.split("+"), strict=True)
    )


def distinct_levels(levels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The distinct rows of levels (one row per pair), and for each pair the number of its row among them."""
    numbers = (levels.astype(np.int64) + 1) @ (1 << _BITS_PER_LEVEL * np.arange(len(COMPARISONS)))
    _, first, which = np.unique(numbers, return_index=True, return_inverse=True)
    return levels[first], which


class ExpectedCoincidence(NamedTuple):
    """Levels that occur together, in pairs that are not one place, more often than independence predicts, by `bits`."""

    names: tuple[str, ...]
    places: tuple[str, ...]
    phones: tuple[str, ...]
    bits: float


_ANY_PHONE = (*(level.code for level in PHONE.levels if level.code != "same"), "")
_BRANCHES = ("same_shared", "near", "within")
_ELSEWHERE = ("far", "apart", "elsewhere", "quarter", "near", "other_unit", "")
EXPECTED_COINCIDENCES = (
    ExpectedCoincidence(_BRANCHES, ("other_unit",), _ANY_PHONE, 6.0),  # several branches of a chain are in one mall
    ExpectedCoincidence(_BRANCHES, _ELSEWHERE, ("same_shared",), 7.0),  # and share one hotline
    ExpectedCoincidence(
        ("different", "faint"),
        ("near", "close", "building", "door", "floor", "unlike_unit", "other_unit"),
        ("same", "same_shared"),
        8.0,
    ),  # one owner's two shops
    ExpectedCoincidence(
        ("same",), ("far", "apart", "elsewhere", "other_unit"), ("different", "near", ""), 5.0
    ),  # two branches of which each source lists one
)
"""The assumptions before any data; an empty code means an unknown level."""


def expected_coincidence_bits(name: str, place: str, phone: str) -> float:
    """The sum of the expected coincidences of these levels, by code."""
    return sum(
        each.bits
        for each in EXPECTED_COINCIDENCES
        if name in each.names and place in each.places and phone in each.phones
    )
