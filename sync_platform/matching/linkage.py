"""Linkage: from a table of listings to scored pairs. It is the entry point of matching; `clusters` uses its result.

linkage = link(listings)                    # estimates a model from these listings
linkage = link(listings, model)             # uses an existing model
clusters = build_clusters(linkage, Thresholds())
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import polars as pl

from sync_platform.matching.blocking import BlockingKeys, count_listings_per_key, oversized_keys, pairs_of, without_keys
from sync_platform.matching.decided_pairs import Decision, by_position
from sync_platform.matching.estimation import estimate_model
from sync_platform.matching.evidence import Comparer
from sync_platform.matching.frequencies import count_frequencies
from sync_platform.matching.garbage_collection import without_garbage_collection
from sync_platform.matching.learning import taught_model
from sync_platform.matching.listing_table import to_listing_table
from sync_platform.matching.model import Model, probability_of
from sync_platform.matching.parsed_listings import ParsedListings, parse_listings

LIKELY_BITS = -7.0
"""Pairs with more bits (a probability above 0.8 %) may matter to clusters."""
OUTSIDE_SCHEMA = {"listing": pl.Int32, "source": pl.String}
"""Columns of pairs with other listings: the position of the one listing, and the source of the other."""
Keys = Callable[[], pl.DataFrame]
"""Gives the blocking keys of the listings, as `BlockingKeys.hashed`."""
Progress = Callable[[str], None]
"""Called with a description of each stage when it begins."""


@dataclass
class Linkage:
    """Compared pairs of listings, by position in `listings`, with their scores.

    `listings` has `source`, `source_id` and `is_duplicate`, in order. Pairs are sorted by (`left`, `right`), and
    `left` < `right`. `levels` is as in `evidence`. `bits` are the log2 odds that the pair is one place. `closeness` (0
    for unlikely pairs) decides between pairs with equal bits. `keys` gives the hashed blocking keys. The score of a
    pair depends on its two listings and the model only, not on the rest of the table. `within_sources`: listings of one
    source were compared too. `outside`, in OUTSIDE_SCHEMA: pairs of two sources, from the review threshold on, of a
    listing and one that is not among these.
    """

    listings: pl.DataFrame
    model: Model
    left: np.ndarray
    right: np.ndarray
    levels: np.ndarray
    bits: np.ndarray
    closeness: np.ndarray
    keys: Keys
    warnings: list[str]
    within_sources: bool = False
    outside: pl.DataFrame = field(default_factory=lambda: pl.DataFrame(schema=OUTSIDE_SCHEMA))

    @property
    def probabilities(self) -> np.ndarray:
        return probability_of(self.bits)

    @cached_property
    def sources(self) -> np.ndarray:
        """The source of each listing as a number."""
        return self.listings["source"].rank("dense").to_numpy().astype(np.int64)

    @property
    def may_join(self) -> np.ndarray:
        """True where a pair may be one place: its sources differ, or one listing may be a second one."""
        second = self.may_be_second
        return np.asarray(
            (self.sources[self.left] != self.sources[self.right]) | second[self.left] | second[self.right]
        )

    @property
    def may_be_second(self) -> np.ndarray:
        """True for each listing that may be a second one of its source: it is marked, or the user asked for all."""
        return np.asarray(self.listings["is_duplicate"].to_numpy() | self.within_sources)


@without_garbage_collection()
def link(
    table: Any,
    model: Model | None = None,
    on_progress: Progress = lambda stage: None,
    *,
    within_sources: bool = False,
    decisions: Iterable[Decision] = (),
) -> Linkage:
    """Compare the listings of a polars frame, an Arrow table or a DuckDB relation (`listing_table.SCHEMA`), or those of
    a listing table.

    Without a model, one is estimated from these listings, and learns from `decisions`. Listings of one source are
    compared only where one is marked as a second listing, or `within_sources`. UsageError where the table is not a
    table of listings.
    """
    listings = to_listing_table(table)
    on_progress(f"reading {listings.table.height:,} listings")
    parsed = parse_listings(listings.table)
    frequencies = count_frequencies(parsed) if model is None else model.frequencies
    on_progress("looking for pairs")
    blocking_keys = BlockingKeys(parsed, frequencies)
    keys = without_keys(blocking_keys.keys, oversized_keys(count_listings_per_key(blocking_keys.keys)))
    left, right = pairs_of(keys, parsed.groups(within_sources=within_sources))
    if model is None:
        frequencies = msgspec.structs.replace(frequencies, crowded=blocking_keys.crowded)
    on_progress(f"comparing {len(left):,} pairs")
    comparer = Comparer(parsed, frequencies)
    levels = comparer.compare(left, right)
    if model is None:
        on_progress("estimating the model")
        model = estimate_model(parsed, comparer, frequencies, keys, levels_between(parsed, left, right, levels))
        model = _with_lessons(model, comparer, decisions)
    warnings = [*listings.warnings, *_reasons_for_no_match(parsed, len(left))]
    linkage = score_pairs(comparer, model, blocking_keys.hashed, left, right, levels, warnings)
    return replace(linkage, within_sources=within_sources)


def _with_lessons(model: Model, comparer: Comparer, decisions: Iterable[Decision]) -> Model:
    """The model with what the decisions on listings of different sources teach."""
    across = [decision for decision in decisions if decision.is_across_sources]
    decided = by_position(comparer.parsed.listings, across)
    pairs = np.array(sorted(decided), dtype=np.int64).reshape(-1, 2)
    same = np.array([decided[pair] for pair in sorted(decided)], dtype=bool)
    model = taught_model(model, comparer.compare(pairs[:, 0], pairs[:, 1]), same)
    return msgspec.structs.replace(model, lessons=msgspec.structs.replace(model.lessons, decisions=len(across)))


def levels_between(parsed: ParsedListings, left: np.ndarray, right: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """The levels of the pairs of different sources without second listings."""
    sources, marked = parsed.source_numbers, parsed.is_duplicate
    return np.asarray(levels[(sources[left] != sources[right]) & ~marked[left] & ~marked[right]])


def _reasons_for_no_match(parsed: ParsedListings, pairs: int) -> list[str]:
    """Why no two listings can be one place, in words; nothing where some can."""
    if pairs:
        return []
    if not len(parsed):
        return ["there are no listings"]
    if len(set(parsed.sources)) == 1 and not parsed.is_duplicate.any():
        only = parsed.sources[0]
        return [f"all listings are of one source, {only}: --within-sources looks for second listings within it"]
    return ["no two listings were compared: they have no value in common, or only values that too many listings have"]


def compare(parsed: ParsedListings, model: Model, keys: Keys, left: np.ndarray, right: np.ndarray) -> Linkage:
    """The linkage of these pairs of parsed listings, by an existing model."""
    comparer = Comparer(parsed, model.frequencies)
    return score_pairs(comparer, model, keys, left, right, comparer.compare(left, right), [])


def score_pairs(
    comparer: Comparer,
    model: Model,
    keys: Keys,
    left: np.ndarray,
    right: np.ndarray,
    levels: np.ndarray,
    warnings: list[str],
) -> Linkage:
    """The linkage of pairs whose levels are known."""
    bits = model.bits(levels)
    closeness = np.zeros(len(bits))
    likely = np.flatnonzero(bits > LIKELY_BITS)
    closeness[likely] = comparer.closeness(left[likely], right[likely])
    return Linkage(comparer.parsed.listings, model, left, right, levels, bits, closeness, keys, warnings)
