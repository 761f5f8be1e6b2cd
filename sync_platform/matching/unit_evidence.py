"""The evidence of units and floors of two listings in one building: the same, different, or possibly different.

A unit that differs proves two places only where both codes are of one numbering: 12 and 14 are two shops, L-210 and 210
may be one. A floor that differs proves it only where both addresses count floors in the same way.
"""

from __future__ import annotations

from enum import IntEnum
from itertools import product

from sync_platform.matching.units import are_alike, have_one_shape

_NEIGHBOURS = {
    "g": {"ug", "lg", "m", "p"}, "ug": {"g", "1", "m", "lg"}, "lg": {"g", "b", "b1", "ug", "m"},
    "m": {"g", "1", "ug", "lg"}, "b": {"b1", "b2", "b3", "lg"}, "p": {"g", "1", "2", "3"},
}  # fmt: skip
"""Floors that addresses confuse with each other: the names of floors near the ground depend on the side of a slope."""
_MOST_PAIRS = 400  # pairs of codes; longer lists are compared by equal codes only


class Relation(IntEnum):
    """How the units, or the floors, of two addresses compare."""

    UNKNOWN = 0
    SAME = 1
    ALIKE = 2  # possibly the same, written differently
    UNLIKE = 3  # probably different, but the two are not comparable
    DIFFERENT = 4


def compare_units(one: frozenset[str], other: frozenset[str]) -> Relation:
    if not one or not other:
        return Relation.UNKNOWN
    if not one.isdisjoint(other):
        return Relation.SAME
    if len(one) * len(other) > _MOST_PAIRS:
        return Relation.UNLIKE
    if any(are_alike(unit, other_unit) for unit, other_unit in product(one, other)):
        return Relation.ALIKE
    comparable = any(have_one_shape(unit, other_unit) for unit, other_unit in product(one, other))
    return Relation.DIFFERENT if comparable else Relation.UNLIKE


def compare_floors(one: frozenset[str], other: frozenset[str], *, are_levels: bool) -> Relation:
    """`are_levels`: one of the addresses counts levels, which may begin at another floor."""
    if not one or not other:
        return Relation.UNKNOWN
    if not one.isdisjoint(other):
        return Relation.SAME
    if any(
        other_floor in _NEIGHBOURS.get(floor, ()) or floor in _NEIGHBOURS.get(other_floor, ())
        for floor, other_floor in product(one, other)
    ):
        return Relation.ALIKE
    return Relation.UNLIKE if are_levels else Relation.DIFFERENT


def is_specific(units: frozenset[str]) -> bool:
    """True if a code has a number above 9: few buildings have the same code by chance."""
    return any(sum(character.isdigit() for character in unit) > 1 for unit in units)
