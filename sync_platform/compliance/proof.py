"""The proof: both chains verified now, where they stand, and the anchors that were made of them.

What belongs here: what verification found and how that is judged. What is verified stands in lineage/.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_platform.compliance import duties
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.span import Span
from sync_platform.compliance.view import View
from sync_platform.lake.chain import BATCHES
from sync_platform.lineage.anchors import Anchor, Head, read_anchors
from sync_platform.lineage.findings import Break, Findings
from sync_platform.lineage.verification import Record
from sync_platform.sources.period import current_period
from sync_platform.storage.audit_log import AuditEntry
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.objects import ObjectStore

ANCHOR_DAY, ANCHOR_HOUR = 2, 6
"""When the schedule verifies and anchors, in Hong Kong (defs/lineage.py)."""
MOST_TOLD = 5


@dataclass(frozen=True)
class AnchorMade:
    """An anchor of the span: its name, when it was made, how far the chains had come, and what is wrong with it."""

    name: str
    at: datetime
    batches: int
    audit_entries: int
    problem: str | None


@dataclass(frozen=True)
class Proof:
    """Where the chains stand, since when there is one, what verification found, and the anchors of the span, oldest
    first."""

    since: datetime | None
    batches: Head
    audit_log: Head
    public_key: str
    findings: Findings
    anchors: list[AnchorMade]


def proof_of(
    record: Record, view: View, entries: Sequence[AuditEntry], landing: ObjectStore | None, say: Callable[[str], None]
) -> Proof:
    """Verify everything; landed objects are hashed where `landing` is given."""
    findings = record.verify(landing=landing, told=say)
    found = [made for each in read_anchors(record.anchors, record.signer.public_key) if (made := _made(each))]
    mine = [each for each in found if view.span.holds(each.at)]
    return Proof(_since(view), _head(view), Head.of(entries), record.signer.public_key, findings, mine)


def judge_proof(proof: Proof, span: Span, now: datetime) -> list[Obligation]:
    findings = proof.findings
    of_log = [each for each in findings.breaks if _concerns_log(each)]
    others = [each for each in findings.breaks if not _concerns_log(each)]
    landed = "" if findings.landed_objects is None else f", {findings.landed_objects:,} landed objects"
    held = f"{findings.batches:,} batches, {findings.changes:,} changes, {findings.tables:,} tables{landed}"
    return [
        duties.HISTORY.judged(not others, _told(others, f"{held}, {findings.anchors:,} anchors")),
        duties.AUDIT_LOG.judged(not of_log, _told(of_log, f"{findings.audit_entries:,} entries")),
        _judge_anchored(proof, span, now),
    ]


def _judge_anchored(proof: Proof, span: Span, now: datetime) -> Obligation:
    """An anchor is due in every month whose day of verification lies within the span, since there is a chain."""
    good = [each.at for each in proof.anchors if not each.problem]
    made = {current_period("monthly", at).key for at in good}
    days = [at for at in span.moments(ANCHOR_DAY, ANCHOR_HOUR, now) if proof.since and at >= proof.since]
    due = [current_period("monthly", at).key for at in days]
    counted = f"anchors made in the span: {len(good):,}"
    if not due and not good:
        return duties.ANCHORED.unchecked(
            "none was due: the day of verification, the 2nd of a month, was not in the span"
        )
    missing = [key for key in due if key not in made]
    return duties.ANCHORED.judged(not missing, counted + (f"; none in {', '.join(missing)}" if missing else ""))


def _told(breaks: Sequence[Break], held: str) -> str:
    if not breaks:
        return f"{held}: all holds"
    more = [f"and {len(breaks) - MOST_TOLD:,} more"] if len(breaks) > MOST_TOLD else []
    return "; ".join([f"{held}: {len(breaks):,} do not hold", *map(str, breaks[:MOST_TOLD]), *more])


def _concerns_log(each: Break) -> bool:
    """An anchor's break names the chain that it is of; one of an anchor itself is the history's too."""
    return each.where == "audit log entry" or (each.where.startswith("anchor ") and "audit_log" in each.what)


def _made(anchor: Anchor) -> AnchorMade | None:
    """None for what says no time: verification names it."""
    try:
        at = datetime.fromisoformat(anchor.document["anchored_at"])
        counts = anchor.head("batches").number, anchor.head("audit_log").number
    except (KeyError, TypeError, ValueError):
        return None
    return AnchorMade(anchor.name, at, *counts, anchor.problem)


def _since(view: View) -> datetime | None:
    if not view.has(BATCHES):
        return None
    found: datetime | None = view.rows(f"SELECT min(committed_to) FROM {LAKE}.{BATCHES}")[0][0]
    return found


def _head(view: View) -> Head:
    if not view.has(BATCHES):
        return Head.of([])
    rows = view.rows(f"SELECT number, link FROM {LAKE}.{BATCHES} ORDER BY number DESC LIMIT 1")
    return Head(*rows[0]) if rows else Head.of([])
