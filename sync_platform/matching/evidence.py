"""Evidence: how alike the two listings of a pair are in each comparison, as the number of a level.

What belongs here: finding the levels of many pairs at once. `comparisons` defines the levels, `model` their weights.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any

import numpy as np
from rapidfuzz import fuzz
from rapidfuzz.distance import Hamming, Postfix
from rapidfuzz.process import cpdist

from sync_platform.matching.addresses import ParsedAddress
from sync_platform.matching.comparisons import BRANCH, CITY, COMPARISONS, CUISINE, LICENCE, NAME, PHONE, PLACE, UNKNOWN
from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.parsed_listings import ParsedListings
from sync_platform.matching.restaurant_names import GENERIC, ParsedName

CHUNK_PAIRS = 200_000
METRES_PER_DEGREE = 111_320.0
NEARLY, SIMILAR, FAINT = 88.0, 70.0, 50.0  # of 100: names
STREETS_AGREE, STREETS_DIFFER = 82.0, 60.0  # of 100
BUILDINGS_AGREE = 85.0
BRANCHES_AGREE = 70.0
WITHIN_AT_LEAST = 30.0  # of 100: less similar names are not checked for one being part of the other
STREET_ENDS_AGREE, STREET_ENDS_DIFFER = 3, 2  # characters at the end of Chinese streets
FEW_NAMES = 4.0  # words are rare where at most so many names have them all by chance
CLOSE_M, NEAR_M, QUARTER_M, APART_M = 60.0, 150.0, 500.0, 2000.0
SAME_DOOR_M = 1000.0  # beyond this distance, the same number of a street of that name is another street
SHORTEST_SOUND = 2

Array = np.ndarray


class Comparer:
    """Compares parsed listings; the values that each comparison needs are prepared once per listing."""

    def __init__(self, parsed: ParsedListings, frequencies: Frequencies) -> None:
        self.parsed = parsed
        self._english = _Names(parsed.english, frequencies, is_english=True)
        self._chinese = _Names(parsed.chinese, frequencies, is_english=False)
        self._addresses = _Addresses(parsed)
        self._phones = _Texts(["; ".join(found) for found in parsed.phones])
        self._many_phones = np.array([len(found) > 1 for found in parsed.phones], dtype=bool)
        self._shared_phones = np.array(
            [any(frequencies.places_with_phone(phone) > 1 for phone in found) for found in parsed.phones], dtype=bool
        )
        self._cities = _codes(parsed.cities)
        self._licences = _codes(parsed.licences)
        self._cuisines = _codes(parsed.cuisines)
        self._alike_cuisines = _alike_sets(parsed.cuisines, self._cuisines)

    def compare(self, left: Array, right: Array) -> Array:
        """The levels of pairs of positions: shape (pairs, comparisons), int8; UNKNOWN where a listing has no value.

        Works in chunks to keep memory small.
        """
        levels = np.full((len(left), len(COMPARISONS)), UNKNOWN, dtype=np.int8)
        for start in range(0, len(left), CHUNK_PAIRS):
            chunk = slice(start, start + CHUNK_PAIRS)
            one, other = left[chunk], right[chunk]
            for number, find in enumerate(
                (self._name, self._place, self._phone, self._branch, self._cuisine, self._city, self._licence)
            ):
                levels[chunk, number] = find(one, other)
        return levels

    def closeness(self, left: Array, right: Array) -> Array:
        """How close whole names and locations are, 0 to 3; this decides between pairs with equal levels."""
        names = np.maximum(self._english.closeness(left, right), self._chinese.closeness(left, right))
        distance = np.nan_to_num(self._distance(left, right), nan=CLOSE_M)
        return np.asarray(names + CLOSE_M / (CLOSE_M + distance))

    def _name(self, left: Array, right: Array) -> Array:
        """The better level of both scripts. Where only sounds can be compared, only a high likeness counts."""
        found = np.maximum(self._english.levels(left, right), self._chinese.levels(left, right))
        unknown = np.flatnonzero(found == UNKNOWN)
        left, right = left[unknown], right[unknown]
        english, chinese = self._english.sound, self._chinese.sound
        sound_similarity = np.maximum(
            _similarity(english, left, chinese, right, fuzz.ratio, SHORTEST_SOUND),
            _similarity(chinese, left, english, right, fuzz.ratio, SHORTEST_SOUND),
        )
        found[unknown[sound_similarity >= NEARLY]] = NAME.number("similar")
        return np.asarray(found)

    def _place(self, left: Array, right: Array) -> Array:
        return self._addresses.levels(left, right, self._distance(left, right))

    def _distance(self, left: Array, right: Array) -> Array:
        """Metres, by the equirectangular approximation (exact to 1 % at these distances); NaN where unknown."""
        north, east = self.parsed.latitude, self.parsed.longitude
        down = north[left] - north[right]
        across = (east[left] - east[right]) * np.cos(np.radians((north[left] + north[right]) / 2))
        return np.asarray(np.hypot(down, across) * METRES_PER_DEGREE)

    def _phone(self, left: Array, right: Array) -> Array:
        one, other = self._phones.codes[left], self._phones.codes[right]
        known = (one > 0) & (other > 0)
        found = np.where(known, PHONE.number("different"), UNKNOWN).astype(np.int8)
        same = known & (one == other)
        values = self._phones.values
        for at in np.flatnonzero(known & ~same & (self._many_phones[left] | self._many_phones[right])).tolist():
            same[at] = not set(values[left[at]].split("; ")).isdisjoint(values[right[at]].split("; "))
        apart = np.flatnonzero(known & ~same)
        digits = _similarity(self._phones, left[apart], self._phones, right[apart], Hamming.distance)
        found[apart[digits == 1]] = PHONE.number("near")
        shared = self._shared_phones[left] | self._shared_phones[right]
        found[same] = np.where(shared[same], PHONE.number("same_shared"), PHONE.number("same"))
        return found

    def _branch(self, left: Array, right: Array) -> Array:
        found = np.full(len(left), UNKNOWN, dtype=np.int8)
        for names in (self._english, self._chinese):
            alike = _similarity(names.branch, left, names.branch, right, fuzz.token_set_ratio)
            level = np.where(alike >= BRANCHES_AGREE, BRANCH.number("same"), BRANCH.number("different"))
            found = np.where(alike >= 0, np.maximum(found, level), found).astype(np.int8)
        return found

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


class _Names:
    """Names of one script, by listing."""

    def __init__(self, names: list[ParsedName], frequencies: Frequencies, *, is_english: bool) -> None:
        self.core = _Texts([name.core for name in names])
        self.sorted = _Texts([" ".join(sorted(name.words)) if is_english else name.whole for name in names])
        self.whole = _Texts([_plain(name.whole) if is_english else name.whole for name in names])
        self.sound = _Texts([name.sound for name in names])
        self.branch = _Texts([name.branch for name in names])
        self._kind = [_kind(name, is_english=is_english) for name in names]
        self._words = [frozenset(name.words) for name in names]
        self._word_counts = np.fromiter(map(len, self._words), dtype=np.int32, count=len(names))
        self._is_rare = np.array([frequencies.names_by_chance(words) <= FEW_NAMES for words in self._words], dtype=bool)
        self._is_shared = np.array([frequencies.places_with_name(name.whole) > 1 for name in names], dtype=bool)
        self._shares_core = np.array([frequencies.places_with_name(name.core) > 1 for name in names], dtype=bool)

    def levels(self, left: Array, right: Array) -> Array:
        found = np.full(len(left), UNKNOWN, dtype=np.int8)
        known = np.flatnonzero((self.core.lengths[left] > 0) & (self.core.lengths[right] > 0))
        left, right = left[known], right[known]
        alike = _similarity(self.core, left, self.core, right, fuzz.ratio)
        alike = np.maximum(alike, _similarity(self.sorted, left, self.sorted, right, fuzz.ratio))
        level = np.full(len(known), NAME.number("different"), dtype=np.int8)
        level[alike >= FAINT] = NAME.number("faint")
        level[alike >= SIMILAR] = NAME.number("similar")
        unclear = np.flatnonzero(alike < SIMILAR)
        sound_similarity = _similarity(
            self.sound, left[unclear], self.sound, right[unclear], fuzz.ratio, SHORTEST_SOUND + 1
        )
        level[unclear[sound_similarity == 100]] = NAME.number("similar")
        unclear = np.flatnonzero((alike < NEARLY) & (alike >= WITHIN_AT_LEAST))
        level[unclear[self._within(left[unclear], right[unclear])]] = NAME.number("within")
        level[alike >= NEARLY] = NAME.number("near")
        same_whole = self.whole.codes[left] == self.whole.codes[right]
        same_core = self.core.codes[left] == self.core.codes[right]
        unclear = np.flatnonzero(same_core & ~same_whole)
        same_core[unclear] = self._kinds_agree(left[unclear], right[unclear])
        shared = np.where(
            same_whole,
            self._is_shared[left] | self._is_shared[right],
            self._shares_core[left] | self._shares_core[right],
        )
        same = same_whole | same_core
        level[same] = np.where(shared[same], NAME.number("same_shared"), NAME.number("same"))
        found[known] = level
        return found

    def closeness(self, left: Array, right: Array) -> Array:
        """0 to 2; 0 where either name is unknown."""
        scorers = (fuzz.token_set_ratio, fuzz.ratio)
        return np.maximum(sum(_similarity(self.whole, left, self.whole, right, scorer) for scorer in scorers), 0) / 100

    def _kinds_agree(self, left: Array, right: Array) -> Array:
        """Whether both names state the same kind of restaurant, or only one states a kind."""
        kinds = [(self._kind[one], self._kind[other]) for one, other in zip(left.tolist(), right.tolist(), strict=True)]
        return np.array([mine <= theirs or theirs <= mine for mine, theirs in kinds], dtype=bool)

    def _within(self, left: Array, right: Array) -> Array:
        """Whether one name contains all words of the other, and these words are rare."""
        smaller_left = self._word_counts[left] <= self._word_counts[right]
        inner, outer = np.where(smaller_left, left, right), np.where(smaller_left, right, left)
        found = self._is_rare[inner]
        rare = np.flatnonzero(found)
        words = self._words
        found[rare] = [
            words[one] <= words[other] for one, other in zip(inner[rare].tolist(), outer[rare].tolist(), strict=True)
        ]
        return found


def _plain(whole: str) -> str:
    return " ".join(word for word in whole.split() if word not in ("the", "and", "a"))


def _kind(name: ParsedName, *, is_english: bool) -> frozenset[str]:
    if is_english:
        return frozenset(word for word in name.whole.split() if word in GENERIC and len(word) > 3)
    return frozenset(name.whole.removeprefix(name.core).split()) if name.whole.startswith(name.core) else frozenset()


class _Addresses:
    """Addresses by listing: numbers, floors and shops of both languages together; streets and buildings per script."""

    def __init__(self, parsed: ParsedListings) -> None:
        both = list(zip(parsed.address_en, parsed.address_zh, strict=True))
        numbered = [english if english.first else chinese for english, chinese in both]
        self.first = np.array([address.first for address in numbered], dtype=np.int32)
        self.last = np.array([address.last for address in numbered], dtype=np.int32)
        self._floors = _codes([english.floor or chinese.floor for english, chinese in both])
        self._shops = [english.shops | chinese.shops for english, chinese in both]
        self._shop_codes = _codes(self._shops)
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
        says_otherwise = numbered & ~same_number | differ
        for level, where in (
            ("far", distance > APART_M),
            ("far", np.isnan(distance) & differ),
            ("apart", distance <= APART_M),
            ("apart", np.isnan(distance) & agree),
            ("quarter", distance <= QUARTER_M),
            ("near", (distance <= NEAR_M) & ~says_otherwise),
            ("close", (distance <= CLOSE_M) & ~says_otherwise),
            ("door", door),
            ("other_unit", door & other_unit),
            ("unit", door & same_unit),
        ):
            found[where] = PLACE.number(level)
        return found

    def _streets(self, left: Array, right: Array) -> tuple[Array, Array]:
        """Whether the streets agree, and whether they differ; both are false where they cannot be compared."""
        english, chinese = self.scripts
        alike = _similarity(english.street, left, english.street, right, fuzz.ratio)
        agree, differ = alike >= STREETS_AGREE, (alike >= 0) & (alike < STREETS_DIFFER)
        ends = _similarity(chinese.street, left, chinese.street, right, Postfix.similarity)
        agree |= ends >= STREET_ENDS_AGREE
        differ |= (ends >= 0) & (ends < STREET_ENDS_DIFFER)
        unknown = np.flatnonzero(~agree & ~differ)
        left, right = left[unknown], right[unknown]
        agree[unknown] = _sounds_agree(english, left, chinese, right) | _sounds_agree(english, right, chinese, left)
        return agree, differ & ~agree

    def _buildings(self, left: Array, right: Array) -> Array:
        found = np.zeros(len(left), dtype=bool)
        for script in self.scripts:
            alike = _similarity(script.building, left, script.building, right, fuzz.ratio, script.shortest_building)
            found |= alike >= BUILDINGS_AGREE
        return found

    def _units(self, left: Array, right: Array) -> tuple[Array, Array]:
        """Whether the units are the same, and whether they differ; both are false where one is unknown."""
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
        self.street = _Texts([address.street for address in addresses])
        self.sound = _Texts([address.street_sound for address in addresses])
        self.building = _Texts([address.building for address in addresses])
        self.shortest_building = shortest_building


def _sounds_agree(english: _Streets, left: Array, chinese: _Streets, right: Array) -> Array:
    """Whether the end of the Chinese street sounds like the English street."""
    ends = _similarity(english.sound, left, chinese.sound, right, Postfix.similarity, SHORTEST_SOUND)
    return np.asarray((ends >= SHORTEST_SOUND) & (ends >= english.sound.lengths[left]))


def _alike_sets(sets: Sequence[frozenset[str]], codes: Array) -> Array:
    """A table by two codes of sets: whether the sets overlap. There are few distinct sets, so it is small."""
    by_code = dict(zip(codes.tolist(), sets, strict=True))
    words = {word: number for number, word in enumerate(sorted({word for found in by_code.values() for word in found}))}
    has = np.zeros((max(by_code, default=0) + 1, len(words)), dtype=np.float32)
    for code, found in by_code.items():
        has[code, [words[word] for word in found]] = 1
    return np.asarray(has @ has.T > 0)


class _Texts:
    """Strings by listing, with their lengths and a code that equal strings share."""

    def __init__(self, values: Sequence[str]) -> None:
        self.values = _objects(values)
        self.lengths = np.fromiter(map(len, values), dtype=np.int32, count=len(values))
        self.codes = _codes(values)


def _similarity(
    one: _Texts, left: Array, other: _Texts, right: Array, scorer: Callable[..., Any], shortest: int = 1
) -> Array:
    """The scorer's result for each pair of strings; -1 where either is shorter than `shortest`."""
    found = np.full(len(left), -1.0, dtype=np.float32)
    known = np.flatnonzero((one.lengths[left] >= shortest) & (other.lengths[right] >= shortest))
    if len(known):
        found[known] = cpdist(one.values[left[known]].tolist(), other.values[right[known]].tolist(), scorer=scorer)
    return found


def _codes(values: Sequence[Hashable]) -> Array:
    """A code for each value: equal values have equal codes, the empty value has 0."""
    numbers: dict[Hashable, int] = {}
    return np.fromiter(
        (numbers.setdefault(value, len(numbers) + 1) if value else 0 for value in values),
        dtype=np.int32,
        count=len(values),
    )


def _equal(codes: Array, left: Array, right: Array, same: int, different: int) -> Array:
    one, other = codes[left], codes[right]
    return np.where((one > 0) & (other > 0), np.where(one == other, same, different), UNKNOWN).astype(np.int8)


def _objects(values: Sequence[Any]) -> Array:
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
