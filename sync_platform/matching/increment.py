"""Increments: link a batch of changed listings. The result is that of a full rebuild; the cost depends on the batch.

The score of a pair depends on its two listings and the model; a cluster depends on the pairs and decisions that connect
it. So an increment needs the pairs of the changed listings, and every component that they touch before or after.

state = LinkageState(connection, "listings", "keys", "links")
increment = relink(state, model, touched, decisions)
clusters = build_clusters(increment.linkage, decisions=decisions)  # complete clusters of the linkage's listings
increment.keep(state)

What belongs here: which keys and pairs a batch changes. `affected_listings` finds the components that it touches; the
tables and their queries are in `linkage_state`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from sync_platform.matching.affected_listings import AffectedListings
from sync_platform.matching.blocking import (
    BlockingKeys,
    count_listings_per_key,
    distinct_pairs,
    oversized_keys,
    pairs_with,
    pairs_within,
    without_keys,
)
from sync_platform.matching.comparisons import COMPARISONS, PLACE, UNKNOWN, distinct_levels
from sync_platform.matching.components import components_of
from sync_platform.matching.decided_pairs import Decision
from sync_platform.matching.evidence import Comparer
from sync_platform.matching.garbage_collection import without_garbage_collection
from sync_platform.matching.linkage import Linkage, compare
from sync_platform.matching.linkage_state import ENDS, IDS, LinkageState, key_table, link_table
from sync_platform.matching.listing_table import to_listing_table
from sync_platform.matching.model import Model, probability_of
from sync_platform.matching.parsed_listings import ListingParser, ParsedListings
from sync_platform.matching.thresholds import Thresholds

_PLACE = COMPARISONS.index(PLACE)
_WITHOUT_PLACE = tuple(comparison for comparison in COMPARISONS if comparison is not PLACE)


@dataclass
class Increment:
    """The result of a batch.

    `linkage`: every listing whose cluster the batch may have changed, and the other members of these clusters; its
    clusters are those of a full run. `replaced` (`source`, `source_id`): the listings, removed ones included, whose
    rows in the state are replaced by `keys` and `links`.
    """

    linkage: Linkage
    replaced: pl.DataFrame
    keys: pl.DataFrame
    links: pl.DataFrame

    def keep(self, state: LinkageState) -> None:
        """Update the tables of the state."""
        state.replace(self.replaced, self.keys, self.links)


@without_garbage_collection()
def relink(
    state: LinkageState,
    model: Model,
    touched: pl.DataFrame,
    decisions: Sequence[Decision] = (),
    thresholds: Thresholds | None = None,
) -> Increment:
    """Link the listings that a batch affects, with the model that built the state.

    `touched` (`source`, `source_id`): every listing that is new, changed or gone, and both listings of every decision
    that was made, changed or withdrawn. `decisions`: all current decisions.
    """
    thresholds = thresholds or Thresholds()
    reader = _ListingReader(state)
    keys = _BatchKeys(reader, model, touched.select(IDS).unique())
    if (listings_of_resized_keys := keys.listings_of_resized_keys()).height:
        keys = _BatchKeys(reader, model, pl.concat([keys.replaced, listings_of_resized_keys]).unique())
    links = _links(reader, keys, model, thresholds)
    affected = AffectedListings(state, keys.replaced, links, decisions, model, thresholds)
    listed = reader.listed(affected.listings, keys.making_pairs_of(affected.listings))
    components = listed.components(affected.joining(affected.connections))
    pairs = (pairs_within(listed.keys, listed.groups, components), listed.positions(affected.links))
    linkage = listed.linkage(model, *distinct_pairs(*map(np.concatenate, zip(*pairs, strict=True))))
    linkage = replace(linkage, outside=listed.outside(affected.links, thresholds))
    return Increment(linkage, keys.replaced, keys.fresh, links)


def _links(reader: _ListingReader, keys: _BatchKeys, model: Model, thresholds: Thresholds) -> pl.DataFrame:
    """The links of the replaced listings after the batch, in LINK_SCHEMA.

    Most pairs that share a key cannot be links, whatever their addresses are, or lie too far apart for their addresses
    to matter. Addresses are the slowest to parse, so only those of the other pairs are.
    """
    sharing = keys.sharing()
    table = reader.table(sharing.select(IDS).unique())
    without_addresses = table.with_columns(pl.lit(None, pl.String).alias(name) for name in ("address_en", "address_zh"))
    named = _KeyedListings(reader.parser.parse(without_addresses), sharing)
    left, right = pairs_with(named.keys, named.groups, named.are_in(keys.replaced))
    comparer = Comparer(named.parsed, model.frequencies)
    levels = comparer.compare(left, right, _WITHOUT_PLACE)
    levels[:, _PLACE] = comparer.places_far_apart(left, right)
    levels, which = distinct_levels(levels)
    most = np.where(levels[:, _PLACE] == UNKNOWN, model.most_bits(levels, PLACE), model.bits(levels))
    may_be_links = (probability_of(most) >= thresholds.least)[which]
    left, right = left[may_be_links], right[may_be_links]
    near = np.union1d(left, right)
    linked = _KeyedListings(reader.parser.parse(table[near]), sharing)
    return link_table(linked.linkage(model, np.searchsorted(near, left), np.searchsorted(near, right)), thresholds)


class _ListingReader:
    """Reads listings of the state; `parser` parses each address once."""

    def __init__(self, state: LinkageState) -> None:
        self.state, self.parser = state, ListingParser()

    def table(self, ids: pl.DataFrame) -> pl.DataFrame:
        return to_listing_table(self.state.listings_of(ids)).table

    def read(self, ids: pl.DataFrame) -> ParsedListings:
        return self.parser.parse(self.table(ids))

    def listed(self, ids: pl.DataFrame, keys: pl.DataFrame) -> _KeyedListings:
        return _KeyedListings(self.read(ids), keys)


class _KeyedListings:
    """Parsed listings with their keys by position, and `groups` as in `ParsedListings.groups`."""

    def __init__(self, parsed: ParsedListings, keys: pl.DataFrame) -> None:
        self.parsed, self.groups = parsed, parsed.groups()
        self._listed = parsed.listings.with_row_index("listing").with_columns(pl.col("listing").cast(pl.Int32))
        self.keys = keys.join(self._listed, on=IDS).select("listing", "key")

    def are_in(self, ids: pl.DataFrame) -> np.ndarray:
        """True for each listing with one of these ids."""
        return np.isin(np.arange(len(self.parsed)), self._listed.join(ids, on=IDS, how="semi")["listing"])

    def positions(self, links: pl.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """The positions of the two listings of each link; links of other listings are left out."""
        for end, name in zip(ENDS, ("one", "other"), strict=True):
            links = links.join(self._listed.select(*IDS, pl.col("listing").alias(name)), left_on=end, right_on=IDS)
        return links["one"].to_numpy(), links["other"].to_numpy()

    def outside(self, links: pl.DataFrame, thresholds: Thresholds) -> pl.DataFrame:
        """The links of one of these listings and another listing, as `Linkage.outside`."""
        links = links.filter((pl.col("probability") >= thresholds.review) & (pl.col("source_a") != pl.col("source_b")))
        found = []
        for mine, theirs in (ENDS, ENDS[::-1]):
            outside = links.join(self._listed, left_on=theirs, right_on=IDS, how="anti")
            found.append(outside.join(self._listed, left_on=mine, right_on=IDS).select("listing", source=theirs[0]))
        return pl.concat(found)

    def components(self, joining: pl.DataFrame) -> np.ndarray:
        """A number for each listing, which is the same for those that these links connect."""
        return components_of(len(self.parsed), *self.positions(joining))

    def linkage(self, model: Model, left: np.ndarray, right: np.ndarray) -> Linkage:
        return compare(self.parsed, model, lambda: self.keys, left, right)


class _BatchKeys:
    """The keys after the batch: `fresh` for the `replaced` listings, the stored keys for all others.

    The table of keys is large, and every query reads a whole column of it, so the rows of all keys of the replaced
    listings are read once.
    """

    def __init__(self, reader: _ListingReader, model: Model, replaced: pl.DataFrame) -> None:
        self._state, self.replaced = reader.state, replaced
        parsed = reader.read(replaced)
        self.fresh = key_table(parsed.listings, BlockingKeys(parsed, model.frequencies).hashed())
        self._stale = self._state.keys_of(replaced)
        self._touched = self._state.sharing(pl.concat([self.fresh["key"], self._stale["key"]]).unique())

    def listings_of_resized_keys(self) -> pl.DataFrame:
        """The listings of keys that become or cease to be oversized: their pairs change although they do not."""
        before = count_listings_per_key(self._touched)
        old, new = oversized_keys(before), oversized_keys(self._after(before))
        resized = pl.concat([old.filter(~old.is_in(new.implode())), new.filter(~new.is_in(old.implode()))])
        return self._touched.filter(pl.col("key").is_in(resized.implode())).select(IDS).unique()

    def sharing(self) -> pl.DataFrame:
        """The keys, in KEY_SCHEMA, of all listings that make pairs with the replaced ones."""
        fresh = without_keys(self.fresh, oversized_keys(self._after(count_listings_per_key(self._touched))))
        others = self._touched.join(fresh.select("key"), on="key", how="semi").join(self.replaced, on=IDS, how="anti")
        return pl.concat([fresh, others])

    def making_pairs_of(self, ids: pl.DataFrame) -> pl.DataFrame:
        """The keys of these listings, in KEY_SCHEMA, without oversized ones."""
        others = self._state.keys_of(ids.join(self.replaced, on=IDS, how="anti"))
        return self._without_oversized(pl.concat([self.fresh.join(ids, on=IDS, how="semi"), others]))

    def _without_oversized(self, keys: pl.DataFrame) -> pl.DataFrame:
        return without_keys(keys, oversized_keys(self._after(self._state.listings_per_key(keys["key"].unique()))))

    def _after(self, before: pl.DataFrame) -> pl.DataFrame:
        """The number of listings per key after the batch. Exact for keys in `before`; too low for other keys."""
        removed = count_listings_per_key(self._stale).with_columns(-pl.col("count"))
        return pl.concat([before, removed, count_listings_per_key(self.fresh)]).group_by("key").sum()
