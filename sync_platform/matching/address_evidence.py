"""The evidence of addresses and distances: the levels of pairs in the comparison `place`."""

from __future__ import annotations

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.distance import Postfix

from sync_platform.matching.addresses import ParsedAddress
from sync_platform.matching.comparisons import PLACE, UNKNOWN
from sync_platform.matching.parsed_listings import ParsedListings
from sync_platform.matching.text_columns import Array, TextColumn, codes_of, similarity

STREETS_AGREE, STREETS_DIFFER = 82.0, 60.0  # of 100
BUILDINGS_AGREE = 85.0
STREET_ENDS_AGREE, STREET_ENDS_DIFFER = 3, 2  # characters at the end of Chinese streets
CLOSE_M, NEAR_M, QUARTER_M, APART_M = 60.0, 150.0, 500.0, 2000.0
SAME_DOOR_M = 1000.0  # beyond this distance, the same number of a street of that name is another street
SHORTEST_SOUND = 2


class AddressEvidence:
    """Addresses by listing: numbers, floors and shops of both languages together; streets and buildings per script."""

    def __init__(self, parsed: ParsedListings) -> None:
        both = list(zip(parsed.address_en, parsed.address_zh, strict=True))
        numbered = [english if english.first else chinese for english, chinese in both]
        self.first = np.array([address.first for address in numbered], dtype=np.int32)
        self.last = np.array([address.last for address in numbered], dtype=np.int32)
        self._floors = codes_of([english.floor or chinese.floor for english, chinese in both])
        self._shops = [english.shops | chinese.shops for english, chinese in both]
        self._shop_codes = codes_of(self._shops)
        self._has_many_shops = np.array([len(shops) > 1 for shops in self._shops], dtype=bool)
        self.scripts = (_Streets(parsed.address_en, 4), _Streets(parsed.address_zh, 3))

    def levels(self, left: Array, right: Array, distance: Array) -> Array:
        numbered = (self.first[left] > 0) & (self.first[right] > 0)
        same_number = numbered & (self.first[left] <= self.last[right]) & (self.first[right] <= self.last[left])
        agree, differ = self._streets(left, right)
        building = self._buildings(left, right)
        near_enough = ~(distance > SAME_DOOR_M)
        unknown_street = ~agree & ~differ
        same_unit, other_unit = self._units(left, right)
        door = near_enough & same_number & (agree | (unknown_street & ((distance <= QUARTER_M) | building)))
        door |= near_enough & building & ~(differ & ~(distance <= NEAR_M)) & ~(numbered & ~same_number)
        door |= near_enough & same_number & unknown_street & same_unit  # number and shop agree, in either language
        found = np.full(len(left), UNKNOWN, dtype=np.int8)
        addresses_differ = numbered & ~same_number | differ
        for level, where in (
            ("far", distance > APART_M),
            ("far", np.isnan(distance) & differ),
            ("apart", distance <= APART_M),
            ("apart", np.isnan(distance) & agree),
            ("quarter", distance <= QUARTER_M),
            ("near", (distance <= NEAR_M) & ~addresses_differ),
            ("close", (distance <= CLOSE_M) & ~addresses_differ),
            ("door", door),
            ("other_unit", door & other_unit),
            ("unit", door & same_unit),
        ):
            found[where] = PLACE.number(level)
        return found

    def _streets(self, left: Array, right: Array) -> tuple[Array, Array]:
        """Two masks of pairs: the streets agree, and the streets differ. Both are false if they cannot be compared."""
        english, chinese = self.scripts
        alike = similarity(english.street, left, english.street, right, fuzz.ratio)
        agree, differ = alike >= STREETS_AGREE, (alike >= 0) & (alike < STREETS_DIFFER)
        ends = similarity(chinese.street, left, chinese.street, right, Postfix.similarity)
        agree |= ends >= STREET_ENDS_AGREE
        differ |= (ends >= 0) & (ends < STREET_ENDS_DIFFER)
        unknown = np.flatnonzero(~agree & ~differ)
        left, right = left[unknown], right[unknown]
        agree[unknown] = _sounds_agree(english, left, chinese, right) | _sounds_agree(english, right, chinese, left)
        return agree, differ & ~agree

    def _buildings(self, left: Array, right: Array) -> Array:
        found = np.zeros(len(left), dtype=bool)
        for script in self.scripts:
            alike = similarity(script.building, left, script.building, right, fuzz.ratio, script.shortest_building)
            found |= alike >= BUILDINGS_AGREE
        return found

    def _units(self, left: Array, right: Array) -> tuple[Array, Array]:
        """Two masks of pairs: the units are the same, and the units differ. Both are false where one is unknown."""
        one, other = self._shop_codes[left], self._shop_codes[right]
        both = (one > 0) & (other > 0)
        overlap = both & (one == other)
        for at in np.flatnonzero(both & ~overlap & (self._has_many_shops[left] | self._has_many_shops[right])).tolist():
            overlap[at] = not self._shops[left[at]].isdisjoint(self._shops[right[at]])
        one, other = self._floors[left], self._floors[right]
        other_floor = (one > 0) & (other > 0) & (one != other)
        return overlap & ~other_floor, ~overlap & (both | other_floor)


class _Streets:
    """Streets and buildings in one script, by listing."""

    def __init__(self, addresses: list[ParsedAddress], shortest_building: int) -> None:
        self.street = TextColumn([address.street for address in addresses])
        self.sound = TextColumn([address.street_sound for address in addresses])
        self.building = TextColumn([address.building for address in addresses])
        self.shortest_building = shortest_building


def _sounds_agree(english: _Streets, left: Array, chinese: _Streets, right: Array) -> Array:
    """True where the end of the Chinese street sounds like the English street."""
    ends = similarity(english.sound, left, chinese.sound, right, Postfix.similarity, SHORTEST_SOUND)
    return np.asarray((ends >= SHORTEST_SOUND) & (ends >= english.sound.lengths[left]))
