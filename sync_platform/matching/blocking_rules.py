"""Blocking rules: each gives a listing keys, such as its phone numbers or the cells of the map around it.

What belongs here: the rules. A rule may be wide, because it does not decide whether a pair is one place; but it must
not make too many pairs, so a key that too many listings have is skipped. `blocking` makes pairs of listings with a key
in common.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.parsed_address import Door, ParsedAddress
from sync_platform.matching.parsed_listings import ParsedListings
from sync_platform.matching.scripts import has_han

Keys = Iterator[str]
KeysOf = Callable[[ParsedListings, int, Frequencies], Keys]
NEAR_DEGREES = 0.0016
"""Side of the cells in which listings with one common word in their names are compared: about 170 m."""
AT_DEGREES = 0.0004
"""Side of the cells in which all listings are compared: about 45 m."""
AREA_DEGREES = 0.02
"""Side of the cells in which house numbers and units are compared across languages: about 2 km."""
RARE_WORDS = 3
_STREET_END = 3  # characters of a Chinese street's name that blocking looks at
_WIDEST_BLOCK = 20  # numbers
_MOST_UNITS = 6


class BlockingRule(NamedTuple):
    """A function that gives a listing its keys; a key with more than `most` listings is skipped.

    With `cell_degrees`, each key counts within each cell of that side around the listing, and a listing without
    coordinates has none.
    """

    name: str
    keys: KeysOf
    most: int
    cell_degrees: float | None = None


def _phone(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    yield from parsed.phones[at]


def _licence(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    if parsed.licences[at]:
        yield parsed.licences[at]


def _name(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    yield from {parsed.english[at].core, parsed.chinese[at].core} - {""}


def _sorted_name(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    words = parsed.english[at].words
    if len(words) > 1:
        yield " ".join(sorted(words))


def _rare_words(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    for words in (parsed.english[at].words, parsed.chinese[at].words):
        yield from sorted(words, key=lambda word: (frequencies.words.get(word, 1), word))[:RARE_WORDS]


def _words(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    yield from (*parsed.english[at].words[:3], *parsed.chinese[at].words[:3])


def _first_sounds(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    yield from {name.sound[:2] for name in (parsed.english[at], parsed.chinese[at]) if len(name.sound) > 1}


def _sound(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    yield from {name.sound for name in (parsed.english[at], parsed.chinese[at]) if len(name.sound) > 2}


def _words_in_city(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    if parsed.cities[at]:
        for word in parsed.english[at].words[:3]:
            yield f"{word} {parsed.cities[at]}"


def _everywhere(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    yield ""


def _door(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    for door in parsed.address_en[at].doors:
        if door.first and door.street:
            yield from (f"{number} {door.street.replace(' ', '')}" for number in _numbers(door))
    for door in parsed.address_zh[at].doors or parsed.address_en[at].doors:
        street = door.street if has_han(door.street) else frequencies.streets.get(door.street, "")
        if door.first and street:
            yield from (f"{number} {street[-_STREET_END:]}" for number in _numbers(door))


def _door_by_sound(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    """Keys that the English and the Chinese address of a door share."""
    for address in _addresses(parsed, at):
        for door in address.doors:
            if door.first and len(door.sound) > 1:
                yield from (f"{number} {door.sound}" for number in _numbers(door))


def _numbers(door: Door) -> range:
    """The house numbers of an interval, on one side of the street; only the first one of a wide interval."""
    return (
        range(door.first, door.last + 1, 2)
        if door.last - door.first <= _WIDEST_BLOCK
        else range(door.first, door.first + 1)
    )


def _name_at_street(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    names = {parsed.english[at].core, parsed.chinese[at].core} - {""}
    for address in _addresses(parsed, at):
        places = {door.street.replace(" ", "") for door in address.doors} | {*address.buildings, address.estate}
        yield from (f"{name} {place}" for name in names for place in places - {""})


def _numbered_units(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    yield from {unit for address in _addresses(parsed, at) for unit in _units(address)}


def _unit(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    for address in _addresses(parsed, at):
        if address.first and address.units:
            yield from _units(address)


def _building_unit(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    for address in _addresses(parsed, at):
        for building in address.buildings or (address.estate,):
            if building:
                yield from (f"{building} {unit}" for unit in sorted(address.units)[:_MOST_UNITS])


def _addresses(parsed: ParsedListings, at: int) -> tuple[ParsedAddress, ParsedAddress]:
    return parsed.address_en[at], parsed.address_zh[at]


def _units(address: ParsedAddress) -> Keys:
    if address.first:
        yield from (f"{address.first} {unit}" for unit in sorted(address.units)[:_MOST_UNITS])
        if not address.units:
            yield f"{address.first} {min(address.floors, default='')}"


RULES = (
    BlockingRule("phone", _phone, 100),
    BlockingRule("licence", _licence, 60),
    BlockingRule("name", _name, 60),
    BlockingRule("sorted_name", _sorted_name, 60),
    BlockingRule("rare_words", _rare_words, 40),
    BlockingRule("words_nearby", _words, 40, NEAR_DEGREES),
    BlockingRule("words_in_city", _words_in_city, 40),
    BlockingRule("sound", _sound, 40),
    BlockingRule("sound_nearby", _first_sounds, 40, NEAR_DEGREES),
    BlockingRule("door", _door, 100),
    BlockingRule("door_by_sound", _door_by_sound, 60),
    BlockingRule("name_at_street", _name_at_street, 60),
    BlockingRule("unit_in_area", _numbered_units, 40, AREA_DEGREES),
    BlockingRule("unit", _unit, 40),
    BlockingRule("building_unit", _building_unit, 40),
    BlockingRule("place", _everywhere, 40, AT_DEGREES),
)
