"""Both hash chains: what their verification found, how long they are, and their anchors of the span.

What belongs here: how the findings are judged. The verification itself is in lineage/.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_platform.compliance import requirements
from sync_platform.compliance.lake_view import LakeView
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.span import Span
from sync_platform.documents.wording import counted
from sync_platform.lake.chain import BATCHES
from sync_platform.lineage.anchors import Anchor, ChainHead, read_anchors
from sync_platform.lineage.findings import Break, Findings
from sync_platform.lineage.verification import AuditedInstallation
from sync_platform.sources.period import current_period
from sync_platform.storage.audit_log import AuditEntry
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.operation_step import OnStep

ANCHOR_DAY, ANCHOR_HOUR = 2, 6
"""The day of the month and the hour in Hong Kong of the scheduled verification (defs/lineage.py)."""
MAX_NAMED = 5


@dataclass(frozen=True)
class AnchorSummary:
    """An anchor of the span: its name, when it was made, the numbers of the chains' last links, and what is wrong."""

    name: str
    at: datetime
    batches: int
    audit_entries: int
    problem: str | None


@dataclass(frozen=True)
class ChainVerification:
    """The last links of both chains, when the first batch was committed (`since`), the findings of the verification,
    and the anchors of the span, oldest first."""

    since: datetime | None
    batches: ChainHead
    audit_log: ChainHead
    public_key: str
    findings: Findings
    anchors: list[AnchorSummary]


def verify_chains(
    audited: AuditedInstallation,
    view: LakeView,
    entries: Sequence[AuditEntry],
    landing: ObjectStore | None,
    on_step: OnStep,
) -> ChainVerification:
    """Verify both chains; landed objects are hashed if `landing` is given."""
    findings = audited.verify(landing=landing, on_step=on_step)
    summaries = [
        summary for anchor in read_anchors(audited.anchors, audited.public_key) if (summary := _summary(anchor))
    ]
    in_span = [summary for summary in summaries if view.span.contains(summary.at)]
    return ChainVerification(
        _since(view), _head(view), ChainHead.of(entries), audited.public_key or "", findings, in_span
    )


def judge_chains(verified: ChainVerification, span: Span, now: datetime) -> list[Obligation]:
    findings = verified.findings
    of_log = [broken_place for broken_place in findings.breaks if _concerns_log(broken_place)]
    others = [broken_place for broken_place in findings.breaks if not _concerns_log(broken_place)]
    landed = "" if findings.landed_objects is None else f", {counted(findings.landed_objects, 'landed object')}"
    rows = f"{counted(findings.batches, 'batch')}, {counted(findings.changes, 'change')}"
    counts = f"{rows}, {counted(findings.tables, 'table')}{landed}"
    return [
        requirements.HISTORY.judged(not others, _evidence(others, f"{counts}, {counted(findings.anchors, 'anchor')}")),
        requirements.AUDIT_LOG.judged(not of_log, _evidence(of_log, counted(findings.audit_entries, "entry"))),
        _judge_anchored(verified, span, now),
    ]


def _judge_anchored(verified: ChainVerification, span: Span, now: datetime) -> Obligation:
    """An anchor is due in every month whose day of verification lies in the span and after the first batch."""
    good = [summary.at for summary in verified.anchors if not summary.problem]
    made = {current_period("monthly", at).key for at in good}
    days = [at for at in span.moments(ANCHOR_DAY, ANCHOR_HOUR, now) if verified.since and at >= verified.since]
    due = [current_period("monthly", at).key for at in days]
    counted = f"anchors made in the span: {len(good):,}"
    if not due and not good:
        return requirements.ANCHORED.unchecked(
            "none was due: the day of verification, the 2nd of a month, was not in the span"
        )
    missing = [key for key in due if key not in made]
    return requirements.ANCHORED.judged(not missing, counted + (f"; none in {', '.join(missing)}" if missing else ""))


def _evidence(breaks: Sequence[Break], counts: str) -> str:
    if not breaks:
        return f"{counts}: all intact"
    more = [f"and {len(breaks) - MAX_NAMED:,} more"] if len(breaks) > MAX_NAMED else []
    return "; ".join([f"{counts}: {counted(len(breaks), 'break')}", *map(str, breaks[:MAX_NAMED]), *more])


def _concerns_log(broken_place: Break) -> bool:
    """True for a break of the audit log, false for one of the history. A break of an anchor may name its chain."""
    return broken_place.where == "audit log entry" or (
        broken_place.where.startswith("anchor ") and "audit_log" in broken_place.what
    )


def _summary(anchor: Anchor) -> AnchorSummary | None:
    """None for an anchor that cannot be read: the verification reports it."""
    try:
        at = datetime.fromisoformat(anchor.document["anchored_at"])
        counts = anchor.head("batches").number, anchor.head("audit_log").number
    except (KeyError, TypeError, ValueError):
        return None
    return AnchorSummary(anchor.name, at, *counts, anchor.problem)


def _since(view: LakeView) -> datetime | None:
    if not view.has(BATCHES):
        return None
    moment: datetime | None = view.rows(f"SELECT min(committed_to) FROM {LAKE}.{BATCHES}")[0][0]
    return moment


def _head(view: LakeView) -> ChainHead:
    if not view.has(BATCHES):
        return ChainHead.of([])
    rows = view.rows(f"SELECT number, link FROM {LAKE}.{BATCHES} ORDER BY number DESC LIMIT 1")
    return ChainHead(*rows[0]) if rows else ChainHead.of([])
