"""Blocking: which pairs of listings are worth comparing. Each rule gives a listing keys; a shared key makes a pair.

What belongs here: rules, and the pairs they make. Whether a pair is one place is not asked here, so a rule may be
wide; it must only not make too many pairs. A key that too many listings have says nothing and is passed over.

A key is known by the hash of its rule and itself, the same in every process and on every machine: keys can be kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import duckdb
import numpy as np
import polars as pl

from sync_platform.matching.addresses import ReadAddress
from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.parsed_listings import Reading

Keys = Iterator[str]
NEAR_DEGREES = 0.0016
"""Side of the cells in which names are compared that share one word only: about 170 m."""
AT_DEGREES = 0.0004
"""Side of the cells in which all listings are compared: about 45 m."""
AREA_DEGREES = 0.02
"""Side of the cells in which house numbers and units are compared across languages: about 2 km."""
MOST_EVER = 1_000
"""A key that more listings have is passed over though the model doesn't know it as crowded: it wants a new model."""
RARE_WORDS = 3
_STREET_END = 3  # characters of a Chinese street's name that blocking looks at


class Rule(NamedTuple):
    """How listings get keys, and of how many listings a key may be before it is passed over."""

    name: str
    keys: Callable[[Reading, int, Frequencies], Keys]
    most: int


def _phone(reading: Reading, at: int, frequencies: Frequencies) -> Keys:
    yield from reading.phones[at]


def _licence(reading: Reading, at: int, frequencies: Frequencies) -> Keys:
    if reading.licences[at]:
        yield reading.licences[at]


def _name(reading: Reading, at: int, frequencies: Frequencies) -> Keys:
    yield from {reading.english[at].core, reading.chinese[at].core} - {""}


def _sorted_name(reading: Reading, at: int, frequencies: Frequencies) -> Keys:
    words = reading.english[at].words
    if len(words) > 1:
        yield " ".join(sorted(words))


def _rare_words(reading: Reading, at: int, frequencies: Frequencies) -> Keys:
    for words in (reading.english[at].words, reading.chinese[at].words):
        yield from sorted(words, key=lambda word: (frequencies.words.get(word, 1), word))[:RARE_WORDS]


def _words_nearby(reading: Reading, at: int, frequencies: Frequencies) -> Keys:
    words = [*reading.english[at].words[:3], *reading.chinese[at].words[:3]]
    for cell in _cells(reading, at, NEAR_DEGREES):
        for word in words:
            yield f"{word} {cell}"


def _sound_nearby(reading: Reading, at: int, frequencies: Frequencies) -> Keys:
    sounds = {name.sound[:2] for name in (reading.english[at], reading.chinese[at]) if len(name.sound) > 1}
    for cell in _cells(reading, at, NEAR_DEGREES):
        for sound in sounds:
            yield f"{sound} {cell}"


def _sound(reading: Reading, at: int, frequencies: Frequencies) -> Keys:
    yield from {name.sound for name in (reading.english[at], reading.chinese[at]) if len(name.sound) > 2}


def _words_in_city(reading: Reading, at: int, frequencies: Frequencies) -> Keys:
    if reading.cities[at]:
        for word in reading.english[at].words[:3]:
            yield f"{word} {reading.cities[at]}"


def _place(reading: Reading, at: int, frequencies: Frequencies) -> Keys:
    yield from _cells(reading, at, AT_DEGREES)


def _door(reading: Reading, at: int, frequencies: Frequencies) -> Keys:
    english, chinese = reading.address_en[at], reading.address_zh[at]
    if english.first and english.street:
        yield f"{english.first} {english.street}"
    if chinese.first and chinese.street:
        yield f"{chinese.first} {chinese.street[-_STREET_END:]}"


def _unit_in_area(reading: Reading, at: int, frequencies: Frequencies) -> Keys:
    units = {unit for address in _addresses(reading, at) for unit in _units(address)}
    for cell in _cells(reading, at, AREA_DEGREES):
        for unit in units:
            yield f"{unit} {cell}"


def _unit(reading: Reading, at: int, frequencies: Frequencies) -> Keys:
    for address in _addresses(reading, at):
        if address.first and address.shops:
            yield from _units(address)


def _building_unit(reading: Reading, at: int, frequencies: Frequencies) -> Keys:
    for address in _addresses(reading, at):
        if address.building and not address.first:
            for shop in sorted(address.shops):
                yield f"{address.building} {shop}"


def _addresses(reading: Reading, at: int) -> tuple[ReadAddress, ReadAddress]:
    return reading.address_en[at], reading.address_zh[at]


def _units(address: ReadAddress) -> Keys:
    if address.first:
        yield from (f"{address.first} {shop}" for shop in sorted(address.shops))
        if not address.shops:
            yield f"{address.first} {address.floor}"


def _cells(reading: Reading, at: int, degrees: float) -> Keys:
    """Cells of four grids, each half a cell off: whatever is nearer than half a cell shares one."""
    north, east = reading.latitude[at], reading.longitude[at]
    if north == north:
        rows, columns = north / degrees, east / degrees
        for down in (0.0, 0.5):
            for right in (0.0, 0.5):
                yield f"{int((rows + down) // 1)} {int((columns + right) // 1)} {down}{right}"


RULES = (
    Rule("phone", _phone, 100),
    Rule("licence", _licence, 60),
    Rule("name", _name, 60),
    Rule("sorted_name", _sorted_name, 60),
    Rule("rare_words", _rare_words, 40),
    Rule("words_nearby", _words_nearby, 40),
    Rule("words_in_city", _words_in_city, 40),
    Rule("sound", _sound, 40),
    Rule("sound_nearby", _sound_nearby, 40),
    Rule("door", _door, 100),
    Rule("unit_in_area", _unit_in_area, 40),
    Rule("unit", _unit, 40),
    Rule("building_unit", _building_unit, 40),
    Rule("place", _place, 40),
)


class Blocks:
    """The listings of a reading by key, one block a key and rule.

    `crowded`: per rule, the keys that too many of these listings have; they belong into the frequencies. `keys`:
    columns `listing` (its position, Int32) and `key` (Int64), each row once, without those that the frequencies know as
    crowded, or, where they know none, those that are.
    """

    def __init__(self, reading: Reading, frequencies: Frequencies) -> None:
        self.crowded: dict[str, list[str]] = {}
        kept: list[pl.DataFrame] = []
        for rule in RULES:
            keys = _keys_of(rule, reading, frequencies)
            counts = keys.group_by("key").len()
            self.crowded[rule.name] = counts.filter(pl.col("len") > rule.most)["key"].sort().to_list()
            passed_over = (frequencies.crowded or self.crowded)[rule.name]
            kept.append(keys.filter(~pl.col("key").is_in(passed_over)).with_columns(rule=pl.lit(rule.name)))
        self.keys = _hashed(pl.concat(kept))


def crowds_of(keys: pl.DataFrame) -> pl.DataFrame:
    """How many listings have each key: `key` and `count` (Int64)."""
    return keys.group_by("key").agg(pl.len().cast(pl.Int64).alias("count"))


def overfull(crowds: pl.DataFrame) -> pl.Series:
    """The keys that more listings have than may ever make pairs of them."""
    return crowds.filter(pl.col("count") > MOST_EVER)["key"]


def without_keys(keys: pl.DataFrame, passed_over: pl.Series) -> pl.DataFrame:
    return keys.filter(~pl.col("key").is_in(passed_over.implode())) if len(passed_over) else keys


def pairs_of(keys: pl.DataFrame, of: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of positions, the smaller first, that share a key; each once, in order.

    `of`: for each position whether its pairs are wanted; without it, all are. Two listings of one source may be a pair:
    as such they show what chance makes.
    """
    wanted = np.ones(keys.height, dtype=bool) if of is None else of[keys["listing"].to_numpy()]
    with duckdb.connect() as connection:
        connection.register("keys", keys.with_columns(wanted=wanted).to_arrow())
        pairs = connection.sql(
            """SELECT DISTINCT mine.listing AS one, theirs.listing AS other FROM keys AS mine
               JOIN keys AS theirs ON mine.key = theirs.key AND mine.listing < theirs.listing
                AND (mine.wanted OR theirs.wanted) ORDER BY ALL"""
        ).fetchnumpy()
    return np.asarray(pairs["one"]), np.asarray(pairs["other"])


def _keys_of(rule: Rule, reading: Reading, frequencies: Frequencies) -> pl.DataFrame:
    """Columns `key` and `listing` (its position), each row once."""
    keys: list[str] = []
    listings: list[int] = []
    for at in range(len(reading)):
        found = list(rule.keys(reading, at, frequencies))
        keys += found
        listings += [at] * len(found)
    return pl.DataFrame({"key": keys, "listing": listings}, schema={"key": pl.String, "listing": pl.Int32}).unique()


def _hashed(keys: pl.DataFrame) -> pl.DataFrame:
    """Columns `rule`, `key` and `listing`, with each key as a number of 63 bits, out of MD5: polars' and DuckDB's own
    hashes may differ between versions."""
    with duckdb.connect() as connection:
        connection.register("keys", keys.to_arrow())
        hashed = connection.sql(
            "SELECT listing, CAST(md5_number_lower(rule || ' ' || key) >> 1 AS BIGINT) AS key FROM keys"
        )
        return pl.DataFrame(hashed.to_arrow_table())
