"""Data quality: whether the last scores of the span reach their thresholds, and the quarantine at its end."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_platform.compliance import requirements
from sync_platform.compliance.lake_view import LakeView
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.span import day_text
from sync_platform.quality.score import OVERALL
from sync_platform.quality.scorecard import StoredScore
from sync_platform.storage.lake_connection import LAKE


@dataclass(frozen=True)
class OpenQuarantine:
    """A dataset's records that are in quarantine at the end of the span, or now if the span is not over.

    `oldest`: when the oldest entered quarantine. `overdue`: how many entered it more than QUARANTINE_DAYS before.
    """

    platform: str
    dataset: str
    records: int
    oldest: datetime
    overdue: int


def open_quarantine(view: LakeView) -> list[OpenQuarantine]:
    """By dataset. A record that every sync receives and rejects again counts from the first time."""
    if not view.has("quality.quarantine"):
        return []
    moment = min(view.span.last, view.now)
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
        {"at": moment, "limit": moment - timedelta(days=requirements.QUARANTINE_DAYS)},
    )
    return [OpenQuarantine(*row) for row in rows]


def judge_quality(scores: Iterable[StoredScore]) -> Obligation:
    measured = [score for score in scores if score.dimension == OVERALL and score.score is not None]
    if not measured:
        return requirements.QUALITY.unchecked("no overall score was measured in the span")
    short = [
        f"{score.platform}.{score.dataset} {score.score or 0.0:.1%}, threshold {score.threshold or 0.0:.1%}"
        for score in measured
        if score.falls_short
    ]
    reached = f"{len(measured) - len(short)} of {len(measured)} datasets reach their threshold"
    return requirements.QUALITY.judged(not short, "; ".join([reached, *short]))


def judge_quarantine(view: LakeView, quarantines: list[OpenQuarantine]) -> Obligation:
    if not view.has("quality.quarantine"):
        return requirements.QUARANTINE.unchecked("nothing was ever synced: there is no quarantine")
    overdue = [quarantine for quarantine in quarantines if quarantine.overdue]
    if overdue:
        named = [
            f"{quarantine.platform}.{quarantine.dataset} {quarantine.overdue:,} since {day_text(quarantine.oldest)}"
            for quarantine in overdue
        ]
        return requirements.QUARANTINE.judged(
            False, f"open for more than {requirements.QUARANTINE_DAYS} days: {'; '.join(named)}"
        )
    records = sum(quarantine.records for quarantine in quarantines)
    evidence = f"{records:,} records are open, none for more than {requirements.QUARANTINE_DAYS} days"
    return requirements.QUARANTINE.judged(True, evidence)
