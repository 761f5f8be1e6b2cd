"""Increments: a batch of changed listings linked as a rebuild of everything would link them, at the batch's cost.

What a pair scores depends on its two listings and the model, and a cluster on the pairs and decisions that connect it.
So a change needs the pairs of what changed, and the whole of every component that it touches, before or after.

state = State(connection, "listings", "keys", "links")
increment = relink(state, model, touched, decisions)
clusters = gather(increment.linkage, decisions=decisions)       # of increment.linkage.listings, whole clusters
increment.keep(state)

What belongs here: what is affected. The tables and their queries are in `state`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from sync_platform.matching.blocking import BlockingKeys, count_listings_per_key, oversized_keys, pairs_of, without_keys
from sync_platform.matching.clusters import Decision, Thresholds
from sync_platform.matching.linkage import Linkage, compare
from sync_platform.matching.linkage_state import IDS, LinkageState, key_table, link_table
from sync_platform.matching.listing_table import to_listing_table
from sync_platform.matching.model import Model
from sync_platform.matching.parsed_listings import ParsedListings, parse_listings


@dataclass
class Increment:
    """What a batch comes to.

    `linkage`: over every listing whose cluster the batch may have changed, and all that these clusters are made of: its
    clusters are those of a full run. `replaced` (`source`, `source_id`): the listings, those that are gone among them,
    of which the state keeps `keys` and `links` from now on, and nothing else.
    """

    linkage: Linkage
    replaced: pl.DataFrame
    keys: pl.DataFrame
    links: pl.DataFrame

    def keep(self, state: LinkageState) -> None:
        """Bring the state's tables up to date."""
        state.replace(self.replaced, self.keys, self.links)


def relink(
    state: LinkageState,
    model: Model,
    touched: pl.DataFrame,
    decisions: Sequence[Decision] = (),
    thresholds: Thresholds | None = None,
) -> Increment:
    """Link what a batch affects, by the model that the state was built with.

    `touched` (`source`, `source_id`): every listing that is new, changed or gone since, and both listings of every
    decision that was made, changed or taken back; `decisions`: all that there are now.
    """
    thresholds = thresholds or Thresholds()
    keys = _Keys(state, model, touched.select(IDS).unique())
    if (listings_of_resized_keys := keys.listings_of_resized_keys()).height:
        keys = _Keys(state, model, pl.concat([keys.replaced, listings_of_resized_keys]).unique())
    sharing = keys.sharing()
    links = link_table(_link(state, model, sharing.select(IDS).unique(), sharing, keys.replaced), thresholds)
    affected = _connected(state, keys.replaced, links, decisions, thresholds.match)
    linkage = _link(state, model, affected, keys.making_pairs_of(affected))
    return Increment(linkage, keys.replaced, keys.fresh, links)


class _Keys:
    """The keys after the batch: those of the `replaced` listings are `fresh`, the others' are the state's."""

    def __init__(self, state: LinkageState, model: Model, replaced: pl.DataFrame) -> None:
        self._state, self.replaced = state, replaced
        parsed = _read(state, replaced)
        self.fresh = key_table(parsed.listings, BlockingKeys(parsed, model.frequencies).keys)
        self._stale = state.keys_of(replaced)

    def listings_of_resized_keys(self) -> pl.DataFrame:
        """The listings of keys that become overfull, or cease to be: their pairs change, though they don't."""
        before = self._state.listings_per_key(pl.concat([self.fresh["key"], self._stale["key"]]).unique())
        was, is_now = oversized_keys(before), oversized_keys(self._after(before))
        turning = pl.concat([was.filter(~was.is_in(is_now.implode())), is_now.filter(~is_now.is_in(was.implode()))])
        return self._state.sharing(turning).select(IDS).unique()

    def sharing(self) -> pl.DataFrame:
        """Every listing's keys, in KEY_SCHEMA, that make pairs with the replaced."""
        fresh = self._without_overfull(self.fresh)
        others = self._state.sharing(fresh["key"].unique()).join(self.replaced, on=IDS, how="anti")
        return pl.concat([fresh, others])

    def making_pairs_of(self, ids: pl.DataFrame) -> pl.DataFrame:
        """The keys of these listings, in KEY_SCHEMA, but those that are overfull."""
        others = self._state.keys_of(ids.join(self.replaced, on=IDS, how="anti"))
        return self._without_overfull(pl.concat([self.fresh.join(ids, on=IDS, how="semi"), others]))

    def _without_overfull(self, keys: pl.DataFrame) -> pl.DataFrame:
        return without_keys(keys, oversized_keys(self._after(self._state.listings_per_key(keys["key"].unique()))))

    def _after(self, before: pl.DataFrame) -> pl.DataFrame:
        """How many listings have a key after the batch, of those before it; of others, something below that."""
        left = count_listings_per_key(self._stale).with_columns(-pl.col("count"))
        return pl.concat([before, left, count_listings_per_key(self.fresh)]).group_by("key").sum()


def _read(state: LinkageState, ids: pl.DataFrame) -> ParsedListings:
    return parse_listings(to_listing_table(state.listings_of(ids)).table)


def _link(
    state: LinkageState, model: Model, ids: pl.DataFrame, keys: pl.DataFrame, of: pl.DataFrame | None = None
) -> Linkage:
    """The linkage of listings by their keys; `of`: of those pairs only that one of these is in."""
    parsed = _read(state, ids)
    listed = parsed.listings.with_row_index("listing").with_columns(pl.col("listing").cast(pl.Int32))
    by_position = keys.join(listed, on=IDS).select("listing", "key")
    wanted = None if of is None else np.isin(np.arange(len(parsed)), listed.join(of, on=IDS, how="semi")["listing"])
    return compare(parsed, model, by_position, *pairs_of(by_position, wanted))


def _connected(
    state: LinkageState, start: pl.DataFrame, links: pl.DataFrame, decisions: Sequence[Decision], least: float
) -> pl.DataFrame:
    """All listings of the components in which the start is, before and after."""
    ways = _connections(links.filter(pl.col("probability") >= least), decisions)
    reached = frontier = start
    while frontier.height:
        onward = ways.join(frontier, on=IDS, how="semi").select(source="to_source", source_id="to_id")
        found = pl.concat([state.neighbours(frontier, least), onward]).unique()
        frontier = found.join(reached, on=IDS, how="anti")
        reached = pl.concat([reached, frontier])
    return reached


def _connections(links: pl.DataFrame, decisions: Sequence[Decision]) -> pl.DataFrame:
    """What connects listings beside the links of the state, in both directions."""
    pairs = links.select("source_a", "id_a", "source_b", "id_b").rows()
    pairs += [(*decision.one, *decision.other) for decision in decisions if decision.same]
    columns = [*IDS, "to_source", "to_id"]
    there = pl.DataFrame(pairs, schema=dict.fromkeys(columns, pl.String), orient="row")
    return pl.concat(
        [there, there.select(source="to_source", source_id="to_id", to_source="source", to_id="source_id")]
    )
