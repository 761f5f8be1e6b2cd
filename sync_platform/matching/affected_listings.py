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
    """The listings (`source`, `source_id`) of the components of `start`, before and after the batch.

    `links`: the links between them after the batch, in LINK_SCHEMA. Other pairs matter only within a cluster.
    """

    def __init__(
        self, state: LinkageState, start: pl.DataFrame, links: pl.DataFrame, decisions: Sequence[Decision], least: float
    ) -> None:
        new = links.filter(pl.col("probability") >= least)
        made = pl.concat([new, _as_links(decisions)])
        found = [made.clear()]
        self.listings = frontier = start
        while frontier.height:
            from_frontier = [made.join(frontier, left_on=end, right_on=IDS, how="semi") for end in ENDS]
            found += [state.links_of(frontier, least), *from_frontier]
            ends = pl.concat([each.select(source=one, source_id=own_id) for each in found[-3:] for one, own_id in ENDS])
            frontier = ends.unique().join(self.listings, on=IDS, how="anti")
            self.listings = pl.concat([self.listings, frontier])
        self._connections = pl.concat(found)
        stored = self._connections
        for end in ENDS:
            stored = stored.join(start, left_on=end, right_on=IDS, how="anti")
        self.links = pl.concat([new, stored.filter(pl.col("levels").is_not_null())])

    def joining(self, model: Model, thresholds: Thresholds) -> pl.DataFrame:
        """The links and decisions that may bring two listings into one cluster."""
        levels = self._connections["levels"].drop_nulls().unique()
        parsed = np.array([parse_levels(each) for each in levels], dtype=np.int8).reshape(-1, len(COMPARISONS))
        may_be_only = pl.col("levels").is_in(levels.filter(are_equal_at_one_door(parsed, model)).implode())
        return self._connections.filter((pl.col("probability") >= thresholds.match) | may_be_only)


def _as_links(decisions: Sequence[Decision]) -> pl.DataFrame:
    """Decisions that two listings are one place, in LINK_SCHEMA; they have no levels."""
    rows = [(*decision.one, *decision.other, 1.0, None) for decision in decisions if decision.same]
    return pl.DataFrame(rows, schema=LINK_SCHEMA, orient="row")
