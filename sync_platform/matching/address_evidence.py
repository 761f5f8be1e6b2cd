"""The evidence of addresses and distances: the levels of pairs in the comparison `place`.

House numbers are intervals, floors and units are sets, and those of both languages count together: they agree where
they overlap. Streets and buildings are compared per script.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from sync_platform.matching.building_evidence import chinese_buildings, english_buildings
from sync_platform.matching.comparisons import PLACE, UNKNOWN
from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.parsed_address import ParsedAddress
from sync_platform.matching.parsed_listings import ParsedListings
from sync_platform.matching.street_evidence import StreetEvidence
from sync_platform.matching.text_columns import Array, DistinctValues, codes_of
from sync_platform.matching.unit_evidence import Relation, compare_floors, compare_units, is_specific

CLOSE_M, NEAR_M, QUARTER_M, APART_M = 60.0, 150.0, 500.0, 2000.0
SAME_DOOR_M = 1000.0  # beyond this distance, the same number of a street of that name is another street
ADJACENT_NUMBERS = 4


class AddressEvidence:
    """Addresses by listing."""

    def __init__(self, parsed: ParsedListings, frequencies: Frequencies) -> None:
        both = list(zip(parsed.address_en, parsed.address_zh, strict=True))
        numbered = [english if english.first else chinese for english, chinese in both]
        self._first = np.array([address.first for address in numbered], dtype=np.int32)
        self._last = np.array([address.last for address in numbered], dtype=np.int32)
        spans = [_span(address) for address in numbered]
        self._lowest = np.array([low for low, _ in spans], dtype=np.int32)
        self._highest = np.array([high for _, high in spans], dtype=np.int32)
        self._streets = StreetEvidence(parsed, frequencies)
        self._buildings = (english_buildings(parsed), chinese_buildings(parsed, frequencies))
        self._phases = DistinctValues([english.phases | chinese.phases for english, chinese in both])
        self._has_phases = np.array([bool(english.phases or chinese.phases) for english, chinese in both], dtype=bool)
        self._inside = _FloorsAndUnits(parsed)

    def levels(self, left: Array, right: Array, distance: Array) -> Array:
        numbered = (self._first[left] > 0) & (self._first[right] > 0)
        same_number = numbered & (self._first[left] <= self._last[right]) & (self._first[right] <= self._last[left])
        agree, differ = self._streets.compare(left, right)
        corner = self._streets.doors_meet(left, right)
        agree, same_number, differ = agree | corner, same_number | corner, differ & ~corner
        unknown_street = ~agree & ~differ
        building, estate = self._named_alike(left, right)
        near_enough = ~(distance > SAME_DOOR_M)
        door = same_number & (agree | (unknown_street & ((distance <= QUARTER_M) | building)))
        door |= building & ~(differ & ~(distance <= NEAR_M)) & ~(numbered & ~same_number)
        door &= near_enough
        named = near_enough & building & ~door
        maybe = near_enough & ((same_number & unknown_street) | (estate & ~numbered))
        inside = self._inside.compare(left, right, door | named | maybe)
        door |= (maybe | named) & inside.is_same_unit & inside.is_specific
        other_number = numbered & ~same_number
        adjacent = self._are_adjacent(left, right)
        elsewhere = differ | (other_number & unknown_street & ~adjacent)
        found = _levels_of_distance(distance, agree, elsewhere, other_number | differ)
        found[np.isnan(distance) & agree & other_number & adjacent] = PLACE.number("elsewhere")
        for level, where in (
            ("building", named & ~door),
            ("door", door),
            ("floor", door & inside.is_same_floor),
            ("unlike_unit", (door | named) & inside.is_unlike),
            ("other_unit", (door | named) & inside.is_different),
            ("unit", door & inside.is_same_unit & ~inside.is_other_floor),
        ):
            found[where] = PLACE.number(level)
        return found

    def _are_adjacent(self, left: Array, right: Array) -> Array:
        """True where house numbers differ little: a door of the same block, or a number written wrongly."""
        gap = np.maximum(self._lowest[left] - self._highest[right], self._lowest[right] - self._highest[left])
        return np.asarray(gap <= ADJACENT_NUMBERS)

    def _named_alike(self, left: Array, right: Array) -> tuple[Array, Array]:
        """Two masks of pairs: a building has one name, and an estate has. Different phases are different buildings."""
        english, chinese = self._buildings
        building = english.agree(left, right) | chinese.agree(left, right)
        estate = english.estates_agree(left, right) | chinese.estates_agree(left, right)
        phased = np.flatnonzero((building | estate) & self._has_phases[left] & self._has_phases[right])
        other_phase = phased[self._phases.compare(left[phased], right[phased], self._have_no_phase_in_common)]
        building[other_phase] = estate[other_phase] = False
        return building, estate

    def _have_no_phase_in_common(self, left: Array, right: Array) -> Array:
        phases = self._phases.values
        pairs = zip(left.tolist(), right.tolist(), strict=True)
        return np.array([phases[one].isdisjoint(phases[other]) for one, other in pairs], dtype=bool)


def _span(address: ParsedAddress) -> tuple[int, int]:
    """The smallest and the largest house number of an address; 0 where it has none."""
    numbers = [number for door in address.doors if door.first for number in (door.first, door.last)]
    return min(numbers, default=0), max(numbers, default=0)


def levels_far_apart(distance: Array) -> Array:
    """The levels of pairs that are too far apart for one door or building, whatever their addresses are; UNKNOWN for
    other pairs."""
    found = np.full(len(distance), UNKNOWN, dtype=np.int8)
    found[distance > SAME_DOOR_M] = PLACE.number("apart")
    found[distance > APART_M] = PLACE.number("far")
    return found


def _levels_of_distance(distance: Array, agree: Array, differ: Array, addresses_differ: Array) -> Array:
    """The levels of pairs by their distance alone; where it is unknown, streets and house numbers decide."""
    found = np.full(len(distance), UNKNOWN, dtype=np.int8)
    for level, where in (
        ("far", distance > APART_M),
        ("far", np.isnan(distance) & differ),
        ("apart", distance <= APART_M),
        ("apart", np.isnan(distance) & agree),
        ("quarter", distance <= QUARTER_M),
        ("elsewhere", (distance <= QUARTER_M) & addresses_differ),
        ("near", (distance <= NEAR_M) & ~addresses_differ),
        ("close", (distance <= CLOSE_M) & ~addresses_differ),
    ):
        found[where] = PLACE.number(level)
    return found


class _Relations:
    """How floors and units of pairs compare: masks of pairs."""

    def __init__(self, unit: Array, floor: Array, is_specific: Array) -> None:
        self.is_same_unit = unit == Relation.SAME
        self.is_same_floor = (floor == Relation.SAME) & (unit != Relation.UNLIKE)
        self.is_other_floor = floor == Relation.DIFFERENT
        is_maybe_one = self.is_same_unit | (unit == Relation.ALIKE)
        self.is_different = (unit == Relation.DIFFERENT) | (self.is_other_floor & ~is_maybe_one)
        in_doubt = (unit == Relation.UNLIKE) | (floor >= Relation.UNLIKE)
        self.is_unlike = in_doubt & ~self.is_same_unit & ~self.is_different
        self.is_specific = is_specific


class _FloorsAndUnits:
    """Floors and units by listing."""

    def __init__(self, parsed: ParsedListings) -> None:
        both = list(zip(parsed.address_en, parsed.address_zh, strict=True))
        self._units = _ValueSets([(english.units | chinese.units, False) for english, chinese in both])
        self._floors = _ValueSets(
            [(english.floors | chinese.floors, english.has_levels or chinese.has_levels) for english, chinese in both]
        )

    def compare(self, left: Array, right: Array, asked: Array) -> _Relations:
        """The relations of the pairs that are asked for; all others are unknown."""
        unit = self._units.relations(left, right, asked, lambda one, other: compare_units(one[0], other[0]))
        specific = self._units.relations(left, right, unit == Relation.SAME, _share_specific)
        floor = self._floors.relations(left, right, asked, _compare_floors)
        return _Relations(unit, floor, specific > 0)


Values = tuple[frozenset[str], bool]
"""Floors or units, and whether they are levels."""


def _share_specific(one: Values, other: Values) -> bool:
    return is_specific(one[0] & other[0])


def _compare_floors(one: Values, other: Values) -> Relation:
    return compare_floors(one[0], other[0], are_levels=one[1] != other[1])


class _ValueSets:
    """A set of values by listing. Few sets are different, so each two are compared once for many pairs of listings."""

    def __init__(self, sets: list[Values]) -> None:
        self._codes = codes_of([each if each[0] else () for each in sets])
        self._by_code = dict(zip(self._codes.tolist(), sets, strict=True))

    def relations(
        self, left: Array, right: Array, asked: Array, relation: Callable[[Values, Values], Relation | bool]
    ) -> Array:
        """The relation of the pairs that are asked for; 0 for others, and where a set is empty."""
        found = np.zeros(len(left), dtype=np.int8)
        one, other = self._codes[left], self._codes[right]
        known = np.flatnonzero(asked & (one > 0) & (other > 0))
        size = len(self._by_code) + 1
        numbers = one[known].astype(np.int64) * size + other[known]
        pairs, _, which = np.unique(numbers, return_index=True, return_inverse=True)  # stable, as in DistinctValues
        codes = (divmod(pair, size) for pair in pairs.tolist())
        relations = [relation(self._by_code[mine], self._by_code[theirs]) for mine, theirs in codes]
        found[known] = np.array(relations, dtype=np.int8)[which]
        return found
