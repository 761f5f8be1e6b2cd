"""The review queue: pairs of restaurants that may be one place. A person decides on them.

The queue has one pair of listings for each two restaurants, the likeliest. It is ordered by what a decision would
change: the probability that the two are one place, times the listings that would move to another restaurant.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import duckdb
import orjson

from sync_platform.matching.linkage_state import LINK_SCHEMA
from sync_platform.matching.matches import CHANCE_WITH_RIVAL, explain_links
from sync_platform.matching.model import Model
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table
from sync_platform.unified.identity import Key
from sync_platform.unified.queries import frame_of

REVIEW_QUERY = f"""WITH sizes AS (
    SELECT restaurant_id, count(*) AS listings, list(DISTINCT platform) AS platforms
    FROM {LAKE}.unified.members WHERE removed_at IS NULL GROUP BY restaurant_id),
pairs AS (
    SELECT l.source_a, l.id_a, a.restaurant_id AS restaurant_a, l.source_b, l.id_b, b.restaurant_id AS restaurant_b,
        l.probability, l.levels, least(x.listings, y.listings) AS moved,
        list_sort(list_intersect(x.platforms, y.platforms)) AS rivals
    FROM {LAKE}.unified.links l
    JOIN {LAKE}.unified.members a ON a.platform = l.source_a AND a.source_id = l.id_a AND a.removed_at IS NULL
    JOIN {LAKE}.unified.members b ON b.platform = l.source_b AND b.source_id = l.id_b AND b.removed_at IS NULL
    JOIN sizes x ON x.restaurant_id = a.restaurant_id
    JOIN sizes y ON y.restaurant_id = b.restaurant_id
    WHERE a.restaurant_id <> b.restaurant_id AND NOT EXISTS (
        FROM {LAKE}.unified.decisions d WHERE d.removed_at IS NULL
        AND d.one = least(l.source_a || '/' || l.id_a, l.source_b || '/' || l.id_b)
        AND d.other = greatest(l.source_a || '/' || l.id_a, l.source_b || '/' || l.id_b)))
SELECT *, probability * CASE WHEN len(rivals) > 0 THEN {CHANCE_WITH_RIVAL} ELSE 1 END AS chance FROM pairs
QUALIFY row_number() OVER (
    PARTITION BY least(restaurant_a, restaurant_b), greatest(restaurant_a, restaurant_b)
    ORDER BY probability DESC, source_a, id_a, source_b, id_b) = 1"""
"""The likeliest pair above the review threshold of each two restaurants, without pairs that a person has decided."""


@dataclass(frozen=True)
class ReviewPair:
    """A pair for review: two listings, their restaurants, the probability of the pair, and the evidence.

    `chance`: the probability that the restaurants are one place, `rivals` considered: the platforms that both have.
    `moved`: how many listings change their restaurant if the two are one place.
    """

    one: Key
    other: Key
    restaurants: tuple[str, str]
    probability: float
    evidence: dict[str, Any]
    chance: float
    moved: int
    rivals: tuple[str, ...]

    @property
    def why(self) -> str:
        """Why the pair is in the queue, in words."""
        moved = f"{self.moved} {'listing' if self.moved == 1 else 'listings'} would move"
        if self.rivals:
            return f"both restaurants have a listing of {', '.join(self.rivals)}, so they were kept apart; {moved}"
        return f"the evidence is not enough to join the two; {moved}"


@dataclass(frozen=True)
class QueueSize:
    """How many pairs of restaurants wait for a review, and how many of them are probably one place."""

    waiting: int
    expected_same: float

    @property
    def in_words(self) -> str:
        """The figures in one clause, as `unify`, `sync`, `match review` and `match files` show them."""
        if not self.waiting:
            return "no pair is waiting for a review"
        about = f"about {self.expected_same:,.0f}" if self.expected_same >= 1 else "probably no"
        return f"{about} true {'pair' if about == 'about 1' else 'pairs'} among {self.waiting:,} doubtful ones"


def pairs_to_review(session: duckdb.DuckDBPyConnection, model: Model, limit: int) -> list[ReviewPair]:
    """The first pairs of the queue."""
    order = "chance * moved DESC, chance DESC, source_a, id_a, source_b, id_b"
    queue = frame_of(session, f"FROM ({REVIEW_QUERY}) ORDER BY {order} LIMIT {limit:d}")
    explained = explain_links(queue.select(list(LINK_SCHEMA)), model)
    return [
        ReviewPair(
            (link["source_a"], link["id_a"]),
            (link["source_b"], link["id_b"]),
            (row["restaurant_a"], row["restaurant_b"]),
            link["probability"],
            orjson.loads(link["evidence"]),
            row["chance"],
            row["moved"],
            tuple(row["rivals"]),
        )
        for link, row in zip(explained.to_dicts(), queue.to_dicts(), strict=True)
    ]


def queue_size(session: duckdb.DuckDBPyConnection) -> QueueSize:
    """The size of the whole queue."""
    row = session.execute(f"SELECT count(*), coalesce(sum(chance), 0) FROM ({REVIEW_QUERY})").fetchall()[0]
    return QueueSize(int(row[0]), float(row[1]))


def recorded_queue_size(session: duckdb.DuckDBPyConnection) -> QueueSize | None:
    """The size of the queue after the last run; None where there was no run, or one of an earlier version."""
    runs = f"{LAKE}.unified.runs"
    if not has_table(session, "unified.runs"):
        return None
    if "review_expected_same" not in {name for name, *_ in session.execute(f"DESCRIBE {runs}").fetchall()}:
        return None
    row = session.execute(
        f"SELECT review, review_expected_same FROM {runs} ORDER BY committed_at DESC LIMIT 1"
    ).fetchone()
    return QueueSize(row[0], row[1]) if row and row[1] is not None else None
