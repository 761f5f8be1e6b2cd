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

from sync_platform.matching.blocking import Blocks, crowds_of, overfull, pairs_of
from sync_platform.matching.clusters import Decision, Thresholds
from sync_platform.matching.linkage import Linkage, compare
from sync_platform.matching.listing import read_listings
from sync_platform.matching.model import Model
from sync_platform.matching.reading import Reading, read_table
from sync_platform.matching.state import ID_SCHEMA, State, key_table, link_table


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

    def keep(self, state: State) -> None:
        """Bring the state's tables up to date."""
        state.replace(self.replaced, self.keys, self.links)


def relink(
    state: State,
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
    replaced = touched.select(list(ID_SCHEMA)).unique()
    fresh = _Part(state, model, replaced)
    if (turned := _turned(state, replaced, fresh)).height:
        replaced = pl.concat([replaced, turned]).unique()
        fresh = _Part(state, model, replaced)
    passed_over = _overfull(state, replaced, fresh, fresh.keys["key"])
    sharing = state.sharing(_without(fresh.keys["key"], passed_over))
    around = _Part(state, model, pl.concat([replaced, sharing]).unique())
    links = link_table(around.link(passed_over, around.has(replaced)), thresholds)
    affected = _Part(state, model, _reached(state, replaced, links, decisions, thresholds.match))
    linkage = affected.link(_overfull(state, replaced, fresh, affected.keys["key"]))
    return Increment(linkage, replaced, key_table(fresh.reading.listings, fresh.keys), links)


class _Part:
    """Some of the listings, those that there are, read, with their blocking keys."""

    def __init__(self, state: State, model: Model, ids: pl.DataFrame) -> None:
        self._model = model
        self.reading: Reading = read_table(read_listings(state.listings_of(ids)).table)
        self.keys = Blocks(self.reading, model.frequencies).keys

    def has(self, ids: pl.DataFrame) -> np.ndarray:
        """Which of the listings are among these."""
        marked = self.reading.listings.join(
            ids.with_columns(found=True), on=list(ID_SCHEMA), how="left", maintain_order="left"
        )
        return marked["found"].fill_null(False).to_numpy()

    def link(self, passed_over: pl.Series, of: np.ndarray | None = None) -> Linkage:
        """The linkage of these listings, or of those pairs only that one `of` some is in."""
        return compare(self.reading, self._model, self.keys, *pairs_of(self.keys, passed_over, of))


def _turned(state: State, replaced: pl.DataFrame, fresh: _Part) -> pl.DataFrame:
    """The listings of keys that become overfull, or cease to be: their pairs change, though they don't."""
    keys = pl.concat([fresh.keys["key"], state.keys_of(replaced)["key"]]).unique()
    before = overfull(state.crowds(keys, replaced.clear()))
    after = _overfull(state, replaced, fresh, keys)
    return state.sharing(pl.concat([_without(before, after), _without(after, before)]))


def _overfull(state: State, replaced: pl.DataFrame, fresh: _Part, keys: pl.Series) -> pl.Series:
    """Which of the keys are overfull after the batch."""
    crowds = pl.concat([state.crowds(keys.unique(), replaced), crowds_of(fresh.keys)])
    return overfull(crowds.group_by("key").sum())


def _without(keys: pl.Series, others: pl.Series) -> pl.Series:
    return keys.filter(~keys.is_in(others.implode())).unique()


def _reached(
    state: State, start: pl.DataFrame, links: pl.DataFrame, decisions: Sequence[Decision], least: float
) -> pl.DataFrame:
    """All listings of the components in which the start is, before and after."""
    ways = _ways(links.filter(pl.col("probability") >= least), decisions)
    reached = frontier = start
    while frontier.height:
        onward = ways.join(frontier, on=list(ID_SCHEMA), how="semi").select(source="to_source", source_id="to_id")
        found = pl.concat([state.neighbours(frontier, least), onward]).unique()
        frontier = found.join(reached, on=list(ID_SCHEMA), how="anti")
        reached = pl.concat([reached, frontier])
    return reached


def _ways(links: pl.DataFrame, decisions: Sequence[Decision]) -> pl.DataFrame:
    """What connects listings beside the links of the state, in both directions."""
    pairs = links.select("source_a", "id_a", "source_b", "id_b").rows()
    pairs += [(*decision.one, *decision.other) for decision in decisions if decision.same]
    columns = [*ID_SCHEMA, "to_source", "to_id"]
    there = pl.DataFrame(pairs, schema=dict.fromkeys(columns, pl.String), orient="row")
    return pl.concat(
        [there, there.select(source="to_source", source_id="to_id", to_source="source", to_id="source_id")]
    )
