"""Rematch: matches the listings again after changes, either all of them or only the affected ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import sha256

import duckdb
import polars as pl

from sync_platform.matching.decided_pairs import Decision
from sync_platform.matching.increment import Increment, relink
from sync_platform.matching.learning import is_outdated
from sync_platform.matching.linkage import Linkage, link
from sync_platform.matching.linkage_state import LinkageState
from sync_platform.matching.model import write_model
from sync_platform.matching.phones import parse_phones
from sync_platform.unified.listings import matcher_query
from sync_platform.unified.match_decisions import PersonDecision
from sync_platform.unified.queries import UNIFIED, StoredModel, frame_of, members_with, newest_model

MAX_CHANGED = 0.5
"""If a larger share of listings changed, all are matched. If the number of listings differs by a larger share from the
number from which the model was estimated, a new model is estimated."""
_IDS = {"source": pl.String, "source_id": pl.String}


@dataclass(frozen=True)
class ChangedListings:
    """The listings that changed since the last run (queries.changed_listings), the table of all, and their number."""

    table: str
    listings: pl.DataFrame
    count: int

    @property
    def compared(self) -> pl.DataFrame:
        """The listings in which a column changed that matching compares, and those that are gone."""
        return self.listings.filter(pl.col("is_compared") | pl.col("is_gone"))

    @property
    def gone(self) -> pl.DataFrame:
        return self.listings.filter("is_gone")


@dataclass(frozen=True)
class Rematch:
    """A linkage of the affected listings, and the model that was used.

    `increment`: the changes to the state of matching; None where all listings were matched. `table`: the table of all
    listings.
    """

    linkage: Linkage
    increment: Increment | None
    model: StoredModel
    is_new_model: bool
    table: str

    @property
    def is_full(self) -> bool:
        return self.increment is None

    def is_shared(self, text: str) -> bool:
        """True if a telephone number belongs to several places."""
        frequencies = self.model.model.frequencies
        return any(frequencies.places_with_phone(number) > 1 for number in parse_phones(text))

    def keep(self, session: duckdb.DuckDBPyConnection) -> None:
        """Write the state for the next run, within the caller's transaction."""
        state = _state(session, self.table)
        if self.increment is None:
            state.build(self.linkage)
        else:
            self.increment.keep(state)


def match_changed(
    session: duckdb.DuckDBPyConnection,
    changed: ChangedListings,
    decisions: list[Decision],
    new_decisions: list[PersonDecision],
    *,
    rebuild: bool,
    new_model: bool,
    on_progress: Callable[[str], None],
) -> Rematch:
    """Match the changed listings; match all listings if `rebuild` is set, if too many changed, or with a new model.

    `new_decisions`: the decisions that people make in this run; `decisions` includes them.
    """
    known = None if new_model else newest_model(session)
    if known and abs(changed.count - known.listings) > MAX_CHANGED * known.listings:
        known = None
    if known and is_outdated(known.model, sum(decision.is_across_sources for decision in decisions)):
        known = None
    compared = changed.compared
    if known is None or rebuild or compared.height > MAX_CHANGED * changed.count:
        linkage = link(
            frame_of(session, matcher_query(changed.table)),
            known.model if known else None,
            on_progress,
            decisions=decisions,
        )
        digest = sha256(write_model(linkage.model)).hexdigest()
        model = known or StoredModel(digest[:16], linkage.model, changed.count)
        return Rematch(linkage, None, model, known is None, changed.table)
    on_progress(f"matching {compared.height:,} listings that changed")
    affected = _affected(session, compared, new_decisions)
    increment = relink(_state(session, changed.table), known.model, affected, decisions)
    return Rematch(increment.linkage, increment, known, is_new_model=False, table=changed.table)


def _affected(
    session: duckdb.DuckDBPyConnection, compared: pl.DataFrame, new_decisions: list[PersonDecision]
) -> pl.DataFrame:
    """The listings to match again.

    These are the changed listings, those of new decisions, and those that share a restaurant with a changed listing by
    a decision, because the decision may no longer hold.
    """
    decided = compared.filter(pl.col("decided_by").is_in(["source", "person"])).select("restaurant_id").unique()
    parts = [
        compared,
        members_with(session, decided),
        pl.DataFrame(
            [listing for each in new_decisions for listing in (each.one, each.other)], schema=_IDS, orient="row"
        ),
    ]
    return pl.concat([part.select("source", "source_id") for part in parts]).unique()


def _state(session: duckdb.DuckDBPyConnection, listings: str) -> LinkageState:
    return LinkageState(session, f"({matcher_query(listings)})", f"{UNIFIED}.keys", f"{UNIFIED}.links")
