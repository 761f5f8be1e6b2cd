"""One restaurant as it is now: the golden record with the source of each field, its listings, offers and reviews.

What belongs here: reading. The history of a restaurant is its story (lineage/restaurant_story.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import orjson

from sync_platform.errors import NotFound
from sync_platform.storage.lake_tables import has_table
from sync_platform.unified.queries import UNIFIED, frame_of, present_columns
from sync_platform.unified.restaurant_index import COLUMNS

MOST_OFFERS = 200
RECORD = (*COLUMNS, "licence_number", "licence_expires_on", "founded_at", "why", "merged_into", "removed_at")


@dataclass(frozen=True)
class RestaurantRecord:
    """A restaurant. `asked`: the requested id, which may be that of a restaurant merged into this one.

    `fields`: by field, its source as `why` has it. `offers`: the live ones, at most MOST_OFFERS. `reviews`: how many
    live reviews are stored, by platform.
    """

    asked: str
    values: dict[str, Any]
    fields: dict[str, Any]
    members: list[dict[str, Any]]
    offers: list[dict[str, Any]]
    reviews: dict[str, int]


def read_restaurant(session: duckdb.DuckDBPyConnection, restaurant_id: str) -> RestaurantRecord:
    """A live restaurant, or the one into which it was merged; NotFound where there is none."""
    values = _record(session, restaurant_id)
    while values["merged_into"]:
        values = _record(session, values["merged_into"])
    if values["removed_at"] is not None:
        raise NotFound(f"restaurant {restaurant_id} has ended: its lineage has what is known of it")
    own = {"id": values["restaurant_id"]}
    members = frame_of(
        session,
        f"""SELECT platform, dataset, source_id, is_live, is_second_listing, decided_by, linked_to, probability
        FROM {UNIFIED}.members WHERE restaurant_id = $id AND removed_at IS NULL ORDER BY platform, source_id""",
        own,
    )
    return RestaurantRecord(
        asked=restaurant_id,
        values=values,
        fields=orjson.loads(values["why"] or "{}"),
        members=members.to_dicts(),
        offers=_offers(session, own),
        reviews=_reviews(session, own),
    )


def _record(session: duckdb.DuckDBPyConnection, restaurant_id: str) -> dict[str, Any]:
    record = None
    if has_table(session, "unified.restaurants"):
        columns = present_columns(session, "restaurants", RECORD)
        query = f"SELECT {columns} FROM {UNIFIED}.restaurants WHERE restaurant_id = $id"
        record = frame_of(session, query, {"id": restaurant_id})
    if record is None or record.is_empty():
        raise NotFound(f"there is no restaurant {restaurant_id!r}")
    return record.row(0, named=True)


def _offers(session: duckdb.DuckDBPyConnection, own: dict[str, str]) -> list[dict[str, Any]]:
    if not _has_view(session, "offers"):
        return []
    query = f"""SELECT platform, dataset, source_id, kind, title_en, title_zh, category,
            price_min_hkd::DOUBLE AS price_min_hkd, price_max_hkd::DOUBLE AS price_max_hkd, discount_pct, starts_at,
            is_available
        FROM {UNIFIED}.offers WHERE restaurant_id = $id AND removed_at IS NULL
        ORDER BY platform, dataset, source_id LIMIT {MOST_OFFERS}"""
    return frame_of(session, query, own).to_dicts()


def _reviews(session: duckdb.DuckDBPyConnection, own: dict[str, str]) -> dict[str, int]:
    if not _has_view(session, "reviews"):
        return {}
    query = f"""SELECT platform, count(*) FROM {UNIFIED}.reviews WHERE restaurant_id = $id AND removed_at IS NULL
        GROUP BY platform ORDER BY platform"""
    return dict(session.execute(query, own).fetchall())


def _has_view(session: duckdb.DuckDBPyConnection, name: str) -> bool:
    query = "SELECT 1 FROM duckdb_views() WHERE database_name = 'lake' AND schema_name = 'unified' AND view_name = ?"
    return session.execute(query, [name]).fetchone() is not None
