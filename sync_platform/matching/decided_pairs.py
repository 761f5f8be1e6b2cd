"""Decided pairs: people's decisions that two listings are, or are not, one place."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Decision:
    """A decision that two listings, each (source, source_id), are or are not one place; it overrides all evidence."""

    one: tuple[str, str]
    other: tuple[str, str]
    same: bool

    @property
    def is_across_sources(self) -> bool:
        return self.one[0] != self.other[0]


def by_position(listings: pl.DataFrame, decisions: Iterable[Decision]) -> dict[tuple[int, int], bool]:
    """The decisions on these listings (`source`, `source_id`) by two positions, the smaller first."""
    wanted = list(decisions)
    if not wanted:
        return {}
    position = {key: number for number, key in enumerate(listings.select("source", "source_id").iter_rows())}
    decisions_by_pair = {}
    for decision in wanted:
        if decision.one in position and decision.other in position:
            one, other = sorted((position[decision.one], position[decision.other]))
            decisions_by_pair[one, other] = decision.same
    return decisions_by_pair
