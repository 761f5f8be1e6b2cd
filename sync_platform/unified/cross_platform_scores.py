"""The scores that need unified restaurants: accuracy against the licence register, consistency across platforms.

They are scores of the newest sync of each platform's listings, and are added in `quality.scores` after the scores that
its commit wrote. Only live listings are measured. The consistency of a listing with itself is measured again.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import duckdb

from sync_platform.quality.areas import APPROXIMATION
from sync_platform.quality.measures import measures_across, measures_of
from sync_platform.quality.score import WHOLE, Dimension, Score, Standards, overall
from sync_platform.quality.scorecard import StoredScore, newest_scores
from sync_platform.quality.scoring import MAX_NAMED, with_dimension_score, write_scores
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform.unified.agreement import ACCURACY, CONSISTENCY
from sync_platform.unified.listings import ListingSource


def write_cross_platform_scores(
    session: duckdb.DuckDBPyConnection,
    sources: list[ListingSource],
    standards: Standards,
    run_id: str,
    now: datetime,
) -> None:
    """Write the scores of every dataset of listings that has been scored before, within the caller's transaction."""
    newest: dict[tuple[str, str], list[StoredScore]] = {}
    for scored in newest_scores(session):
        newest.setdefault((scored.platform, scored.dataset), []).append(scored)
    for source in sources:
        known = newest.get((source.platform, source.dataset.name))
        if source.is_reference or not known:
            continue
        scores = _scores(session, source, standards)
        wholes: dict[str, Score] = {score.dimension: score for score in known if score.measure == WHOLE}
        wholes |= {score.dimension: score for score in scores if score.measure == WHOLE}
        wholes.pop("overall", None)
        origin: dict[str, Any] = {
            "platform": source.platform,
            "dataset": source.dataset.name,
            "partition": known[0].partition,
            "sync_id": known[0].sync_id,
            "run_id": run_id,
            "observed_at": known[0].observed_at,
            "committed_at": now,
        }
        write_scores(session, [*scores, overall(list(wholes.values()), standards)], origin)


def _scores(session: duckdb.DuckDBPyConnection, source: ListingSource, standards: Standards) -> list[Score]:
    """The score of each measure of accuracy and consistency, and of each of the two dimensions."""
    own = {measure.name: measure for measure in measures_of(source.dataset, follows=False, refers=False)}
    listed = ", ".join(f'({measure.condition}) AS "{name}"' for name, measure in own.items())
    across = ", ".join(f'j."{name}"' for name in (*ACCURACY, *CONSISTENCY))
    accuracy = {**ACCURACY, "geography": f"{ACCURACY['geography']} ({APPROXIMATION})"}
    consistency = {name: measure.words for name, measure in own.items()}
    consistency |= {name: CONSISTENCY[name] for name in measures_across(source.dataset, "consistency")}
    with TemporaryTables(session) as scratch:
        verdicts = scratch.create(
            "listing_verdicts",
            f"""SELECT m.source_id, {across}{", " + listed if listed else ""}
            FROM "{source.platform}"."{source.dataset.name}" m
            JOIN {LAKE}.unified.members j ON j.platform = '{source.platform}' AND j.source_id = m.source_id
            WHERE m.removed_at IS NULL AND j.removed_at IS NULL AND NOT j.is_second_listing""",
        )
        return [
            *_dimension(session, verdicts, "accuracy", accuracy, standards),
            *_dimension(session, verdicts, "consistency", consistency, standards),
        ]


def _dimension(
    session: duckdb.DuckDBPyConnection,
    verdicts: str,
    dimension: Dimension,
    words: dict[str, str],
    standards: Standards,
) -> list[Score]:
    """The score of each measure, and of the dimension, from a relation with a verdict per listing and measure."""
    counted = ", ".join(f'count(*) FILTER ("{name}"), count("{name}")' for name in words)
    wrong = " OR ".join(f'NOT coalesce("{name}", true)' for name in words)
    known = " OR ".join(f'"{name}" IS NOT NULL' for name in words)
    rows, right, judged, *counts = session.execute(
        f"""SELECT count(*), count(*) FILTER (({known}) AND NOT ({wrong})), count(*) FILTER ({known}), {counted}
        FROM {verdicts}"""
    ).fetchall()[0]
    scores = []
    for number, (name, text) in enumerate(words.items()):
        numerator, denominator = counts[2 * number : 2 * number + 2]
        detail: dict[str, object] = {}
        if numerator < denominator:
            query = f'SELECT source_id FROM {verdicts} WHERE NOT "{name}" ORDER BY 1 LIMIT {MAX_NAMED}'
            detail = {"words": text, "wrong_ids": [source_id for (source_id,) in session.execute(query).fetchall()]}
        scores.append(Score(dimension, name, numerator, denominator, rows, detail=detail))
    return with_dimension_score(dimension, standards, scores, (), right, judged, rows)
