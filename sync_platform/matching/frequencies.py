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

from sync_platform.matching.parsed_listings import Reading

SPOT_DEGREES = 0.001
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

    def places_named(self, name: str) -> int:
        return self.names.get(name, 1)

    def places_reached(self, phone: str) -> int:
        return self.phones.get(phone, 1)

    def names_by_chance(self, words: Iterable[str]) -> float:
        """How many names have all of these words, were words strewn at random."""
        total = max(self.name_count, 1)
        expected = float(total)
        for word in words:
            expected *= min(1.0, self.words.get(word, 1) / total)
        return expected


def count_frequencies(reading: Reading) -> Frequencies:
    """The frequencies in a table of listings; a place that a source lists twice, marked or not, counts once."""
    spots = [_spot(reading, at) for at in range(len(reading))]
    names = _most_in_one_source(reading, _names(reading), spots)
    phones = _most_in_one_source(reading, reading.phones, spots, by_name=True)
    different = {
        name.core: name.words for language in (reading.english, reading.chinese) for name in language if name.core
    }
    words = Counter(word for found in different.values() for word in found)
    return Frequencies(names, phones, {word: count for word, count in words.items() if count > 1}, len(different))


def _names(reading: Reading) -> Iterator[tuple[str, ...]]:
    """Every form of each listing's name that can be equal to another's."""
    for english, chinese in zip(reading.english, reading.chinese, strict=True):
        yield tuple({english.whole, english.core, chinese.whole, chinese.core} - {""})


class _Spot(NamedTuple):
    """Where a listing is, as far as it says."""

    door: tuple[int, str, frozenset[str]] | None
    latitude: float
    longitude: float
    phones: tuple[str, ...]
    name: str

    def is_at(self, other: _Spot) -> bool:
        """Whether the two listings of one source are at one spot: by their doors, else by distance, else by phone."""
        if self.door and other.door:
            return self.door == other.door
        apart = max(abs(self.latitude - other.latitude), abs(self.longitude - other.longitude))
        return apart <= SPOT_DEGREES if apart == apart else self.phones == other.phones != ()


def _spot(reading: Reading, at: int) -> _Spot:
    addresses = (reading.address_en[at], reading.address_zh[at])
    door = next(((found.first, found.street, found.shops) for found in addresses if found.first and found.street), None)
    name = reading.english[at].core or reading.chinese[at].core
    return _Spot(door, reading.latitude[at], reading.longitude[at], reading.phones[at], name)


def _most_in_one_source(
    reading: Reading, values: Iterable[Iterable[str]], spots: list[_Spot], *, by_name: bool = False
) -> dict[str, int]:
    """For each value that some source has at several spots (or, `by_name`, under several names), the most that one has.

    More than MOST_COUNTED are not told apart.
    """
    found: dict[tuple[int, str], list[_Spot]] = {}
    for source, mine, spot in zip(reading.source_numbers.tolist(), values, spots, strict=True):
        for value in mine:
            others = found.setdefault((source, value), [])
            if len(others) < MOST_COUNTED and not any(
                spot.is_at(other) and not (by_name and spot.name != other.name) for other in others
            ):
                others.append(spot)
    most: dict[str, int] = {}
    for (_, value), different in found.items():
        if len(different) > most.get(value, 1):
            most[value] = len(different)
    return dict(sorted(most.items()))
