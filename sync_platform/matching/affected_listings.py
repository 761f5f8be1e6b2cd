"""Affected listings: those whose cluster a batch may change, and the links between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from sync_platform.matching.comparisons import COMPARISONS, parse_levels
from sync_platform.matching.decided_pairs import Decision
from sync_platform.matching.linkage_state import ENDS, IDS, LINK_SCHEMA, LinkageState
from sync_platform.matching.model import Model
from sync_platform.matching.only_candidates import are_equal_at_one_door
from sync_platform.matching.thresholds import Thresholds


class AffectedListings:
    """The listings (`source`, `source_id`) whose clusters a batch may change, with all others of their components.

    A component is connected by links that may join two clusters, before or after the batch. A component that the batch
    does not touch may change only where a listing of it gains or loses a rival (`only_candidates`), by any link with a
    listing of `start`. `links`: the links of the listings after the batch, in LINK_SCHEMA; the other end of a link may
    be another listing.
    """

    def __init__(
        self,
        state: LinkageState,
        start: pl.DataFrame,
        links: pl.DataFrame,
        decisions: Sequence[Decision],
        model: Model,
        thresholds: Thresholds,
    ) -> None:
        self._state, self._model, self._thresholds = state, model, thresholds
        new = links.filter(pl.col("probability") >= thresholds.least)
        self._made = pl.concat([new, _as_links(decisions)])
        found = self._connections_of(start)
        neighbours = _ends_of(found).join(start, on=IDS, how="anti")
        of_neighbours = self._connections_of(neighbours)
        may_be_only = of_neighbours.filter(self._may_be_only(of_neighbours))
        connected = pl.concat([self.joining(found), may_be_only])
        frontier = neighbours.join(_ends_of(connected), on=IDS, how="semi")
        self.listings = pl.concat([start, frontier])
        while frontier.height:
            from_frontier = self._connections_of(frontier)
            found = pl.concat([found, from_frontier])
            frontier = _ends_of(self.joining(from_frontier)).join(self.listings, on=IDS, how="anti")
            self.listings = pl.concat([self.listings, frontier])
        self.connections = found
        stored = found.filter(pl.col("levels").is_not_null())
        for end in ENDS:
            stored = stored.join(start, left_on=end, right_on=IDS, how="anti")
        self.links = pl.concat([new, stored]).unique()

    def joining(self, connections: pl.DataFrame) -> pl.DataFrame:
        """The links and decisions that may bring two listings into one cluster."""
        is_match = pl.col("probability") >= self._thresholds.match
        return connections.filter(is_match | self._may_be_only(connections))

    def _may_be_only(self, connections: pl.DataFrame) -> pl.Expr:
        """True for links below the threshold of two listings that may be each other's only candidate."""
        levels = connections["levels"].drop_nulls().unique()
        parsed = np.array([parse_levels(each) for each in levels], dtype=np.int8).reshape(-1, len(COMPARISONS))
        at_one_door = levels.filter(are_equal_at_one_door(parsed, self._model))
        return (pl.col("probability") < self._thresholds.match) & pl.col("levels").is_in(at_one_door.implode())

    def _connections_of(self, listings: pl.DataFrame) -> pl.DataFrame:
        """The links of these listings, before and after the batch, and the decisions that they are one place."""
        made = [self._made.join(listings, left_on=end, right_on=IDS, how="semi") for end in ENDS]
        return pl.concat([self._state.links_of(listings, self._thresholds.least), *made])


def _ends_of(connections: pl.DataFrame) -> pl.DataFrame:
    """The listings (`source`, `source_id`) that these links and decisions connect."""
    return pl.concat([connections.select(source=one, source_id=own_id) for one, own_id in ENDS]).unique()


def _as_links(decisions: Sequence[Decision]) -> pl.DataFrame:
    """Decisions that two listings are one place, in LINK_SCHEMA; they have no levels."""
    rows = [(*decision.one, *decision.other, 1.0, None) for decision in decisions if decision.same]
    return pl.DataFrame(rows, schema=LINK_SCHEMA, orient="row")
