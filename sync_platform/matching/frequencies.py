"""Frequencies: which names and numbers belong to several places, and which words to several names.

A source has one record per place. So if one source lists a name twice, two places have it (a chain or a common name),
and a number listed twice is shared. This needs no labels. The counts are stored with the model, so a later batch is
scored with the same counts as a full rebuild.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from sync_platform.matching.parsed_listings import ParsedListings
from sync_platform.matching.translations import learn_buildings, learn_streets

SAME_LOCATION_DEGREES = 0.001
"""Without addresses, listings closer than this (about 100 m) are at the same location."""
MAX_COUNTED = 5


class Frequencies(msgspec.Struct):
    """Counts from the listings that a model was estimated from; a value that is not listed counts as 1.

    `names` and `phones`: the largest number of places that one source has with a name (whole or core) or number, if
    above 1. `words`: the number of distinct names with a word, of `name_count` names. `crowded`: per blocking rule the
    keys that too many listings have. `streets` and `buildings`: the Chinese names of English ones (`translations`).
    """

    names: dict[str, int] = {}
    phones: dict[str, int] = {}
    words: dict[str, int] = {}
    name_count: int = 0
    crowded: dict[str, list[str]] = {}
    streets: dict[str, str] = {}
    buildings: dict[str, str] = {}

    def places_with_name(self, name: str) -> int:
        return self.names.get(name, 1)

    def places_with_phone(self, phone: str) -> int:
        return self.phones.get(phone, 1)

    def names_by_chance(self, words: Iterable[str]) -> float:
        """The expected number of names with all of these words if words were distributed at random."""
        total = max(self.name_count, 1)
        expected = float(total)
        for word in words:
            expected *= min(1.0, self.words.get(word, 1) / total)
        return expected


def count_frequencies(parsed: ParsedListings) -> Frequencies:
    """The frequencies of parsed listings; a place that a source lists twice, marked or not, counts once."""
    names = _most_in_one_source(parsed, _names(parsed))
    phones = _most_in_one_source(parsed, parsed.phones, by_name=True)
    different = {
        name.core: name.words for language in (parsed.english, parsed.chinese) for name in language if name.core
    }
    words = Counter(word for name_words in different.values() for word in name_words)
    return Frequencies(
        names,
        phones,
        {word: count for word, count in words.items() if count > 1},
        len(different),
        streets=learn_streets(parsed),
        buildings=learn_buildings(parsed),
    )


def _names(parsed: ParsedListings) -> Iterator[tuple[str, ...]]:
    """Every form of each listing's name that can be equal to another's."""
    for english, chinese in zip(parsed.english, parsed.chinese, strict=True):
        yield tuple({english.whole, english.core, chinese.whole, chinese.core} - {""})


class _Location(NamedTuple):
    """The location of a listing, as far as it is known."""

    door: tuple[int, str, frozenset[str]] | None
    latitude: float
    longitude: float
    phones: tuple[str, ...]
    name: str

    def is_at(self, other: _Location) -> bool:
        """True if two listings of one source are at one location: by address, else by distance, else by phone."""
        if self.door and other.door:
            return self.door == other.door
        apart = max(abs(self.latitude - other.latitude), abs(self.longitude - other.longitude))
        return apart <= SAME_LOCATION_DEGREES if apart == apart else self.phones == other.phones != ()


def _location(parsed: ParsedListings, position: int) -> _Location:
    addresses = (parsed.address_en[position], parsed.address_zh[position])
    door = next(
        ((address.first, address.street, address.units) for address in addresses if address.first and address.street),
        None,
    )
    name = parsed.english[position].core or parsed.chinese[position].core
    return _Location(door, parsed.latitude[position], parsed.longitude[position], parsed.phones[position], name)


def _most_in_one_source(
    parsed: ParsedListings, values: Iterable[Iterable[str]], *, by_name: bool = False
) -> dict[str, int]:
    """For each value that a source has at several locations (or, `by_name`, under several names), the largest number
    of them in one source. Counting stops at MAX_COUNTED.
    """
    listed: dict[tuple[int, str], list[int]] = defaultdict(list)
    for position, (source, own_values) in enumerate(zip(parsed.source_numbers.tolist(), values, strict=True)):
        for value in own_values:
            listed[source, value].append(position)
    most: dict[str, int] = {}
    for (_, value), positions in listed.items():
        if len(positions) > 1:
            count = _count_places([_location(parsed, position) for position in positions], by_name=by_name)
            if count > most.get(value, 1):
                most[value] = count
    return dict(sorted(most.items()))


def _count_places(locations: list[_Location], *, by_name: bool) -> int:
    """How many of these locations differ, at most MAX_COUNTED."""
    different: list[_Location] = []
    for location in locations:
        if len(different) < MAX_COUNTED and not any(
            location.is_at(other) and not (by_name and location.name != other.name) for other in different
        ):
            different.append(location)
    return len(different)
