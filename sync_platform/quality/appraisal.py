"""The appraisal of one sync's records: every score that can be known when it commits, within the same transaction.

A full list is measured as it came; an incremental one together with what is held, for it is the state that counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import duckdb
import orjson

from sync_platform.quality.measures import ACROSS, Measure, is_listing, measures_of
from sync_platform.quality.score import DIMENSIONS, SCORES, WHOLE, Dimension, Score, Standards, overall
from sync_platform.quality.tally import Tally
from sync_platform.sources.columns import Column, columns_of
from sync_platform.sources.declaration import Dataset
from sync_platform.storage.lake_connection import LAKE

MOST_NAMED = 5


@dataclass(frozen=True)
class Subject:
    """What is appraised: the rows in `temp.incoming`, the tally of the records they came from, and what is held.

    `seen` records with an id of their own came, in quarantine or not; the source claims to have `claimed`.
    `is_full`: they are a whole list. `follows`: the lake's table holds an earlier state, not a later one.
    """

    platform: str
    dataset: Dataset
    tally: Tally
    contradicting: int
    seen: int
    claimed: int | None
    is_full: bool
    follows: bool

    @property
    def table(self) -> str:
        return f'{LAKE}."{self.platform}"."{self.dataset.name}"'


def appraise(session: duckdb.DuckDBPyConnection, subject: Subject, standards: Standards) -> list[Score]:
    """Every score of the records that came: per measure, per dimension (measure `all`), and overall."""
    _choose_measured(session, subject)
    parts = {
        "validation": _validation(subject, standards),
        "completeness": _completeness(session, subject, standards),
        **_of_records(session, subject, standards),
    }
    wholes = [parts[dimension][-1] for dimension in DIMENSIONS]
    return [*(score for dimension in DIMENSIONS for score in parts[dimension]), overall(wholes, standards)]


def write_scores(
    session: duckdb.DuckDBPyConnection, scores: list[Score], origin: dict[str, str | datetime | None]
) -> None:
    """Append to `quality.scores`, within the caller's transaction; `origin` holds its other columns."""
    names = [column.name for column in SCORES]
    rows = []
    for score in scores:
        low, high = score.interval or (None, None)
        own = {
            "dimension": score.dimension,
            "measure": score.measure,
            "score": score.score,
            "numerator": score.numerator,
            "denominator": score.denominator,
            "population": score.population,
            "low": low,
            "high": high,
            "threshold": score.threshold,
            "confidence": score.confidence,
            "detail": orjson.dumps(dict(score.detail)).decode() if score.detail else None,
        }
        rows.append([{**origin, **own}[name] for name in names])
    marks = ", ".join(f"({', '.join('?' for _ in names)})" for _ in rows)
    listed = ", ".join(f'"{name}"' for name in names)
    session.execute(
        f"INSERT INTO {LAKE}.quality.scores ({listed}) VALUES {marks}", [value for row in rows for value in row]
    )


def _choose_measured(session: duckdb.DuckDBPyConnection, subject: Subject) -> None:
    """`temp.measured`: the rows that are measured, by the dataset's own columns."""
    own = ", ".join(f'"{column.name}"' for column in columns_of(subject.dataset.row))
    query = f"SELECT {own} FROM temp.incoming WHERE NOT deleted"
    if not subject.is_full and subject.follows:
        query += f""" UNION ALL SELECT {own} FROM {subject.table} t ANTI JOIN temp.incoming i USING (source_id)
            WHERE t.removed_at IS NULL"""
    session.execute(f"CREATE OR REPLACE TEMP VIEW measured AS {query}")


def _validation(subject: Subject, standards: Standards) -> list[Score]:
    """The share of records, and of cells, that keep the contract; one that contradicts itself does not."""
    tally = subject.tally
    worst = sorted(tally.broken.items(), key=lambda item: -item[1].records)[:MOST_NAMED]
    told = [
        {"column": column, "rule": rule, "records": broken.records, "hard": broken.is_hard, "examples": broken.examples}
        for (column, rule), broken in worst
    ]
    sound = max(0, tally.sound_records - subject.contradicting)
    detail = {"worst": told} if told else {}
    threshold = standards.threshold("validation")
    return [
        Score("validation", "records", sound, tally.records, tally.records, detail=detail),
        Score("validation", "cells", tally.sound_cells, tally.cells, tally.cells),
        Score("validation", WHOLE, sound, tally.records, tally.records, threshold, 1.0, detail),
    ]


def _completeness(session: duckdb.DuckDBPyConnection, subject: Subject, standards: Standards) -> list[Score]:
    """The filled share of the columns that matter, over the records there should be: those the source claims."""
    declared = columns_of(subject.dataset.row)
    # where nothing is said to matter more, everything does
    columns = [column for column in declared if column.matters] or list(declared)
    counted = ", ".join(_filled(column) for column in columns)
    rows, *filled = session.execute(f"SELECT count(*), {counted} FROM temp.measured").fetchall()[0]
    each = [
        Score("completeness", f"filled:{column.name}", count, rows, rows)
        for column, count in zip(columns, filled, strict=True)
    ]
    least = min(each, key=lambda score: score.numerator or 0)
    minimum = Score("completeness", "minimum", least.numerator, rows, rows, detail={"column": least.measure[7:]})
    claimed = subject.claimed if subject.is_full else None
    coverage = Score("completeness", "coverage")
    missing = 0
    if claimed is not None:
        missing = max(0, claimed - subject.seen)
        coverage = Score("completeness", "coverage", min(subject.seen, claimed), claimed, claimed)
    emptiest = sorted(each, key=lambda score: score.numerator or 0)[:MOST_NAMED]
    detail = {
        "worst": [
            {"column": score.measure[7:], "filled": score.numerator, "of": rows}
            for score in emptiest
            if score.numerator != rows
        ],
        "missing": missing,
    }
    expected = len(columns) * (rows + missing)
    threshold = standards.threshold("completeness")
    confidence = 1.0 if claimed is not None else 0.5
    whole = Score("completeness", WHOLE, sum(filled), expected, expected, threshold, confidence, detail)
    return [*each, minimum, coverage, whole]


def _filled(column: Column) -> str:
    if column.sql_type.endswith("[]"):
        return f'count(*) FILTER (len("{column.name}") > 0)'
    return f'count("{column.name}")'


def _of_records(session: duckdb.DuckDBPyConnection, subject: Subject, standards: Standards) -> dict[str, list[Score]]:
    """Accuracy and consistency: per measure and in all, the share of records that are not found wrong."""
    measures = measures_of(subject.dataset, follows=subject.follows)
    joined = " ".join(_joins(subject))
    dimensions: tuple[Dimension, ...] = ("accuracy", "consistency")
    return {
        dimension: _of_dimension(
            session,
            subject,
            standards,
            dimension,
            joined,
            [measure for measure in measures if measure.dimension == dimension],
        )
        for dimension in dimensions
    }


def _joins(subject: Subject) -> Iterator[str]:
    """The relations that conditions use beside the record `m`: one row each, or none, per record."""
    referring = next((column for column in columns_of(subject.dataset.row) if column.refers_to), None)
    if referring is not None:
        table = f'{LAKE}."{subject.platform}"."{referring.refers_to}"'
        yield f'LEFT JOIN {table} r ON r.source_id = m."{referring.name}"'
    if subject.follows:
        yield f"LEFT JOIN {subject.table} h ON h.source_id = m.source_id"


def _of_dimension(
    session: duckdb.DuckDBPyConnection,
    subject: Subject,
    standards: Standards,
    dimension: Dimension,
    joined: str,
    measures: list[Measure],
) -> list[Score]:
    awaited = ACROSS[dimension] if is_listing(subject.dataset) else ()
    threshold = standards.threshold(dimension)
    (rows,) = session.execute("SELECT count(*) FROM temp.measured").fetchall()[0]
    scores: list[Score] = []
    judged = right = None
    if measures:
        named = ", ".join(f"({measure.condition}) AS c{number}" for number, measure in enumerate(measures))
        query = f"SELECT m.source_id, {named} FROM temp.measured m {joined}"
        session.execute(f"CREATE OR REPLACE TEMP VIEW judged AS {query}")
        each = [f"c{number}" for number in range(len(measures))]
        counted = ", ".join(f"count(*) FILTER ({name}), count({name})" for name in each)
        wrong = " OR ".join(f"NOT coalesce({name}, true)" for name in each)
        known = " OR ".join(f"{name} IS NOT NULL" for name in each)
        examples = ", ".join(
            f"list_slice(list(source_id ORDER BY source_id) FILTER (NOT {name}), 1, {MOST_NAMED})" for name in each
        )
        counts = session.execute(
            f"""SELECT count(*) FILTER (({known}) AND NOT ({wrong})), count(*) FILTER ({known}), {counted}, {examples}
            FROM temp.judged"""
        ).fetchall()[0]
        right, judged = counts[0], counts[1]
        wrong_ids = counts[2 + 2 * len(measures) :]
        for number, measure in enumerate(measures):
            numerator, denominator = counts[2 + 2 * number : 4 + 2 * number]
            detail = {"words": measure.words, "wrong": wrong_ids[number]} if wrong_ids[number] else {}
            scores.append(Score(dimension, measure.name, numerator, denominator, rows, detail=detail))
    scores += [Score(dimension, name, population=rows) for name in awaited]
    measured = sum(score.score is not None for score in scores)
    confidence = measured / len(scores) if scores else 0.0
    worst = sorted(
        (score for score in scores if score.score is not None and score.score < 1), key=lambda score: score.score or 0
    )
    detail = {
        "worst": [
            {"measure": score.measure, "wrong": (score.denominator or 0) - (score.numerator or 0), **score.detail}
            for score in worst[:MOST_NAMED]
        ],
        "not_measured": [score.measure for score in scores if score.score is None],
    }
    whole = Score(dimension, WHOLE, right, judged, rows, threshold, confidence, detail)
    return [*scores, whole]
