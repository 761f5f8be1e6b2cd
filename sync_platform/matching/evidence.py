"""Evidence: how alike the two listings of a pair are in each comparison, as the number of a level.

What belongs here: finding the levels of many pairs at once. `comparisons` defines the levels, `model` their weights.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np
from rapidfuzz.distance import Hamming

from sync_platform.matching.address_evidence import CLOSE_M, QUARTER_M, AddressEvidence, levels_far_apart
from sync_platform.matching.comparisons import (
    BRANCH,
    CITY,
    COMPARISONS,
    CUISINE,
    LICENCE,
    NAME,
    PHONE,
    PLACE,
    UNKNOWN,
    Comparison,
)
from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.least_distances import LeastDistances
from sync_platform.matching.name_evidence import NEARLY, NameEvidence
from sync_platform.matching.parsed_listings import ParsedListings
from sync_platform.matching.text_columns import Array, TextColumn, codes_of, similarity

CHUNK_PAIRS = 200_000
MOST_THREADS = min(os.cpu_count() or 1, 4)
METRES_PER_DEGREE = 111_320.0


class Comparer:
    """Compares parsed listings; the values that each comparison needs are prepared once per listing."""

    def __init__(self, parsed: ParsedListings, frequencies: Frequencies) -> None:
        self.parsed = parsed
        self._english = NameEvidence(parsed.english, frequencies, is_english=True)
        self._chinese = NameEvidence(parsed.chinese, frequencies, is_english=False)
        self._frequencies = frequencies
        self._least_distances = LeastDistances(parsed.latitude, parsed.longitude, parsed.areas)
        self._phones = TextColumn(["; ".join(found) for found in parsed.phones])
        self._many_phones = np.array([len(found) > 1 for found in parsed.phones], dtype=bool)
        self._shared_phones = np.array(
            [any(frequencies.places_with_phone(phone) > 1 for phone in found) for found in parsed.phones], dtype=bool
        )
        self._cities = codes_of(parsed.cities)
        self._licences = codes_of(parsed.licences)
        self._cuisines = codes_of(parsed.cuisines)
        self._alike_cuisines = _alike_sets(parsed.cuisines, self._cuisines)
        self._finders = {
            NAME.name: self._name,
            PLACE.name: self._place,
            PHONE.name: self._phone,
            BRANCH.name: self._branch,
            CUISINE.name: self._cuisine,
            CITY.name: self._city,
            LICENCE.name: self._licence,
        }

    @cached_property
    def _addresses(self) -> AddressEvidence:
        return AddressEvidence(self.parsed, self._frequencies)

    def compare(self, left: Array, right: Array, comparisons: Sequence[Comparison] = COMPARISONS) -> Array:
        """The levels of pairs of positions: shape (pairs, COMPARISONS), int8; UNKNOWN where a listing has no value, and
        in other comparisons.

        Works in chunks to keep memory small. numpy and rapidfuzz let other threads go on, so threads compare chunks at
        the same time.
        """
        levels = np.full((len(left), len(COMPARISONS)), UNKNOWN, dtype=np.int8)

        def compare_chunk(start: int) -> None:
            chunk = slice(start, start + CHUNK_PAIRS)
            for comparison in comparisons:
                finder = self._finders[comparison.name]
                levels[chunk, COMPARISONS.index(comparison)] = finder(left[chunk], right[chunk])

        with ThreadPoolExecutor(MOST_THREADS) as threads:
            list(threads.map(compare_chunk, range(0, len(left), CHUNK_PAIRS)))
        return levels

    def places_far_apart(self, left: Array, right: Array) -> Array:
        """The levels in the comparison `place` of pairs that are so far apart that their addresses do not matter;
        UNKNOWN for other pairs. No address is needed."""
        return levels_far_apart(self._distance(left, right))

    def closeness(self, left: Array, right: Array) -> Array:
        """How close whole names and locations are, 0 to 3; this decides between pairs with equal levels."""
        names = np.maximum(self._english.closeness(left, right), self._chinese.closeness(left, right))
        distance = np.nan_to_num(self._distance(left, right), nan=CLOSE_M)
        return np.asarray(names + CLOSE_M / (CLOSE_M + distance))

    def _name(self, left: Array, right: Array) -> Array:
        """The better level of both scripts. Where only sounds can be compared, only a high likeness counts."""
        levels = np.maximum(self._english.levels(left, right), self._chinese.levels(left, right))
        unknown = np.flatnonzero(levels == UNKNOWN)
        left, right = left[unknown], right[unknown]
        sounds_alike = np.maximum(
            self._english.sounds_alike(left, self._chinese, right),
            self._chinese.sounds_alike(left, self._english, right),
        )
        levels[unknown[sounds_alike >= NEARLY]] = NAME.number("similar")
        return np.asarray(levels)

    def _place(self, left: Array, right: Array) -> Array:
        """The levels by address and distance. Without coordinates, areas that lie apart give the least distance."""
        distance = self._distance(left, right)
        unknown = np.flatnonzero(np.isnan(distance))
        least = self._least_distances.between(left[unknown], right[unknown])
        is_apart = least > QUARTER_M
        distance[unknown[is_apart]] = least[is_apart]
        return self._addresses.levels(left, right, distance)

    def _distance(self, left: Array, right: Array) -> Array:
        """Metres, by the equirectangular approximation (exact to 1 % at these distances); NaN where unknown."""
        north, east = self.parsed.latitude, self.parsed.longitude
        down = north[left] - north[right]
        across = (east[left] - east[right]) * np.cos(np.radians((north[left] + north[right]) / 2))
        return np.asarray(np.hypot(down, across) * METRES_PER_DEGREE)

    def _phone(self, left: Array, right: Array) -> Array:
        one, other = self._phones.codes[left], self._phones.codes[right]
        known = (one > 0) & (other > 0)
        levels: Array = np.where(known, PHONE.number("different"), UNKNOWN).astype(np.int8)
        same = known & (one == other)
        values = self._phones.values
        for number in np.flatnonzero(known & ~same & (self._many_phones[left] | self._many_phones[right])).tolist():
            same[number] = not set(values[left[number]].split("; ")).isdisjoint(values[right[number]].split("; "))
        apart = np.flatnonzero(known & ~same)
        digits = similarity(self._phones, left[apart], self._phones, right[apart], Hamming.distance)
        levels[apart[digits == 1]] = PHONE.number("near")
        shared = self._shared_phones[left] | self._shared_phones[right]
        levels[same] = np.where(shared[same], PHONE.number("same_shared"), PHONE.number("same"))
        return levels

    def _branch(self, left: Array, right: Array) -> Array:
        return np.asarray(
            np.maximum(self._english.branch_levels(left, right), self._chinese.branch_levels(left, right))
        )

    def _cuisine(self, left: Array, right: Array) -> Array:
        one, other = self._cuisines[left], self._cuisines[right]
        alike = self._alike_cuisines[one, other]
        level = np.where(
            one == other,
            CUISINE.number("same"),
            np.where(alike, CUISINE.number("overlap"), CUISINE.number("different")),
        )
        return np.where((one > 0) & (other > 0), level, UNKNOWN).astype(np.int8)

    def _city(self, left: Array, right: Array) -> Array:
        return _equal(self._cities, left, right, CITY.number("same"), CITY.number("different"))

    def _licence(self, left: Array, right: Array) -> Array:
        return _equal(self._licences, left, right, LICENCE.number("same"), LICENCE.number("different"))


def _alike_sets(sets: Sequence[frozenset[str]], codes: Array) -> Array:
    """A table by two codes of sets: true if the sets overlap. There are few distinct sets, so it is small."""
    by_code = dict(zip(codes.tolist(), sets, strict=True))
    words = {
        word: number for number, word in enumerate(sorted({word for values in by_code.values() for word in values}))
    }
    has = np.zeros((max(by_code, default=0) + 1, len(words)), dtype=np.float32)
    for code, values in by_code.items():
        has[code, [words[word] for word in values]] = 1
    return np.asarray(has @ has.T > 0)


def _equal(codes: Array, left: Array, right: Array, same: int, different: int) -> Array:
    one, other = codes[left], codes[right]
    return np.where((one > 0) & (other > 0), np.where(one == other, same, different), UNKNOWN).astype(np.int8)
