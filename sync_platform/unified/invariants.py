"""Invariants of unified restaurants: conditions that must be true after every run, and the checks of them.

What belongs here: each check as a query with its result and a message. What does not: showing the results.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import duckdb
import orjson

from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.golden import COLUMNS_OF, EXPLAINED
from sync_platform.unified.related_records import RECORD_KINDS

MAX_MOVED = 0.05
"""The tolerated share of known listings that one run moves to another restaurant."""
LISTINGS_PER_PLATFORM = 3
"""A restaurant with more live listings than this times the number of platforms is probably several restaurants."""
MAX_UNKNOWN = 0.01
"""The tolerated share of reviews, offers, reservations or posts with an unknown restaurant."""
MAX_NAMED = 5
READ_AT_ONCE = 1_000
DESCRIPTIONS: Mapping[str, tuple[str, str]] = {
    "one_listing_per_platform": (
        "members",
        "No restaurant has two live listings of one platform, except second listings and people's decisions.",
    ),
    "size": ("members", "No restaurant has more listings than can be one place's."),
    "change_rate": ("members", "Few listings that were known before now belong to another restaurant."),
    "no_listing_is_lost": ("members", "Every record of a place, of every platform, belongs to one live restaurant."),
    "every_field_is_explained": ("restaurants", "Every value of every restaurant has a source and a reason."),
    "every_word_is_mapped": (
        "restaurants",
        "Every word of a platform for a cuisine or a district is in a vocabulary (unified.unmapped_words).",
    ),
    "every_interval_is_possible": (
        "opening_hours",
        "Every interval closes after it opens, on the next day only if that is stated; a closed day has no other row.",
    ),
    "no_intervals_overlap": ("opening_hours", "The intervals of one day of a restaurant do not overlap."),
    "rows_are_those_of_the_text": (
        "opening_hours",
        "Every restaurant with opening hours has the rows that its opening_hours_osm states, and no others.",
    ),
    **{
        f"{kind}_hang_on_restaurants": (kind, f"The restaurants of nearly all {kind} are known.")
        for kind in RECORD_KINDS
    },
}
"""The checks, each with its table and its description."""


@dataclass(frozen=True)
class Finding:
    """The result of a check, with a message and figures."""

    check: str
    passed: bool
    words: str
    figures: Mapping[str, Any] = field(default_factory=dict)


def check_members(session: duckdb.DuckDBPyConnection, run: Mapping[str, Any], platforms: int) -> list[Finding]:
    """The checks on members; `run` is the row of `unified.runs`."""
    duplicated = session.execute(
        f"""SELECT restaurant_id FROM {LAKE}.unified.members
        WHERE removed_at IS NULL AND is_live AND NOT is_second_listing AND decided_by <> 'person'
        GROUP BY restaurant_id, platform HAVING count(*) > 1 ORDER BY 1"""
    ).fetchall()
    largest = session.execute(
        f"""SELECT restaurant_id, count(*) FROM {LAKE}.unified.members WHERE removed_at IS NULL AND is_live
        GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"""
    ).fetchone() or ("none", 0)
    members, orphaned = session.execute(
        f"""SELECT count(*), count(*) FILTER (r.restaurant_id IS NULL) FROM {LAKE}.unified.members m
        LEFT JOIN (FROM {LAKE}.unified.restaurants WHERE removed_at IS NULL) r USING (restaurant_id)
        WHERE m.removed_at IS NULL"""
    ).fetchall()[0]
    most, listings = LISTINGS_PER_PLATFORM * platforms, run["listings"]
    known = max(1, listings - run["changed_listings"])
    share = run["moved_listings"] / known
    return [
        finding(
            "one_listing_per_platform",
            not duplicated,
            f"{len(duplicated):,} restaurants have two of one platform"
            f"{examples_in_words([name for (name,) in duplicated])}",
            restaurants=len(duplicated),
        ),
        finding(
            "size",
            largest[1] <= most,
            f"the largest, {largest[0]}, has {largest[1]}; {most} are tolerated",
            largest=largest[1],
        ),
        finding(
            "change_rate",
            share <= MAX_MOVED,
            f"{run['moved_listings']:,} listings moved, {share:.2%} of those known; {MAX_MOVED:.0%} are tolerated",
            moved=run["moved_listings"],
            share=share,
        ),
        finding(
            "no_listing_is_lost",
            members == listings and not orphaned,
            f"{listings:,} listings, {members:,} members, {orphaned:,} of them without a live restaurant",
            listings=listings,
            members=members,
        ),
    ]


def check_restaurants(session: duckdb.DuckDBPyConnection) -> list[Finding]:
    """The checks on restaurants."""
    filled = ", ".join(f"{COLUMNS_OF.get(name, (name,))[0]} IS NOT NULL" for name in EXPLAINED)
    # DuckDB's JSON functions would need a hundred times the memory of the text
    rows = session.execute(
        f"SELECT restaurant_id, why, {filled} FROM {LAKE}.unified.restaurants WHERE removed_at IS NULL ORDER BY 1"
    )
    unexplained = []
    while batch := rows.fetchmany(READ_AT_ONCE):
        for restaurant_id, why, *is_filled in batch:
            explained = orjson.loads(why or "{}")
            if any(has and name not in explained for name, has in zip(EXPLAINED, is_filled, strict=True)):
                unexplained.append(restaurant_id)
    words = f"{len(unexplained):,} restaurants have a value without a why{examples_in_words(unexplained)}"
    return [
        finding("every_field_is_explained", not unexplained, words, restaurants=len(unexplained)),
        _unmapped(session),
    ]


def _unmapped(session: duckdb.DuckDBPyConnection) -> Finding:
    rows = session.execute(
        f"""SELECT platform || ' ' || word, listings FROM {LAKE}.unified.unmapped_words WHERE removed_at IS NULL
        ORDER BY listings DESC, 1"""
    ).fetchall()
    words = f"{len(rows):,} words are in no vocabulary{examples_in_words([word for word, _ in rows])}"
    return finding("every_word_is_mapped", not rows, words, unmapped=len(rows), listings=sum(row[1] for row in rows))


def check_related_records(session: duckdb.DuckDBPyConnection, kind: str) -> tuple[int, list[Finding]]:
    """The number of live records of a kind, and the checks on them."""
    count, loose = session.execute(
        f"""SELECT count(*), count(*) FILTER (restaurant_id IS NULL) FROM {LAKE}.unified.{kind}
        WHERE removed_at IS NULL"""
    ).fetchall()[0]
    words = f"the restaurants of {loose:,} of {count:,} {kind} are not known; {MAX_UNKNOWN:.0%} are tolerated"
    judged = finding(f"{kind}_hang_on_restaurants", loose <= MAX_UNKNOWN * count, words, loose=loose)
    return count, [judged]


def finding(check: str, passed: bool, words: str, **figures: Any) -> Finding:
    """The result of a check; `figures` are shown beside its message."""
    return Finding(check, passed, words, figures)


def examples_in_words(names: list[str]) -> str:
    """The first of these names, at the end of a message; nothing where there is none."""
    return f", such as {', '.join(names[:MAX_NAMED])}" if names else ""
