"""Linkage: from a table of listings to scored pairs. This is where matching begins; `clusters` goes on from here.

linkage = link(listings)                    # a model of these listings
linkage = link(listings, model)             # a model that was made before
clusters = gather(linkage, Thresholds())
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
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
"""Pairs with more (a probability of 0.8 %) may matter to clusters."""
Progress = Callable[[str], None]
"""Called with what is being done, in words, as each stage begins."""


@dataclass
class Linkage:
    """Pairs of listings that were compared, by position in `listings`, with all that was found of them.

    `listings` has `source`, `source_id` and `is_duplicate`, in order. Pairs stand in order of (`left`, `right`), and
    `left` < `right`; `levels` is as in `evidence`, `bits` the log2 odds that the pair is one place, `closeness` (of
    likely pairs, else 0) what decides between rivals of equal bits, `keys` what pairs were found by, as in `BlockingKeys`.
    What a pair scores depends on its two listings and the model only, not on what else is in the table.
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

    @property
    def may_join(self) -> np.ndarray:
        """Whether a pair may be one place at all: its sources differ, or one of the two is a marked second listing."""
        sources = self.listings["source"].rank("dense").to_numpy()
        marked = self.listings["is_duplicate"].to_numpy()
        return np.asarray((sources[self.left] != sources[self.right]) | marked[self.left] | marked[self.right])


def link(table: Any, model: Model | None = None, on_progress: Progress = lambda stage: None) -> Linkage:
    """Compare the listings of a polars frame, an Arrow table or a DuckDB relation (columns as in `listing.SCHEMA`).

    Without a model, one is estimated from these listings. UsageError for a table that is none of listings.
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
        on_progress("weighing evidence")
        model = estimate_model(parsed, comparer, frequencies, left, right, levels)
    return score_pairs(comparer, model, blocking_keys.keys, left, right, levels, listings.warnings)


def compare(parsed: ParsedListings, model: Model, keys: pl.DataFrame, left: np.ndarray, right: np.ndarray) -> Linkage:
    """The linkage of these pairs of a reading, by a model that was made before."""
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
