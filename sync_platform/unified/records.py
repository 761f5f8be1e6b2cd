"""Records: the rows of members and restaurants that a run writes, including rows that end.

What belongs here: finding the restaurants that may have changed, and assembling their rows from computed values and
from stored rows. What does not: computing golden fields, statuses and verdicts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import duckdb
import polars as pl

from sync_platform.unified.agreement import VERDICTS, verdicts
from sync_platform.unified.assignment import IDS, Assignment
from sync_platform.unified.cuisine_taxonomy import taxonomy_of, with_cuisine_codes
from sync_platform.unified.golden import golden_records
from sync_platform.unified.hours_rows import hours_rows
from sync_platform.unified.identity import Founding
from sync_platform.unified.listings import ListingSource
from sync_platform.unified.queries import (
    frame_of,
    lapsed_restaurants,
    live_restaurants,
    members_with,
    restaurants_of,
    stored_rows,
)
from sync_platform.unified.rematch import ChangedListings
from sync_platform.unified.survivorship import IsSharedPhone
from sync_platform.unified.tables import MEMBERS, RESTAURANTS
from sync_platform.vocabularies.vocabulary import Edition

LISTING_VALUES = ("is_live", "compared", "content", *VERDICTS)
"""The columns of a member that depend only on its listing, not on its restaurant."""


@dataclass(frozen=True)
class UnifiedRows:
    """Rows of `tables.RESTAURANTS`, of `tables.MEMBERS` and of `tables.OPENING_HOURS`, each with `ended`."""

    restaurants: pl.DataFrame
    members: pl.DataFrame
    opening_hours: pl.DataFrame


def make_records(
    session: duckdb.DuckDBPyConnection,
    sources: list[ListingSource],
    changed: ChangedListings,
    assignment: Assignment,
    is_shared: IsSharedPhone,
    today: date,
    editions: Sequence[Edition],
    *,
    is_every: bool,
) -> UnifiedRows:
    """The rows of every restaurant that may have changed, and of its members; of all restaurants if `is_every`.

    `editions`: those of the vocabularies to use.
    """
    assigned = assignment.placed
    ids = _restaurants_to_make(session, changed, assignment, today, is_every=is_every)
    staying = members_with(session, ids).join(assigned, on=IDS, how="anti")
    members = pl.concat([assigned.select(staying.columns), staying])
    ranks = [(source.platform, source.rank, source.is_reference) for source in sources]
    ranked = pl.DataFrame(ranks, schema=["source", "rank", "is_reference"], orient="row")
    listings = member_listings(session, changed.table, members).join(ranked, on="source", maintain_order="left")
    listings = with_cuisine_codes(listings, taxonomy_of(editions))
    golden = golden_records(listings, is_shared, today, editions)
    return UnifiedRows(
        restaurant_rows(session, golden, assignment.foundings, assignment.identities.merged_into),
        member_rows(session, assigned, listings, changed.gone),
        hours_rows(session, golden, list(assignment.identities.merged_into)),
    )


def _restaurants_to_make(
    session: duckdb.DuckDBPyConnection, changed: ChangedListings, assignment: Assignment, today: date, *, is_every: bool
) -> pl.DataFrame:
    """The `restaurant_id` of every restaurant to compute again.

    Such a restaurant has a listing that was matched again, changed or is gone, or a licence that expired; `is_every`:
    each restaurant. Restaurants that end are left out.
    """
    changed_ids = changed.listings.filter(~pl.col("is_gone")).select(IDS)
    not_placed = restaurants_of(session, changed_ids).join(assignment.placed, on=IDS, how="anti")
    parts = [
        assignment.placed.select("restaurant_id"),
        not_placed.select("restaurant_id"),
        lapsed_restaurants(session, today),
        changed.gone.select("restaurant_id").drop_nulls(),
        *([live_restaurants(session)] if is_every else []),
    ]
    ended = pl.DataFrame(
        {"restaurant_id": list(assignment.identities.merged_into)}, schema={"restaurant_id": pl.String}
    )
    return pl.concat(parts).unique().join(ended, on="restaurant_id", how="anti")


def member_listings(session: duckdb.DuckDBPyConnection, listings: str, members: pl.DataFrame) -> pl.DataFrame:
    """Members (`source`, `source_id`, `restaurant_id`) with all columns of their listings, sorted by restaurant.

    `listings`: the table of all listings (unified/listings.py).
    """
    return frame_of(
        session,
        f"""SELECT l.*, m.restaurant_id FROM {listings} l JOIN asked m USING (source, source_id)
        ORDER BY restaurant_id, source, source_id""",
        asked=members,
    )


def restaurant_rows(
    session: duckdb.DuckDBPyConnection,
    golden: pl.DataFrame,
    foundings: Mapping[str, Founding],
    merged_into: Mapping[str, str | None],
) -> pl.DataFrame:
    """Rows of `tables.RESTAURANTS`, with `ended`.

    These are the golden records with their foundings, and the last stored rows of restaurants that are merged or ended.
    """
    names = [column.name for column in RESTAURANTS.columns]
    founding = "restaurant_id, founded_by, founded_at"  # the other columns of all these rows take long to read
    stored = stored_rows(session, RESTAURANTS.name, "restaurant_id", golden.select("restaurant_id"), founding)
    known = {row[0]: row[1:] for row in stored.iter_rows()}
    founded = [
        known.get(name) or ("/".join(foundings[name].founded_by), foundings[name].founded_at)
        for name in golden["restaurant_id"]
    ]
    live = golden.with_columns(
        pl.Series("founded_by", [by for by, _ in founded], pl.String),
        pl.Series("founded_at", [founded_at for _, founded_at in founded], pl.Datetime("us", "UTC")),
        pl.lit(None, pl.String).alias("merged_into"),
        pl.lit(value=False).alias("ended"),
    )
    ended = pl.DataFrame({"restaurant_id": list(merged_into)}, schema={"restaurant_id": pl.String})
    last = stored_rows(session, RESTAURANTS.name, "restaurant_id", ended)
    successors = [merged_into[name] for name in last["restaurant_id"]]
    merged = last.with_columns(pl.Series("merged_into", successors, pl.String), pl.lit(value=True).alias("ended"))
    return pl.concat([live.select(*names, "ended"), merged.select(*names, "ended")], how="vertical_relaxed")


def member_rows(
    session: duckdb.DuckDBPyConnection, assigned: pl.DataFrame, listings: pl.DataFrame, gone: pl.DataFrame
) -> pl.DataFrame:
    """Rows of `tables.MEMBERS`, with `ended`.

    These are the assigned listings, the other stored members of the same restaurants, and the members whose record is
    no longer in the lake.
    """
    own = listings.select(
        "source", "source_id", "dataset", "is_live", "compared", "content", is_second_listing="is_duplicate"
    )
    own = own.join(verdicts(listings), on=["source", "source_id"], how="left").rename({"source": "platform"})
    placed = assigned.rename({"source": "platform"}).join(own, on=["platform", "source_id"])
    stored = stored_rows(session, MEMBERS.name, "restaurant_id", listings.select("restaurant_id").unique())
    others = stored.join(placed, on=["platform", "source_id"], how="anti")
    others = others.drop("is_second_listing", "dataset", *LISTING_VALUES).join(own, on=["platform", "source_id"])
    with_gone = stored_rows(session, MEMBERS.name, "restaurant_id", gone.select("restaurant_id").unique())
    ended = with_gone.join(gone.rename({"source": "platform"}), on=["platform", "source_id"], how="semi")
    names = [column.name for column in MEMBERS.columns]
    parts = ((placed, False), (others, False), (ended.with_columns(is_live=False), True))
    return pl.concat(
        [part.select(*names, pl.lit(is_ended).alias("ended")) for part, is_ended in parts], how="vertical_relaxed"
    )
