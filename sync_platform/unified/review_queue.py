"""The review queue: pairs of listings in different restaurants that may be one place. A person decides on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import orjson

from sync_platform.matching.linkage_state import LINK_SCHEMA
from sync_platform.matching.matches import explain_links
from sync_platform.matching.model import Model
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.identity import Key
from sync_platform.unified.queries import frame_of

REVIEW_QUERY = f"""SELECT l.source_a, l.id_a, a.restaurant_id AS restaurant_a, l.source_b, l.id_b,
    b.restaurant_id AS restaurant_b, l.probability, l.levels
FROM {LAKE}.unified.links l
JOIN {LAKE}.unified.members a ON a.platform = l.source_a AND a.source_id = l.id_a AND a.removed_at IS NULL
JOIN {LAKE}.unified.members b ON b.platform = l.source_b AND b.source_id = l.id_b AND b.removed_at IS NULL
WHERE a.restaurant_id <> b.restaurant_id AND NOT EXISTS (
    FROM {LAKE}.unified.decisions d WHERE d.removed_at IS NULL
    AND d.one = least(l.source_a || '/' || l.id_a, l.source_b || '/' || l.id_b)
    AND d.other = greatest(l.source_a || '/' || l.id_a, l.source_b || '/' || l.id_b))"""
"""Pairs above the review threshold in different restaurants, without those that a person has decided."""


@dataclass(frozen=True)
class ReviewPair:
    """A pair for review: two listings, their restaurants, the probability that they are one place, and the evidence."""

    one: Key
    other: Key
    restaurants: tuple[str, str]
    probability: float
    evidence: dict[str, Any]


def pairs_to_review(session: duckdb.DuckDBPyConnection, model: Model, limit: int) -> list[ReviewPair]:
    """The pairs of the queue, the most uncertain first."""
    order = "abs(probability - 0.5), source_a, id_a, source_b, id_b"
    queue = frame_of(session, f"FROM ({REVIEW_QUERY}) ORDER BY {order} LIMIT {limit:d}")
    explained = explain_links(queue.select(list(LINK_SCHEMA)), model)
    restaurants = queue.select("restaurant_a", "restaurant_b").iter_rows()
    return [
        ReviewPair((source_a, id_a), (source_b, id_b), both, probability, orjson.loads(evidence))
        for (source_a, id_a, source_b, id_b, probability, evidence), both in zip(
            explained.iter_rows(), restaurants, strict=True
        )
    ]
