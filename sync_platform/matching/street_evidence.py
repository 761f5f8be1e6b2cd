"""The evidence of streets: whether those of two listings agree or differ, per script."""

from __future__ import annotations

from itertools import product
from typing import NamedTuple

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.distance import Postfix

from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.parsed_address import Door, ParsedAddress
from sync_platform.matching.parsed_listings import ParsedListings
from sync_platform.matching.romanisation import sound_of_syllable
from sync_platform.matching.scripts import has_han
from sync_platform.matching.text_columns import Array, DistinctValues, TextColumn, codes_of, similarity

STREETS_AGREE, STREETS_DIFFER = 82.0, 60.0  # of 100
STREET_ENDS_AGREE, STREET_ENDS_DIFFER = 3, 2  # characters at the end of Chinese streets
SHORTEST_SOUND = 2
SOUNDS_DIFFER = 50.0  # of 100
_DIRECTIONS = frozenset(("n", "s", "e", "w", "c"))
_AGREE, _DIFFER = 1, 2


class _Streets(NamedTuple):
    """The first streets of a listing and their sounds."""

    english: str
    english_sound: str
    chinese: str
    chinese_sound: str

    @classmethod
    def of(cls, english: ParsedAddress, chinese: ParsedAddress, frequencies: Frequencies) -> _Streets:
        """The streets of two addresses; without a Chinese one, the one that the English street means."""
        translated = chinese.street or frequencies.streets.get(english.street, "")
        return cls(english.street, english.sound, translated, chinese.sound)


class StreetEvidence:
    """The first street of each listing in each script, and the doors of corner buildings."""

    def __init__(self, parsed: ParsedListings, frequencies: Frequencies) -> None:
        both = list(zip(parsed.address_en, parsed.address_zh, strict=True))
        self._streets = DistinctValues([_Streets.of(*addresses, frequencies) for addresses in both])
        streets = self._streets.values
        self._english = TextColumn([each.english.replace(" ", "") for each in streets])
        self._english_sound = TextColumn([each.english_sound for each in streets])
        self._part = codes_of([_direction(each.english) for each in streets])
        self._chinese = TextColumn([each.chinese for each in streets])
        self._is_romanised = np.array([is_romanised(each.english) for each in streets], dtype=bool)
        self._chinese_sound = TextColumn([each.chinese_sound for each in streets])
        self._doors = DistinctValues([english.doors + chinese.doors for english, chinese in both])
        self._has_corner = np.array([max(len(each.doors) for each in pair) > 1 for pair in both], dtype=bool)

    def compare(self, left: Array, right: Array) -> tuple[Array, Array]:
        """Two masks of pairs: the streets agree, and the streets differ. Both are false if they cannot be compared."""
        found = self._streets.compare(left, right, self._compare)
        return found == _AGREE, found == _DIFFER

    def _compare(self, left: Array, right: Array) -> Array:
        alike = similarity(self._english, left, self._english, right, fuzz.ratio)
        other_part = (self._part[left] > 0) & (self._part[right] > 0) & (self._part[left] != self._part[right])
        agree = (alike >= STREETS_AGREE) & ~other_part
        differ = ((alike >= 0) & (alike < STREETS_DIFFER)) | ((alike >= 0) & other_part)
        ends = similarity(self._chinese, left, self._chinese, right, Postfix.similarity)
        equal = (ends > 0) & (self._chinese.codes[left] == self._chinese.codes[right])
        agree |= (ends >= STREET_ENDS_AGREE) | equal
        differ |= (ends >= 0) & (ends < STREET_ENDS_DIFFER)
        unknown = np.flatnonzero(~agree & ~differ)
        left, right = left[unknown], right[unknown]
        agree[unknown] = self._sounds_agree(left, right) | self._sounds_agree(right, left)
        differ[unknown] |= self._sounds_differ(left, right) | self._sounds_differ(right, left)
        return np.where(agree, _AGREE, np.where(differ, _DIFFER, 0)).astype(np.int8)

    def doors_meet(self, left: Array, right: Array) -> Array:
        """True where one of several doors is a door of the other listing; false where both have one door only."""
        found = np.zeros(len(left), dtype=bool)
        corner = np.flatnonzero(self._has_corner[left] | self._has_corner[right])
        found[corner] = self._doors.compare(left[corner], right[corner], self._meet)
        return found

    def _meet(self, left: Array, right: Array) -> Array:
        doors = self._doors.values
        pairs = zip(left.tolist(), right.tolist(), strict=True)
        return np.array(
            [any(_is_one_door(*each) for each in product(doors[one], doors[other])) for one, other in pairs], dtype=bool
        )

    def _sounds_agree(self, english: Array, chinese: Array) -> Array:
        """True where the end of the Chinese street sounds like the English street."""
        one, other = self._english_sound, self._chinese_sound
        ends = similarity(one, english, other, chinese, Postfix.similarity, SHORTEST_SOUND)
        return np.asarray((ends >= SHORTEST_SOUND) & (ends >= one.lengths[english]))

    def _sounds_differ(self, english: Array, chinese: Array) -> Array:
        """True where the English street is written in Cantonese syllables, and the Chinese street sounds otherwise."""
        one, other = self._english_sound, self._chinese_sound
        alike = similarity(one, english, other, chinese, fuzz.ratio, SHORTEST_SOUND)
        return np.asarray((alike >= 0) & (alike < SOUNDS_DIFFER) & self._is_romanised[english])


def is_romanised(street: str) -> bool:
    """True if all words of an English street, but a direction, are Cantonese syllables."""
    words = [word for word in street.split() if word not in _DIRECTIONS]
    return bool(words) and all(map(sound_of_syllable, words))


def _direction(street: str) -> str:
    """The direction at the end of an English street; empty where it has none."""
    last = street.rpartition(" ")[2]
    return last if last in _DIRECTIONS else ""


def _is_one_door(one: Door, other: Door) -> bool:
    if not one.first or not other.first or one.first > other.last or other.first > one.last:
        return False
    if has_han(one.street) != has_han(other.street):
        return len(one.sound) >= SHORTEST_SOUND and one.sound == other.sound
    return one.street.replace(" ", "") == other.street.replace(" ", "")
