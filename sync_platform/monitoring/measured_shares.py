"""The shares that quality measured at each sync: the overall score, and how often each important column is filled.

What belongs here: reading them from `quality.scores`, as the commit of the sync wrote them. Unification adds scores
later, which the newest sync does not have yet, so they are not compared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_platform.errors import NoLakeYet
from sync_platform.quality.score import OVERALL, WHOLE
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_tables import has_table

FILLED = "filled:"
"""How the measures of filled columns begin (quality/scoring.py)."""
KEPT_FOR = timedelta(days=800)
"""Older scores are not read: two years of monthly points are enough for a baseline."""


@dataclass(frozen=True)
class MeasuredShare:
    """One score of one sync. `measure`: `overall`, or the column whose filled share it is. `of`: the records judged.

    `unmeasured`: the dimensions that an overall score leaves out, in words; scores of other dimensions differ from it.
    """

    sync_id: str
    measure: str
    score: float
    of: int | None
    unmeasured: str


def measured_shares(
    lake: Lake, until: datetime, platform: str | None = None, dataset: str | None = None
) -> Mapping[tuple[str, str], list[MeasuredShare]]:
    """By platform and dataset, all scores up to `until`; empty where there is no lake. StorageError as `Lake` does."""
    chosen = {"platform": platform, "dataset": dataset}
    values = {name: value for name, value in chosen.items() if value is not None}
    conditions = "".join(f" AND {name} = ${name}" for name in values)
    try:
        with lake.session() as session:
            if not has_table(session, "quality.scores"):
                return {}
            rows = session.execute(
                f"""SELECT platform, dataset, sync_id,
                    CASE WHEN dimension = '{OVERALL}' THEN '{OVERALL}' ELSE substr(measure, {len(FILLED) + 1}) END,
                    score, denominator, coalesce(json_extract_string(detail, '$.not_measured'), '')
                FROM {LAKE}.quality.scores
                WHERE observed_at BETWEEN $since AND $until AND score IS NOT NULL{conditions} AND (
                    (dimension = '{OVERALL}' AND measure = '{WHOLE}')
                    OR (dimension = 'completeness' AND starts_with(measure, '{FILLED}')))
                QUALIFY row_number() OVER (
                    PARTITION BY platform, dataset, sync_id, dimension, measure ORDER BY committed_at, run_id) = 1""",
                {**values, "since": until - KEPT_FOR, "until": until},
            ).fetchall()
    except NoLakeYet:
        return {}
    shares: dict[tuple[str, str], list[MeasuredShare]] = {}
    for name, table, *share in rows:
        shares.setdefault((name, table), []).append(MeasuredShare(*share))
    return shares
