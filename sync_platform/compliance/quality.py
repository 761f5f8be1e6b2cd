"""How good the data is: the last scores of the span, and what stands in quarantine when it ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_platform.compliance import duties
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.span import told_day
from sync_platform.compliance.view import View
from sync_platform.quality.score import DIMENSIONS, OVERALL, WHOLE
from sync_platform.storage.lake_connection import LAKE


@dataclass(frozen=True)
class Grade:
    """One dimension, or the overall score, of a dataset's last period in the span; shares from 0 to 1.

    `score` is None where nothing could be measured.
    """

    platform: str
    dataset: str
    partition: str
    dimension: str
    score: float | None
    threshold: float | None
    confidence: float | None

    @property
    def falls_short(self) -> bool:
        return self.score is not None and self.threshold is not None and self.score < self.threshold


@dataclass(frozen=True)
class Quarantined:
    """Records of a dataset that are in quarantine when the span ends, or now if it has not; `oldest`: since when."""

    platform: str
    dataset: str
    records: int
    oldest: datetime
    overdue: int


def grades_of(view: View) -> list[Grade]:
    """The last scores that were committed in the span, by dataset and dimension."""
    if not view.has("quality.scores"):
        return []
    rows = view.rows(
        f"""SELECT platform, dataset, "partition", dimension, score, threshold, confidence FROM {LAKE}.quality.scores
        WHERE measure = '{WHOLE}' AND committed_at BETWEEN $first AND $last
        QUALIFY "partition" = max("partition") OVER (PARTITION BY platform, dataset)
            AND row_number() OVER (PARTITION BY platform, dataset, "partition", dimension
                ORDER BY score IS NULL, observed_at DESC, committed_at DESC) = 1"""
    )
    order = (*DIMENSIONS, OVERALL)
    found = [Grade(*row) for row in rows]
    return sorted(found, key=lambda each: (each.platform, each.dataset, order.index(each.dimension)))


def quarantined_in(view: View) -> list[Quarantined]:
    """Since when: a record that every sync brings again as bad as before is in quarantine since the first of them."""
    if not view.has("quality.quarantine"):
        return []
    at = min(view.span.last, view.now)
    rows = view.rows(
        f"""WITH entries AS (
            SELECT *, coalesce(source_id, landing_object || ':' || landing_line) AS record
            FROM {LAKE}.quality.quarantine WHERE committed_at <= $at AND settled_how IS DISTINCT FROM 'late'
        ), records AS (
            SELECT platform, dataset, record, bool_or(settled_at IS NULL OR settled_at > $at) AS is_open,
                max(settled_at) FILTER (settled_at <= $at AND settled_how <> 'seen again') AS last_settled
            FROM entries GROUP BY ALL
        ), open AS (
            SELECT platform, dataset, record, min(e.committed_at) AS since
            FROM records r JOIN entries e USING (platform, dataset, record)
            WHERE r.is_open AND (r.last_settled IS NULL OR e.committed_at >= r.last_settled) GROUP BY ALL
        )
        SELECT platform, dataset, count(*), min(since), count(*) FILTER (since < $limit) FROM open
        GROUP BY ALL ORDER BY ALL""",
        {"at": at, "limit": at - timedelta(days=duties.QUARANTINE_DAYS)},
    )
    return [Quarantined(*row) for row in rows]


def judge_quality(grades: Iterable[Grade]) -> Obligation:
    measured = [each for each in grades if each.dimension == OVERALL and each.score is not None]
    if not measured:
        return duties.QUALITY.unchecked("no overall score was measured in the span")
    short = [
        f"{each.platform}.{each.dataset} {each.score or 0.0:.1%}, threshold {each.threshold or 0.0:.1%}"
        for each in measured
        if each.falls_short
    ]
    told = f"{len(measured) - len(short)} of {len(measured)} datasets reach their threshold"
    return duties.QUALITY.judged(not short, "; ".join([told, *short]))


def judge_quarantine(view: View, found: list[Quarantined]) -> Obligation:
    if not view.has("quality.quarantine"):
        return duties.QUARANTINE.unchecked("nothing was ever synced, so that there is no quarantine")
    overdue = [each for each in found if each.overdue]
    if overdue:
        told = [f"{each.platform}.{each.dataset} {each.overdue:,} since {told_day(each.oldest)}" for each in overdue]
        return duties.QUARANTINE.judged(False, f"open for more than {duties.QUARANTINE_DAYS} days: {'; '.join(told)}")
    return duties.QUARANTINE.judged(True, f"{sum(each.records for each in found):,} records are open, none for so long")
