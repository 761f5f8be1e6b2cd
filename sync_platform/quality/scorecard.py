"""The scorecard: the newest scores of each dataset, by dimension, with the trend and the drift.

What belongs here: reading `quality.scores`. How scores are computed is in quality/scoring.py.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

import duckdb
import orjson

from sync_platform.quality.own_check_run import own_check_in_words
from sync_platform.quality.own_checks import OWN
from sync_platform.quality.score import DIMENSIONS, OVERALL, WHOLE, Score
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table

TREND_LENGTH = 12


@dataclass(frozen=True, kw_only=True)
class StoredScore(Score):
    """A row of `quality.scores`: a score with its dataset, period and sync."""

    platform: str
    dataset: str
    partition: str
    sync_id: str
    observed_at: datetime


COLUMNS = [part.name if part.name != "stated" else "score AS stated" for part in fields(StoredScore)]


def newest_scores(
    session: duckdb.DuckDBPyConnection,
    *,
    platform: str | None = None,
    dataset: str | None = None,
    partition: str | None = None,
    committed: tuple[datetime, datetime] | None = None,
    measures: bool = False,
) -> list[StoredScore]:
    """The newest score of one partition per dataset, dimension and measure; a measured score is preferred, except of
    own checks, whose last run counts.

    `partition`: None means the newest of each dataset. `committed`: only scores committed between these two times, both
    included. `measures`: also return the measures of each dimension.
    """
    wanted = {"platform": platform, "dataset": dataset, "partition": partition}
    chosen: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
    conditions = [f"{name} = ${name}" for name in chosen] + ([] if measures else [f"measure = '{WHOLE}'"])
    if committed:
        chosen |= {"first": committed[0], "last": committed[1]}
        conditions.append("committed_at BETWEEN $first AND $last")
    return _read(
        session,
        f"""SELECT {", ".join(COLUMNS)} FROM {LAKE}.quality.scores WHERE {" AND ".join(conditions) or "true"}
        QUALIFY partition = max(partition) OVER (PARTITION BY platform, dataset)
            AND row_number() OVER (PARTITION BY platform, dataset, partition, dimension, measure
                ORDER BY score IS NULL AND dimension <> '{OWN}', observed_at DESC, committed_at DESC, sync_id DESC,
                    run_id DESC) = 1""",
        chosen,
    )


def last_measured(session: duckdb.DuckDBPyConnection) -> list[StoredScore]:
    """The newest score of each dataset and dimension that was measured, of any partition."""
    return _read(
        session,
        f"""SELECT {", ".join(COLUMNS)} FROM {LAKE}.quality.scores WHERE measure = '{WHOLE}' AND score IS NOT NULL
        QUALIFY row_number() OVER (PARTITION BY platform, dataset, dimension
                ORDER BY partition DESC, observed_at DESC, committed_at DESC, sync_id DESC, run_id DESC) = 1""",
        {},
    )


def newest_own_checks(session: duckdb.DuckDBPyConnection) -> list[StoredScore]:
    """The results of the own checks of each dataset at the last sync that ran any."""
    return _read(
        session,
        f"""SELECT {", ".join(COLUMNS)} FROM {LAKE}.quality.scores WHERE dimension = '{OWN}'
        QUALIFY sync_id = first(sync_id) OVER (PARTITION BY platform, dataset
                ORDER BY partition DESC, observed_at DESC, committed_at DESC, sync_id DESC)""",
        {},
    )


def trends(session: duckdb.DuckDBPyConnection, platform: str | None = None) -> dict[tuple[str, str], list[StoredScore]]:
    """The overall scores of the last partitions, oldest first, by platform and dataset."""
    chosen = {} if platform is None else {"platform": platform}
    scores = _read(
        session,
        f"""SELECT {", ".join(COLUMNS)} FROM {LAKE}.quality.scores
        WHERE dimension = '{OVERALL}' {"AND platform = $platform" if chosen else ""}
        QUALIFY row_number() OVER (PARTITION BY platform, dataset, partition
                ORDER BY score IS NULL, observed_at DESC, committed_at DESC, sync_id DESC, run_id DESC) = 1
            AND dense_rank() OVER (PARTITION BY platform, dataset ORDER BY partition DESC) <= {TREND_LENGTH}""",
        chosen,
    )
    grouped: dict[tuple[str, str], list[StoredScore]] = {}
    for scored in sorted(scores, key=lambda score: score.partition):
        grouped.setdefault((scored.platform, scored.dataset), []).append(scored)
    return grouped


@dataclass(frozen=True)
class DatasetCard:
    """One dataset on the scorecard, in its newest period.

    `dimensions`: the score of each dimension by name. `measures`: the scores of the measures of all dimensions.
    `own_checks`: the results of the team's own checks at the newest sync.
    `trend`: the overall score of each of the last periods, oldest first.
    """

    platform: str
    dataset: str
    partition: str
    dimensions: dict[str, StoredScore]
    measures: list[StoredScore]
    own_checks: list[StoredScore]
    drift: list[str]
    trend: list[tuple[str, float | None]]

    @property
    def name(self) -> str:
        return f"{self.platform}.{self.dataset}"

    @property
    def findings(self) -> list[str]:
        """What is wrong, in words: dimensions below their threshold, own checks that failed, and drift."""
        short = [score for score in self.dimensions.values() if score.falls_short and score.dimension != OVERALL]
        return [
            *(f"{score.dimension} should reach {score.threshold:.0%}: {score.in_words}" for score in short),
            *(f"{score.measure}: {own_check_in_words(score)}" for score in self.failed_own_checks),
            *self.drift,
        ]

    @property
    def failed_own_checks(self) -> list[StoredScore]:
        """The own checks that found too many wrong records, or could not be run."""
        return [score for score in self.own_checks if score.falls_short or score.score is None]

    @property
    def passes(self) -> bool:
        """True if every measured score reaches its threshold, and every own check was run."""
        return not self.failed_own_checks and not any(score.falls_short for score in self.dimensions.values())


def cards_of(session: duckdb.DuckDBPyConnection, platform: str | None = None) -> list[DatasetCard]:
    """The scorecard of all platforms or of one; empty where nothing was scored yet."""
    grouped: dict[tuple[str, str], list[StoredScore]] = {}
    for scored in newest_scores(session, platform=platform, measures=True):
        grouped.setdefault((scored.platform, scored.dataset), []).append(scored)
    trend_scores = trends(session, platform)
    cards = []
    for (name, dataset), scores in grouped.items():
        partition = scores[0].partition
        card = DatasetCard(
            name,
            dataset,
            partition,
            {score.dimension: score for score in scores if score.measure == WHOLE},
            [score for score in scores if score.measure != WHOLE and score.dimension != OWN],
            _of_newest_sync(scores),
            [words for _, words in drift_of(session, name, dataset, partition)],
            [(score.partition, score.score) for score in trend_scores.get((name, dataset), [])],
        )
        cards.append(card)
    return cards


def _of_newest_sync(scores: list[StoredScore]) -> list[StoredScore]:
    """The results of own checks, without those of files that were no longer there at the newest sync."""
    newest = next((score.sync_id for score in scores if score.dimension == OVERALL), None)
    return [score for score in scores if score.dimension == OWN and score.sync_id == newest]


def drift_of(session: duckdb.DuckDBPyConnection, platform: str, dataset: str, partition: str) -> list[tuple[str, str]]:
    """Kind and words of every drift that was found in the partition's newest sync."""
    if not has_table(session, "quality.drift"):
        return []
    return session.execute(
        f"""SELECT kind, in_words FROM {LAKE}.quality.drift
        WHERE platform = $platform AND dataset = $dataset AND partition = $partition AND sync_id = (
            SELECT arg_max(sync_id, committed_at) FROM {LAKE}.quality.scores
            WHERE platform = $platform AND dataset = $dataset AND partition = $partition)
        ORDER BY kind, path""",
        {"platform": platform, "dataset": dataset, "partition": partition},
    ).fetchall()


def _read(session: duckdb.DuckDBPyConnection, query: str, values: dict[str, Any]) -> list[StoredScore]:
    if not has_table(session, "quality.scores"):
        return []
    rows = session.execute(query, values).fetchall()
    return sorted(map(_scored, rows), key=_sort_key)


def _sort_key(scored: StoredScore) -> tuple[str, str, int, bool, str]:
    """The order of scores; the score of a dimension comes after its measures."""
    is_whole = scored.measure == WHOLE
    return (
        scored.platform,
        scored.dataset,
        (*DIMENSIONS, OVERALL, OWN).index(scored.dimension),
        is_whole,
        scored.measure,
    )


def _scored(row: tuple[Any, ...]) -> StoredScore:
    values = dict(zip((part.name for part in fields(StoredScore)), row, strict=True))
    return StoredScore(**{**values, "detail": orjson.loads(values["detail"] or "{}")})
