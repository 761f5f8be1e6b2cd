"""Matching of what changed: the linkage that restaurants are made from, of all listings or of the affected ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import duckdb
import polars as pl

from sync_platform.matching.clusters import Decision
from sync_platform.matching.increment import Increment, relink
from sync_platform.matching.linkage import Linkage, link
from sync_platform.matching.linkage_state import LinkageState
from sync_platform.matching.model import write_model
from sync_platform.matching.phones import parse_phones
from sync_platform.unified.listings import matcher_query
from sync_platform.unified.match_decisions import PersonDecision
from sync_platform.unified.queries import UNIFIED, StoredModel, frame_of, members_with, newest_model

MOST_CHANGED = 0.5
"""Where a larger share of listings changed, all are matched. Where the number of listings differs by a larger share
from what the model was estimated from, a new model is estimated."""
_IDS = {"source": pl.String, "source_id": pl.String}


@dataclass(frozen=True)
class Changed:
    """The listings that changed since the last run (queries.changed_listings), and how many listings there are."""

    listings: pl.DataFrame
    count: int

    @property
    def compared(self) -> pl.DataFrame:
        """Those in which something changed that matching compares, and those that are gone."""
        return self.listings.filter(pl.col("is_compared") | pl.col("is_gone"))

    @property
    def gone(self) -> pl.DataFrame:
        return self.listings.filter("is_gone")


@dataclass(frozen=True)
class Matched:
    """A linkage of the affected listings, and the model that judged it.

    `increment`: the changes to the state of matching; None where all listings were matched.
    """

    linkage: Linkage
    increment: Increment | None
    model: StoredModel
    is_new_model: bool

    @property
    def is_full(self) -> bool:
        return self.increment is None

    def is_shared(self, text: str) -> bool:
        """Whether a telephone number is that of several places."""
        frequencies = self.model.model.frequencies
        return any(frequencies.places_with_phone(number) > 1 for number in parse_phones(text))

    def keep(self, session: duckdb.DuckDBPyConnection) -> None:
        """Write the state for the next run, within the caller's transaction."""
        state = _state(session)
        if self.increment is None:
            state.build(self.linkage)
        else:
            self.increment.keep(state)


def match_changed(
    session: duckdb.DuckDBPyConnection,
    changed: Changed,
    decisions: list[Decision],
    words: list[PersonDecision],
    *,
    rebuild: bool,
    new_model: bool,
    on_progress: Callable[[str], None],
) -> Matched:
    """Match what changed; all listings where `rebuild` says so, where too many changed, or with a new model.

    `words`: what people decide in this run; `decisions` holds them already.
    """
    known = None if new_model else newest_model(session)
    if known and abs(changed.count - known.listings) > MOST_CHANGED * known.listings:
        known = None
    compared = changed.compared
    if known is None or rebuild or compared.height > MOST_CHANGED * changed.count:
        linkage = link(frame_of(session, matcher_query()), known.model if known else None, on_progress)
        digest = sha256(write_model(linkage.model)).hexdigest()
        model = known or StoredModel(digest[:16], linkage.model, changed.count)
        return Matched(linkage, None, model, known is None)
    on_progress(f"matching {compared.height:,} listings that changed")
    increment = relink(_state(session), known.model, _touched(session, compared, words), decisions)
    return Matched(increment.linkage, increment, known, is_new_model=False)


def _touched(session: duckdb.DuckDBPyConnection, compared: pl.DataFrame, words: list[PersonDecision]) -> pl.DataFrame:
    """The listings to match again: those that changed, those decided on, and those that a decision put together with a
    changed listing, because the decision may have been withdrawn."""
    decided = compared.filter(pl.col("decided_by").is_in(["source", "person"])).select("restaurant_id").unique()
    parts = [
        compared,
        members_with(session, decided),
        pl.DataFrame([listing for word in words for listing in (word.one, word.other)], schema=_IDS, orient="row"),
    ]
    return pl.concat([part.select("source", "source_id") for part in parts]).unique()


def _state(session: duckdb.DuckDBPyConnection) -> LinkageState:
    return LinkageState(session, f"({matcher_query()})", f"{UNIFIED}.keys", f"{UNIFIED}.links")
