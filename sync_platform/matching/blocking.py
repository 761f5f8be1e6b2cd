"""Blocking: chooses the candidate pairs of listings. Each rule gives a listing keys; a shared key makes a pair.

What belongs here: the rules and the pairs they make. Blocking does not decide whether a pair is one place, so a rule
may be wide, but it must not make too many pairs. A key that too many listings have is skipped.

A key is stored as a hash of its rule and its text, which is the same in every process and on every machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import polars as pl

from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.parsed_address import Door, ParsedAddress
from sync_platform.matching.parsed_listings import ParsedListings
from sync_platform.matching.scripts import has_han
from sync_platform.storage.memory_database import memory_database

Keys = Iterator[str]
NEAR_DEGREES = 0.0016
"""Side of the cells in which listings with one common word in their names are compared: about 170 m."""
AT_DEGREES = 0.0004
"""Side of the cells in which all listings are compared: about 45 m."""
AREA_DEGREES = 0.02
"""Side of the cells in which house numbers and units are compared across languages: about 2 km."""
MAX_LISTINGS_PER_KEY = 1_000
"""A key with more listings is skipped even where the model does not list it as crowded; the model is outdated then."""
RARE_WORDS = 3
_STREET_END = 3  # characters of a Chinese street's name that blocking looks at
_WIDEST_BLOCK = 20  # numbers
_KEYS_PER_PAIR = 2  # that two candidates share on average
_PRIME, _OTHER_PRIME = 7_368_787, 15_485_863  # they spread the drawn pairs evenly
_MOST_UNITS = 6


class BlockingRule(NamedTuple):
    """A function that gives a listing its keys; a key with more than `most` listings is skipped."""

    name: str
    keys: Callable[[ParsedListings, int, Frequencies], Keys]
    most: int


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


def _words_nearby(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    words = [*parsed.english[at].words[:3], *parsed.chinese[at].words[:3]]
    for cell in _cells(parsed, at, NEAR_DEGREES):
        for word in words:
            yield f"{word} {cell}"


def _sound_nearby(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    sounds = {name.sound[:2] for name in (parsed.english[at], parsed.chinese[at]) if len(name.sound) > 1}
    for cell in _cells(parsed, at, NEAR_DEGREES):
        for sound in sounds:
            yield f"{sound} {cell}"


def _sound(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    yield from {name.sound for name in (parsed.english[at], parsed.chinese[at]) if len(name.sound) > 2}


def _words_in_city(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    if parsed.cities[at]:
        for word in parsed.english[at].words[:3]:
            yield f"{word} {parsed.cities[at]}"


def _place(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    yield from _cells(parsed, at, AT_DEGREES)


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


def _unit_in_area(parsed: ParsedListings, at: int, frequencies: Frequencies) -> Keys:
    units = {unit for address in _addresses(parsed, at) for unit in _units(address)}
    for cell in _cells(parsed, at, AREA_DEGREES):
        for unit in units:
            yield f"{unit} {cell}"


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


def _cells(parsed: ParsedListings, at: int, degrees: float) -> Keys:
    """Cells of four grids, shifted by half a cell each: two points nearer than half a cell share at least one cell."""
    north, east = parsed.latitude[at], parsed.longitude[at]
    if north == north:
        rows, columns = north / degrees, east / degrees
        for down in (0.0, 0.5):
            for right in (0.0, 0.5):
                yield f"{int((rows + down) // 1)} {int((columns + right) // 1)} {down}{right}"


RULES = (
    BlockingRule("phone", _phone, 100),
    BlockingRule("licence", _licence, 60),
    BlockingRule("name", _name, 60),
    BlockingRule("sorted_name", _sorted_name, 60),
    BlockingRule("rare_words", _rare_words, 40),
    BlockingRule("words_nearby", _words_nearby, 40),
    BlockingRule("words_in_city", _words_in_city, 40),
    BlockingRule("sound", _sound, 40),
    BlockingRule("sound_nearby", _sound_nearby, 40),
    BlockingRule("door", _door, 100),
    BlockingRule("door_by_sound", _door_by_sound, 60),
    BlockingRule("name_at_street", _name_at_street, 60),
    BlockingRule("unit_in_area", _unit_in_area, 40),
    BlockingRule("unit", _unit, 40),
    BlockingRule("building_unit", _building_unit, 40),
    BlockingRule("place", _place, 40),
)


class BlockingKeys:
    """The blocking keys of parsed listings.

    `crowded`: per rule, the keys that too many of these listings have; the model's frequencies store them. `keys`:
    distinct rows of `listing` (its position, Int32) and `key` (Int64). Crowded keys are left out: those that the
    frequencies name, or, where they name none, those of these listings.
    """

    def __init__(self, parsed: ParsedListings, frequencies: Frequencies) -> None:
        self.crowded: dict[str, list[str]] = {}
        kept: list[pl.DataFrame] = []
        for rule in RULES:
            keys = _keys_of(rule, parsed, frequencies)
            counts = keys.group_by("key").len()
            self.crowded[rule.name] = counts.filter(pl.col("len") > rule.most)["key"].sort().to_list()
            skipped = (frequencies.crowded or self.crowded)[rule.name]
            kept.append(keys.filter(~pl.col("key").is_in(skipped)).with_columns(rule=pl.lit(rule.name)))
        self.keys = _hashed(pl.concat(kept))


def count_listings_per_key(keys: pl.DataFrame) -> pl.DataFrame:
    """The number of listings with each key: `key` and `count` (Int64)."""
    return keys.group_by("key").agg(pl.len().cast(pl.Int64).alias("count"))


def oversized_keys(listings_per_key: pl.DataFrame) -> pl.Series:
    """The keys that are skipped because they have too many listings."""
    return listings_per_key.filter(pl.col("count") > MAX_LISTINGS_PER_KEY)["key"]


def without_keys(keys: pl.DataFrame, skipped: pl.Series) -> pl.DataFrame:
    return keys.filter(~pl.col("key").is_in(skipped.implode())) if len(skipped) else keys


def pairs_of(keys: pl.DataFrame, groups: np.ndarray, of: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pairs of positions of different groups that share a key, in order, the smaller position first.

    `groups`: by position, as in `ParsedListings.groups`. `of`: for each position, true if its pairs are wanted; None
    for all pairs.
    """
    wanted = np.ones(keys.height, dtype=bool) if of is None else of[keys["listing"].to_numpy()]
    return _joined(keys, groups, wanted, "mine.own <> theirs.own AND (mine.wanted OR theirs.wanted)")


def sample_within_groups(keys: pl.DataFrame, groups: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray, float]:
    """About `most` random pairs of one group that share a key, and how many pairs each of them stands for.

    A source lists a place once, so these pairs show what likeness chance produces.
    """
    counts = keys.with_columns(own=groups[keys["listing"].to_numpy()]).group_by("key", "own").len()["len"].to_numpy()
    every = max(1, int((counts.astype(np.int64) * (counts - 1) // 2).sum() // (most * _KEYS_PER_PAIR)))
    is_drawn = f"(mine.listing::BIGINT * {_PRIME} + theirs.listing::BIGINT * {_OTHER_PRIME}) % {every} = 0"
    one, other = _joined(keys, groups, np.ones(keys.height, dtype=bool), f"mine.own = theirs.own AND {is_drawn}")
    return one, other, float(every)


def share_a_key(keys: pl.DataFrame, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """True for each pair of positions that shares a key."""
    found = np.zeros(len(one), dtype=bool)
    with memory_database() as connection:
        connection.register("keys", keys.to_arrow())
        connection.register(
            "pairs", pl.DataFrame({"number": np.arange(len(one)), "one": one, "other": other}).to_arrow()
        )
        numbers = connection.sql(
            """SELECT DISTINCT number FROM pairs JOIN keys AS mine ON mine.listing = pairs.one
               JOIN keys AS theirs ON theirs.listing = pairs.other AND theirs.key = mine.key"""
        ).fetchnumpy()["number"]
    found[np.asarray(numbers)] = True
    return found


def _joined(
    keys: pl.DataFrame, groups: np.ndarray, wanted: np.ndarray, condition: str
) -> tuple[np.ndarray, np.ndarray]:
    listed = keys.select("listing", "key").with_columns(own=groups[keys["listing"].to_numpy()], wanted=wanted)
    with memory_database() as connection:
        connection.register("keys", listed.to_arrow())
        pairs = connection.sql(
            f"""SELECT DISTINCT mine.listing AS one, theirs.listing AS other FROM keys AS mine
               JOIN keys AS theirs ON mine.key = theirs.key AND mine.listing < theirs.listing AND {condition}
               ORDER BY ALL"""
        ).fetchnumpy()
    return np.asarray(pairs["one"]), np.asarray(pairs["other"])


def _keys_of(rule: BlockingRule, parsed: ParsedListings, frequencies: Frequencies) -> pl.DataFrame:
    """Columns `key` and `listing` (its position), each row once."""
    keys: list[str] = []
    listings: list[int] = []
    for at in range(len(parsed)):
        found = list(rule.keys(parsed, at, frequencies))
        keys += found
        listings += [at] * len(found)
    return pl.DataFrame({"key": keys, "listing": listings}, schema={"key": pl.String, "listing": pl.Int32}).unique()


def _hashed(keys: pl.DataFrame) -> pl.DataFrame:
    """Columns `key` and `listing`, with each rule and key hashed by MD5 to 63 bits.

    The built-in hashes of polars and DuckDB may differ between versions.
    """
    with memory_database() as connection:
        connection.register("keys", keys.to_arrow())
        hashed = connection.sql(
            "SELECT listing, CAST(md5_number_lower(rule || ' ' || key) >> 1 AS BIGINT) AS key FROM keys"
        )
        return pl.DataFrame(hashed.to_arrow_table())
