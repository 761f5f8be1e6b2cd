"""Linkage: from a table of listings to scored pairs. It is the entry point of matching; `clusters` uses its result.

linkage = link(listings)                    # estimates a model from these listings
linkage = link(listings, model)             # uses an existing model
clusters = build_clusters(linkage, Thresholds())
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import polars as pl

from sync_platform.matching.blocking import BlockingKeys, count_listings_per_key, oversized_keys, pairs_of, without_keys
from sync_platform.matching.estimation import estimate_model
from sync_platform.matching.evidence import Comparer
from sync_platform.matching.frequencies import count_frequencies
from sync_platform.matching.listing_table import to_listing_table
from sync_platform.matching.model import Model, probability_of
from sync_platform.matching.parsed_listings import ParsedListings, parse_listings

LIKELY_BITS = -7.0
"""Pairs with more bits (a probability above 0.8 %) may matter to clusters."""
Progress = Callable[[str], None]
"""Called with a description of each stage when it begins."""


@dataclass
class Linkage:
    """Compared pairs of listings, by position in `listings`, with their scores.

    `listings` has `source`, `source_id` and `is_duplicate`, in order. Pairs are sorted by (`left`, `right`), and
    `left` < `right`. `levels` is as in `evidence`. `bits` are the log2 odds that the pair is one place. `closeness` (0
    for unlikely pairs) decides between pairs with equal bits. `keys` are as in `BlockingKeys`. The score of a pair
    depends on its two listings and the model only, not on the rest of the table.
    """

    listings: pl.DataFrame
    model: Model
    left: np.ndarray
    right: np.ndarray
    levels: np.ndarray
    bits: np.ndarray
    closeness: np.ndarray
    keys: pl.DataFrame
    warnings: list[str]

    @property
    def probabilities(self) -> np.ndarray:
        return probability_of(self.bits)

    @cached_property
    def sources(self) -> np.ndarray:
        """The source of each listing as a number."""
        return self.listings["source"].rank("dense").to_numpy().astype(np.int64)

    @property
    def may_join(self) -> np.ndarray:
        """True where a pair may be one place: its sources differ, or one listing is marked as a second listing."""
        marked = self.listings["is_duplicate"].to_numpy()
        return np.asarray(
            (self.sources[self.left] != self.sources[self.right]) | marked[self.left] | marked[self.right]
        )


def link(table: Any, model: Model | None = None, on_progress: Progress = lambda stage: None) -> Linkage:
    """Compare the listings of a polars frame, an Arrow table or a DuckDB relation (`listing_table.SCHEMA`).

    Without a model, one is estimated from these listings. UsageError where the table is not a table of listings.
    """
    listings = to_listing_table(table)
    on_progress(f"reading {listings.table.height:,} listings")
    parsed = parse_listings(listings.table)
    frequencies = count_frequencies(parsed) if model is None else model.frequencies
    on_progress("looking for pairs")
    blocking_keys = BlockingKeys(parsed, frequencies)
    left, right = pairs_of(without_keys(blocking_keys.keys, oversized_keys(count_listings_per_key(blocking_keys.keys))))
    if model is None:
        frequencies = msgspec.structs.replace(frequencies, crowded=blocking_keys.crowded)
    on_progress(f"comparing {len(left):,} pairs")
    comparer = Comparer(parsed, frequencies)
    levels = comparer.compare(left, right)
    if model is None:
        on_progress("estimating the model")
        model = estimate_model(parsed, comparer, frequencies, left, right, levels)
    warnings = [*listings.warnings, *_reasons_for_no_match(parsed, left, right)]
    return score_pairs(comparer, model, blocking_keys.keys, left, right, levels, warnings)


def _reasons_for_no_match(parsed: ParsedListings, left: np.ndarray, right: np.ndarray) -> list[str]:
    """Why no two listings can be one place, in words; nothing where some can."""
    sources, marked = parsed.source_numbers, parsed.is_duplicate
    if ((sources[left] != sources[right]) | marked[left] | marked[right]).any():
        return []
    if not len(parsed):
        return ["there are no listings"]
    if len(set(parsed.sources)) == 1 and not marked.any():
        return [f"all listings are of one source, {parsed.sources[0]}: there is none to match them with"]
    return ["no two listings were compared: they have no value in common, or only values that too many listings have"]


def compare(parsed: ParsedListings, model: Model, keys: pl.DataFrame, left: np.ndarray, right: np.ndarray) -> Linkage:
    """The linkage of these pairs of parsed listings, by an existing model."""
    comparer = Comparer(parsed, model.frequencies)
    return score_pairs(comparer, model, keys, left, right, comparer.compare(left, right), [])


def score_pairs(
    comparer: Comparer,
    model: Model,
    keys: pl.DataFrame,
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
