"""Increments: link a batch of changed listings. The result is that of a full rebuild; the cost depends on the batch.

The score of a pair depends on its two listings and the model; a cluster depends on the pairs and decisions that connect
it. So an increment needs the pairs of the changed listings, and every component that they touch before or after.

state = LinkageState(connection, "listings", "keys", "links")
increment = relink(state, model, touched, decisions)
clusters = build_clusters(increment.linkage, decisions=decisions)  # complete clusters of the linkage's listings
increment.keep(state)

What belongs here: finding the affected listings. The tables and their queries are in `linkage_state`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sync_platform.matching.blocking import BlockingKeys, count_listings_per_key, oversized_keys, pairs_of, without_keys
from sync_platform.matching.decided_pairs import Decision
from sync_platform.matching.garbage_collection import without_garbage_collection
from sync_platform.matching.linkage import Linkage, compare
from sync_platform.matching.linkage_state import IDS, LinkageState, key_table, link_table
from sync_platform.matching.listing_table import to_listing_table
from sync_platform.matching.model import Model
from sync_platform.matching.parsed_listings import ParsedListings, parse_listings
from sync_platform.matching.thresholds import Thresholds


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
    keys = _BatchKeys(state, model, touched.select(IDS).unique())
    if (listings_of_resized_keys := keys.listings_of_resized_keys()).height:
        keys = _BatchKeys(state, model, pl.concat([keys.replaced, listings_of_resized_keys]).unique())
    sharing = keys.sharing()
    links = link_table(_link(state, model, sharing.select(IDS).unique(), sharing, keys.replaced), thresholds)
    affected = _connected(state, keys.replaced, links, decisions, thresholds.least)
    linkage = _link(state, model, affected, keys.making_pairs_of(affected))
    return Increment(linkage, keys.replaced, keys.fresh, links)


class _BatchKeys:
    """The keys after the batch: `fresh` for the `replaced` listings, the stored keys for all others.

    The table of keys is large, and every query reads a whole column of it, so the rows of all keys of the replaced
    listings are read once.
    """

    def __init__(self, state: LinkageState, model: Model, replaced: pl.DataFrame) -> None:
        self._state, self.replaced = state, replaced
        parsed = _read(state, replaced)
        self.fresh = key_table(parsed.listings, BlockingKeys(parsed, model.frequencies).hashed())
        self._stale = state.keys_of(replaced)
        self._touched = state.sharing(pl.concat([self.fresh["key"], self._stale["key"]]).unique())

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


def _read(state: LinkageState, ids: pl.DataFrame) -> ParsedListings:
    return parse_listings(to_listing_table(state.listings_of(ids)).table)


def _link(
    state: LinkageState, model: Model, ids: pl.DataFrame, keys: pl.DataFrame, of: pl.DataFrame | None = None
) -> Linkage:
    """The linkage of listings by their keys; `of`: only pairs that contain one of these listings."""
    parsed = _read(state, ids)
    listed = parsed.listings.with_row_index("listing").with_columns(pl.col("listing").cast(pl.Int32))
    by_position = keys.join(listed, on=IDS).select("listing", "key")
    wanted = None if of is None else np.isin(np.arange(len(parsed)), listed.join(of, on=IDS, how="semi")["listing"])
    return compare(parsed, model, lambda: by_position, *pairs_of(by_position, parsed.groups(), wanted))


def _connected(
    state: LinkageState, start: pl.DataFrame, links: pl.DataFrame, decisions: Sequence[Decision], least: float
) -> pl.DataFrame:
    """All listings of the components of `start`, before and after the batch."""
    connections = _connections(links.filter(pl.col("probability") >= least), decisions)
    reached = frontier = start
    while frontier.height:
        connected = connections.join(frontier, on=IDS, how="semi").select(source="to_source", source_id="to_id")
        found = pl.concat([state.neighbours(frontier, least), connected]).unique()
        frontier = found.join(reached, on=IDS, how="anti")
        reached = pl.concat([reached, frontier])
    return reached


def _connections(links: pl.DataFrame, decisions: Sequence[Decision]) -> pl.DataFrame:
    """The connections between listings by these links and decisions, in both directions."""
    pairs = links.select("source_a", "id_a", "source_b", "id_b").rows()
    pairs += [(*decision.one, *decision.other) for decision in decisions if decision.same]
    columns = [*IDS, "to_source", "to_id"]
    forward = pl.DataFrame(pairs, schema=dict.fromkeys(columns, pl.String), orient="row")
    return pl.concat(
        [forward, forward.select(source="to_source", source_id="to_id", to_source="source", to_id="source_id")]
    )
