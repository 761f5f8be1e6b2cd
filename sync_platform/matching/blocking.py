"""Blocking: chooses the candidate pairs of listings, those with a blocking key in common.

What belongs here: keys as a table, and the pairs that they make. `rule_keys` gives listings their keys. Blocking does
not decide whether a pair is one place.

A key is stored as a hash of its rule and its text, which is the same in every process and on every machine. To find the
pairs of one table, its keys are only numbered.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import duckdb
import numpy as np
import polars as pl

from sync_platform.matching.blocking_rules import RULES
from sync_platform.matching.frequencies import Frequencies
from sync_platform.matching.parsed_listings import ParsedListings
from sync_platform.matching.rule_keys import RuleKeys, rule_keys
from sync_platform.storage.memory_database import memory_database

MAX_LISTINGS_PER_KEY = 1_000
"""A key with more listings is skipped even where the model does not list it as crowded; the model is outdated then."""
_KEYS_PER_PAIR = 2  # that two candidates share on average
_HALF = 32  # bits of a pair's number for the second position; the first has the others
_PRIME, _OTHER_PRIME = 7_368_787, 15_485_863  # they spread the drawn pairs evenly
Chosen = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Says which pairs of positions are chosen, as a mask."""


class BlockingKeys:
    """The blocking keys of parsed listings.

    `crowded`: per rule, the keys that too many of these listings have; the model's frequencies store them. `keys`:
    distinct rows of `listing` (its position, Int32) and `key` (Int64, a number that these listings only have). Crowded
    keys are left out: those that the frequencies name, or, where they name none, those of these listings.
    """

    def __init__(self, parsed: ParsedListings, frequencies: Frequencies) -> None:
        self.crowded: dict[str, list[str]] = {}
        self._kept: dict[str, RuleKeys] = {}
        numbered: list[pl.DataFrame] = []
        first = 0
        for rule in RULES:
            keys = rule_keys(rule, parsed, frequencies)
            crowded = keys.crowded(rule.most)
            self.crowded[rule.name] = keys.names(crowded).sort().to_list()
            skipped = keys.named(frequencies.crowded[rule.name]) if frequencies.crowded else crowded
            kept = keys.rows.filter(~pl.col("number").is_in(skipped.implode()))
            self._kept[rule.name] = keys._replace(rows=kept)
            numbered.append(kept.select("listing", key=pl.col("number") + first))
            first += keys.size
        self.keys = pl.concat(numbered)

    def hashed(self) -> pl.DataFrame:
        """The keys with `key` as a hash of its rule and its text, 63 bits of MD5: equal keys of all listings are equal.

        Computing hashes takes longer than finding pairs. The built-in hashes of polars and DuckDB may differ between
        versions.
        """
        with memory_database() as connection:
            hashed = [
                keys.rows.join(_hashes(connection, rule, keys), on="number").select("listing", "key")
                for rule, keys in self._kept.items()
            ]
        return pl.concat(hashed)


def _hashes(connection: duckdb.DuckDBPyConnection, rule: str, keys: RuleKeys) -> pl.DataFrame:
    """Columns `number` and `key`: the hash of each key of a rule."""
    numbers = keys.rows["number"].unique()
    connection.register("named", pl.DataFrame({"number": numbers, "name": keys.names(numbers)}).to_arrow())
    hashed = connection.sql(
        f"SELECT number, CAST(md5_number_lower('{rule} ' || name) >> 1 AS BIGINT) AS key FROM named"
    )
    return pl.DataFrame(hashed.to_arrow_table())


def count_listings_per_key(keys: pl.DataFrame) -> pl.DataFrame:
    """The number of listings with each key: `key` and `count` (Int64)."""
    return keys.group_by("key").agg(pl.len().cast(pl.Int64).alias("count"))


def oversized_keys(listings_per_key: pl.DataFrame) -> pl.Series:
    """The keys that are skipped because they have too many listings."""
    return listings_per_key.filter(pl.col("count") > MAX_LISTINGS_PER_KEY)["key"]


def without_keys(keys: pl.DataFrame, skipped: pl.Series) -> pl.DataFrame:
    return keys.filter(~pl.col("key").is_in(skipped.implode())) if len(skipped) else keys


def pairs_of(keys: pl.DataFrame, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distinct pairs of positions of different groups that share a key, in order, the smaller position first.

    `groups`: by position, as in `ParsedListings.groups`.
    """
    return _pairs_sharing_a_key(keys, lambda one, other: np.asarray(groups[one] != groups[other]))


def pairs_with(keys: pl.DataFrame, groups: np.ndarray, of: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `pairs_of`, only pairs that contain a position that `of` marks."""
    listing = keys["listing"].to_numpy()
    pairs = keys.filter(pl.Series(of[listing])).join(keys, on="key", suffix="_of_other")
    one, other = pairs["listing"].to_numpy(), pairs["listing_of_other"].to_numpy()
    apart = groups[one] != groups[other]
    return distinct_pairs(np.minimum(one, other)[apart], np.maximum(one, other)[apart])


def pairs_within(keys: pl.DataFrame, groups: np.ndarray, components: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As `pairs_of`, only pairs of positions with one number in `components`."""
    component = pl.Series(components[keys["listing"].to_numpy()], dtype=pl.Int64)
    number = pl.col("key").rank("dense").cast(pl.Int64) * (len(components) + 1) + component  # of key and component
    return pairs_of(keys.with_columns(key=number), groups)


def sample_within_groups(keys: pl.DataFrame, groups: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray, float]:
    """About `most` random pairs of one group that share a key, and how many pairs each of them stands for.

    A source lists a place once, so these pairs show what likeness chance produces.
    """
    counts = keys.with_columns(own=groups[keys["listing"].to_numpy()]).group_by("key", "own").len()["len"].to_numpy()
    every = max(1, int((counts.astype(np.int64) * (counts - 1) // 2).sum() // (most * _KEYS_PER_PAIR)))

    def drawn(one: np.ndarray, other: np.ndarray) -> np.ndarray:
        number = one.astype(np.int64) * _PRIME + other.astype(np.int64) * _OTHER_PRIME
        return np.asarray((groups[one] == groups[other]) & (number % every == 0))

    return *_pairs_sharing_a_key(keys, drawn), float(every)


def share_a_key(keys: pl.DataFrame, one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """True for each pair of positions that shares a key."""
    pairs = pl.DataFrame({"pair": np.arange(len(one)), "listing": one, "other": other})
    pairs = pairs.cast({"listing": pl.Int32, "other": pl.Int32})
    keys_of_one = pairs.join(keys, on="listing").select("pair", "key", listing="other")
    found = np.zeros(len(one), dtype=bool)
    found[keys_of_one.join(keys, on=["listing", "key"], how="semi")["pair"].to_numpy()] = True
    return found


def distinct_pairs(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The pairs of positions, each once and in order. The smaller position of each is in `one`."""
    numbers = pl.Series(one.astype(np.int64) << _HALF | other).unique().sort().to_numpy()
    return (numbers >> _HALF).astype(np.int32), numbers.astype(np.int32)


def _pairs_sharing_a_key(keys: pl.DataFrame, chosen: Chosen) -> tuple[np.ndarray, np.ndarray]:
    """The chosen pairs of positions that share a key, each once and in order, the smaller position first."""
    rows = keys.sort("key", "listing")  # so the listings of a key are next to each other
    key, listing = rows["key"].to_numpy(), rows["listing"].to_numpy()
    found: list[tuple[np.ndarray, np.ndarray]] = []
    at = np.arange(len(key))
    for distance in count(1):
        at = at[: np.searchsorted(at, len(key) - distance)]
        at = at[key[at] == key[at + distance]]
        if not len(at):
            break
        one, other = listing[at], listing[at + distance]
        kept = chosen(one, other)
        found.append((one[kept], other[kept]))
    if not found:
        return np.empty(0, dtype=np.int32), np.empty(0, dtype=np.int32)
    return distinct_pairs(*map(np.concatenate, zip(*found, strict=True)))
