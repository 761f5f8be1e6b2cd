"""Scoring of one sync's records: every score that can be computed in the transaction that commits them.

A full sync is measured on its own records. An incremental sync is measured together with the rows already stored,
because the score is about the current state.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import duckdb
import orjson

from sync_platform.quality.areas import APPROXIMATION
from sync_platform.quality.contract_counts import ContractCounts
from sync_platform.quality.geography import measure_geography
from sync_platform.quality.measures import Measure, is_listing, measures_across, measures_of
from sync_platform.quality.score import DIMENSIONS, SCORES, WHOLE, Dimension, Score, Standards, overall
from sync_platform.sources.columns import Column, columns_of
from sync_platform.sources.declaration import Dataset
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table
from sync_platform.storage.temporary_tables import TemporaryTables

MAX_NAMED = 5


@dataclass(frozen=True)
class RecordsToScore:
    """The input of scoring: received rows, the contract counts of their records, and the stored table.

    `rows`: a relation with the dataset's own columns and `deleted`. `seen`: received records with distinct ids,
    quarantined ones included. `claimed`: the number of records that the source claims to have. `is_full`: it is a full
    sync. `follows`: the stored table has an earlier state, not a later one.
    """

    platform: str
    dataset: Dataset
    rows: str
    contract_counts: ContractCounts
    contradicting: int
    seen: int
    claimed: int | None
    is_full: bool
    follows: bool

    @property
    def table(self) -> str:
        return f'{LAKE}."{self.platform}"."{self.dataset.name}"'


def score_records(session: duckdb.DuckDBPyConnection, records: RecordsToScore, standards: Standards) -> list[Score]:
    """Every score of the received records: per measure, per dimension (measure `all`), and overall."""
    measured = _measured(records)
    parts = {
        "validation": _validation(records, standards),
        "completeness": _completeness(session, records, measured, standards),
        "accuracy": _accuracy(session, records, measured, standards),
        "consistency": _consistency(session, records, measured, standards),
    }
    wholes = [parts[dimension][-1] for dimension in DIMENSIONS]
    return [*(score for dimension in DIMENSIONS for score in parts[dimension]), overall(wholes, standards)]


def write_scores(
    session: duckdb.DuckDBPyConnection, scores: list[Score], origin: dict[str, str | datetime | None]
) -> None:
    """Append to `quality.scores` within the caller's transaction; `origin` has the other columns."""
    names = [column.name for column in SCORES]
    rows = []
    for score in scores:
        low, high = score.interval or (None, None)
        values = {
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
        rows.append([{**origin, **values}[name] for name in names])
    marks = ", ".join(f"({', '.join('?' for _ in names)})" for _ in rows)
    listed = ", ".join(f'"{name}"' for name in names)
    session.execute(
        f"INSERT INTO {LAKE}.quality.scores ({listed}) VALUES {marks}", [value for row in rows for value in row]
    )


def _measured(records: RecordsToScore) -> str:
    """SQL in brackets: the rows that are measured, with the dataset's own columns."""
    columns = ", ".join(f'"{column.name}"' for column in columns_of(records.dataset.row))
    query = f"SELECT {columns} FROM {records.rows} WHERE NOT deleted"
    if not records.is_full and records.follows:
        query += f""" UNION ALL SELECT {columns} FROM {records.table} t ANTI JOIN {records.rows} i USING (source_id)
            WHERE t.removed_at IS NULL"""
    return f"({query})"


def _validation(records: RecordsToScore, standards: Standards) -> list[Score]:
    """The share of records and cells that keep the contract. Contradicting versions of a record do not keep it."""
    counts = records.contract_counts
    worst = sorted(counts.broken.items(), key=lambda item: (-item[1].records, item[0]))[:MAX_NAMED]
    broken_rules = [
        {"column": column, "rule": rule, "records": broken.records, "hard": broken.is_hard, "examples": broken.examples}
        for (column, rule), broken in worst
    ]
    valid = max(0, counts.valid_records - records.contradicting)
    detail = {"worst": broken_rules} if broken_rules else {}
    threshold = standards.threshold("validation")
    return [
        Score("validation", "records", valid, counts.records, counts.records, detail=detail),
        Score("validation", "cells", counts.valid_cells, counts.cells, counts.cells),
        Score("validation", WHOLE, valid, counts.records, counts.records, threshold, 1.0, detail),
    ]


def _completeness(
    session: duckdb.DuckDBPyConnection, records: RecordsToScore, measured: str, standards: Standards
) -> list[Score]:
    """The filled share of the important columns, over the number of records that the source claims."""
    declared = columns_of(records.dataset.row)
    # a dataset without `matters` counts all its columns
    columns = [column for column in declared if column.matters] or list(declared)
    counted = ", ".join(_filled(column) for column in columns)
    rows, *filled = session.execute(f"SELECT count(*), {counted} FROM {measured}").fetchall()[0]
    scores = [
        Score("completeness", f"filled:{column.name}", count, rows, rows)
        for column, count in zip(columns, filled, strict=True)
    ]
    least = min(scores, key=lambda score: score.numerator or 0)
    minimum = Score("completeness", "minimum", least.numerator, rows, rows, detail={"column": least.measure[7:]})
    claimed = records.claimed if records.is_full else None
    coverage = Score("completeness", "coverage")
    missing = 0
    if claimed is not None:
        missing = max(0, claimed - records.seen)
        coverage = Score("completeness", "coverage", min(records.seen, claimed), claimed, claimed)
    emptiest = sorted(scores, key=lambda score: score.numerator or 0)[:MAX_NAMED]
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
    return [*scores, minimum, coverage, whole]


def _filled(column: Column) -> str:
    if column.sql_type.endswith("[]"):
        return f'count(*) FILTER (len("{column.name}") > 0)'
    return f'count("{column.name}")'


def _accuracy(
    session: duckdb.DuckDBPyConnection, records: RecordsToScore, measured: str, standards: Standards
) -> list[Score]:
    """The score of geography, the only measure of accuracy in a sync. Unification adds the register's measures."""
    names = {column.name for column in columns_of(records.dataset.row)}
    (rows,) = session.execute(f"SELECT count(*) FROM {measured}").fetchall()[0]
    scores = []
    if {"district", "latitude", "longitude"} <= names:
        geography = measure_geography(session, measured)
        detail = {
            "words": f"coordinates in the stated district ({APPROXIMATION})",
            "wrong_ids": [outlier.source_id for outlier in geography.worst],
            "unknown_districts": geography.unknown,
        }
        scores.append(Score("accuracy", "geography", geography.inside, geography.measured, rows, detail=detail))
    right = scores[0].numerator if scores else None
    judged = scores[0].denominator if scores else None
    return with_dimension_score("accuracy", standards, scores, _awaited(records, "accuracy"), right, judged, rows)


def _consistency(
    session: duckdb.DuckDBPyConnection, records: RecordsToScore, measured: str, standards: Standards
) -> list[Score]:
    """The share of records that do not contradict themselves, other records or the past; per measure and overall."""
    referred = _referred(session, records)
    measures = measures_of(records.dataset, follows=records.follows, refers=referred is not None)
    (rows,) = session.execute(f"SELECT count(*) FROM {measured}").fetchall()[0]
    if not measures:
        return with_dimension_score("consistency", standards, [], _awaited(records, "consistency"), None, None, rows)
    named = ", ".join(f"({measure.condition}) AS c{number}" for number, measure in enumerate(measures))
    stored = f"LEFT JOIN {records.table} h ON h.source_id = m.source_id" if records.follows else ""
    with TemporaryTables(session) as scratch:
        judged = scratch.create("judged", f"SELECT m.source_id, {named} FROM {measured} m {referred or ''} {stored}")
        scores, right, known = _judged(session, judged, measures, rows)
    return with_dimension_score("consistency", standards, scores, _awaited(records, "consistency"), right, known, rows)


def _judged(
    session: duckdb.DuckDBPyConnection, judged: str, measures: list[Measure], rows: int
) -> tuple[list[Score], int, int]:
    """The score of each measure, from its verdicts in the columns c0, c1, ...; the number of records without a false
    verdict; and the number of records with any verdict."""
    each = [f"c{number}" for number in range(len(measures))]
    counted = ", ".join(f"count(*) FILTER ({name}), count({name})" for name in each)
    wrong = " OR ".join(f"NOT coalesce({name}, true)" for name in each)
    known = " OR ".join(f"{name} IS NOT NULL" for name in each)
    right, judgeable, *counts = session.execute(
        f"SELECT count(*) FILTER (({known}) AND NOT ({wrong})), count(*) FILTER ({known}), {counted} FROM {judged}"
    ).fetchall()[0]
    scores = []
    for number, measure in enumerate(measures):
        numerator, denominator = counts[2 * number : 2 * number + 2]
        detail: dict[str, object] = {}
        if numerator < denominator:
            query = f"SELECT source_id FROM {judged} WHERE NOT c{number} ORDER BY 1 LIMIT {MAX_NAMED}"
            detail = {"words": measure.words, "wrong_ids": [name for (name,) in session.execute(query).fetchall()]}
        scores.append(Score("consistency", measure.name, numerator, denominator, rows, detail=detail))
    return scores, right, judgeable


def _referred(session: duckdb.DuckDBPyConnection, records: RecordsToScore) -> str | None:
    """The join of the referenced records `r`; None without a reference, or where their table does not exist yet."""
    referring = next((column for column in columns_of(records.dataset.row) if column.refers_to), None)
    if referring is None:
        return None
    table = f'"{records.platform}"."{referring.refers_to}"'
    if not has_table(session, table):
        return None
    return f'LEFT JOIN {LAKE}.{table} r ON r.source_id = m."{referring.name}"'


def _awaited(records: RecordsToScore, dimension: Dimension) -> tuple[str, ...]:
    """The measures that unification computes later (unified/cross_platform_scores.py)."""
    is_awaited = is_listing(records.dataset) and not records.dataset.is_reference
    return measures_across(records.dataset, dimension) if is_awaited else ()


def with_dimension_score(
    dimension: Dimension,
    standards: Standards,
    scores: list[Score],
    awaited: Iterable[str],
    right: int | None,
    judged: int | None,
    rows: int,
) -> list[Score]:
    """The scores, empty ones for the `awaited` measures, and the dimension's score: `right` of `judged` records."""
    every = [*scores, *(Score(dimension, name, population=rows) for name in awaited)]
    measured = [score for score in every if score.score is not None]
    worst = sorted((score for score in measured if score.score != 1), key=lambda score: score.score or 0)
    detail = {
        "worst": [
            {"measure": score.measure, "wrong": (score.denominator or 0) - (score.numerator or 0), **score.detail}
            for score in worst[:MAX_NAMED]
        ],
        "not_measured": [score.measure for score in every if score.score is None],
    }
    confidence = len(measured) / len(every) if every else 0.0
    threshold = standards.threshold(dimension)
    return [*every, Score(dimension, WHOLE, right, judged, rows, threshold, confidence, detail)]
