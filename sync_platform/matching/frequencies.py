"""How common values are: which names and numbers belong to many places, and which words to many names.

A source has one record per place. So a name that one source lists twice is that of two places, a chain's or a common
one, and a number listed twice is shared. That needs no labels, and it is kept with the model: a batch that comes later
is judged by the same counts as a full rebuild.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from sync_platform.matching.parsed_listings import ParsedListings

SAME_LOCATION_DEGREES = 0.001
"""Without addresses, listings less than this apart (some 100 m) are at one spot."""
MOST_COUNTED = 5


class Frequencies(msgspec.Struct):
    """Counts out of the listings that a model was made from; what is not listed counts once.

    `names` and `phones`: the most places that one source has under a name (whole or core) or number, where more than
    one. `words`: how many different names have a word, of `name_count` different names. `crowded`: per blocking rule
    the keys that too many listings had.
    """

    names: dict[str, int] = {}
    phones: dict[str, int] = {}
    words: dict[str, int] = {}
    name_count: int = 0
    crowded: dict[str, list[str]] = {}

    def places_with_name(self, name: str) -> int:
        return self.names.get(name, 1)

    def places_with_phone(self, phone: str) -> int:
        return self.phones.get(phone, 1)

    def names_by_chance(self, words: Iterable[str]) -> float:
        """How many names have all of these words, were words strewn at random."""
        total = max(self.name_count, 1)
        expected = float(total)
        for word in words:
            expected *= min(1.0, self.words.get(word, 1) / total)
        return expected


def count_frequencies(parsed: ParsedListings) -> Frequencies:
    """The frequencies in a table of listings; a place that a source lists twice, marked or not, counts once."""
    locations = [_location(parsed, at) for at in range(len(parsed))]
    names = _most_in_one_source(parsed, _names(parsed), locations)
    phones = _most_in_one_source(parsed, parsed.phones, locations, by_name=True)
    different = {
        name.core: name.words for language in (parsed.english, parsed.chinese) for name in language if name.core
    }
    words = Counter(word for found in different.values() for word in found)
    return Frequencies(names, phones, {word: count for word, count in words.items() if count > 1}, len(different))


def _names(parsed: ParsedListings) -> Iterator[tuple[str, ...]]:
    """Every form of each listing's name that can be equal to another's."""
    for english, chinese in zip(parsed.english, parsed.chinese, strict=True):
        yield tuple({english.whole, english.core, chinese.whole, chinese.core} - {""})


class _Location(NamedTuple):
    """Where a listing is, as far as it says."""

    door: tuple[int, str, frozenset[str]] | None
    latitude: float
    longitude: float
    phones: tuple[str, ...]
    name: str

    def is_at(self, other: _Location) -> bool:
        """Whether the two listings of one source are at one spot: by their doors, else by distance, else by phone."""
        if self.door and other.door:
            return self.door == other.door
        apart = max(abs(self.latitude - other.latitude), abs(self.longitude - other.longitude))
        return apart <= SAME_LOCATION_DEGREES if apart == apart else self.phones == other.phones != ()


def _location(parsed: ParsedListings, at: int) -> _Location:
    addresses = (parsed.address_en[at], parsed.address_zh[at])
    door = next(((found.first, found.street, found.shops) for found in addresses if found.first and found.street), None)
    name = parsed.english[at].core or parsed.chinese[at].core
    return _Location(door, parsed.latitude[at], parsed.longitude[at], parsed.phones[at], name)


def _most_in_one_source(
    parsed: ParsedListings, values: Iterable[Iterable[str]], locations: list[_Location], *, by_name: bool = False
) -> dict[str, int]:
    """For each value that some source has at several spots (or, `by_name`, under several names), the most that one has.

    More than MOST_COUNTED are not told apart.
    """
    found: dict[tuple[int, str], list[_Location]] = {}
    for source, mine, location in zip(parsed.source_numbers.tolist(), values, locations, strict=True):
        for value in mine:
            others = found.setdefault((source, value), [])
            if len(others) < MOST_COUNTED and not any(
                location.is_at(other) and not (by_name and location.name != other.name) for other in others
            ):
                others.append(location)
    most: dict[str, int] = {}
    for (_, value), different in found.items():
        if len(different) > most.get(value, 1):
            most[value] = len(different)
    return dict(sorted(most.items()))
