"""The evidence of streets and buildings: whether those of two listings agree or differ, per script."""

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
BUILDINGS_AGREE = 85.0
SHORTEST_SOUND = 2
SOUNDS_DIFFER = 50.0  # of 100
SHORTEST_ENGLISH_BUILDING, SHORTEST_CHINESE_BUILDING = 4, 3
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


class BuildingEvidence:
    """The buildings of each listing in one script: the narrower and the wider name."""

    def __init__(self, names: list[tuple[str, ...]], addresses: list[ParsedAddress], shortest: int) -> None:
        self._names = DistinctValues(names)
        self._narrow = TextColumn([found[0] for found in self._names.values])
        self._wide = TextColumn([found[-1] for found in self._names.values])
        self._estates = codes_of([address.estate for address in addresses])
        self._shortest = shortest
        self._is_long = np.maximum(self._narrow.lengths, self._wide.lengths) >= shortest

    def agree(self, left: Array, right: Array) -> Array:
        return self._names.compare_known(self._is_long, left, right, self._agree, 0).astype(bool)

    def _agree(self, left: Array, right: Array) -> Array:
        found = np.zeros(len(left), dtype=bool)
        for one, other in product((self._narrow, self._wide), repeat=2):
            open_pairs = np.flatnonzero(~found)
            mine, theirs = left[open_pairs], right[open_pairs]
            found[open_pairs] = similarity(one, mine, other, theirs, fuzz.ratio, self._shortest) >= BUILDINGS_AGREE
        return found

    def estates_agree(self, left: Array, right: Array) -> Array:
        return np.asarray((self._estates[left] > 0) & (self._estates[left] == self._estates[right]))


def english_buildings(parsed: ParsedListings) -> BuildingEvidence:
    names = [address.buildings or (address.estate,) for address in parsed.address_en]
    return BuildingEvidence(names, parsed.address_en, SHORTEST_ENGLISH_BUILDING)


def chinese_buildings(parsed: ParsedListings, frequencies: Frequencies) -> BuildingEvidence:
    """The Chinese buildings; for a listing without a Chinese address those that its English buildings mean."""
    names = []
    for english, chinese in zip(parsed.address_en, parsed.address_zh, strict=True):
        translated = [frequencies.buildings[name] for name in english.buildings if name in frequencies.buildings]
        names.append(chinese.buildings or tuple(translated) or (chinese.estate,))
    return BuildingEvidence(names, parsed.address_zh, SHORTEST_CHINESE_BUILDING)
