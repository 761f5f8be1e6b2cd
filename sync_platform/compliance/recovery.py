"""Backups, restores and drills of the span, as the audit log tells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync_platform.compliance import duties
from sync_platform.compliance.acts import Act, begun_in
from sync_platform.compliance.obligation import Duty, Obligation
from sync_platform.compliance.span import Span, told

BACKUP, RESTORE, DRILL = "backup", "restore", "drill"


@dataclass(frozen=True)
class Recovery:
    """Acts that began in the span, in that order."""

    backups: list[Act]
    restores: list[Act]
    drills: list[Act]


def recovery_of(acts: Sequence[Act], span: Span) -> Recovery:
    """What is on record of the span."""
    return Recovery(*(list(begun_in(acts, span, operation)) for operation in (BACKUP, RESTORE, DRILL)))


def judge_recovery(found: Recovery) -> list[Obligation]:
    return [_judge(duties.BACKUPS, "backup", found.backups), _judge(duties.DRILLS, "drill", found.drills)]


def _judge(duty: Duty, what: str, acts: list[Act]) -> Obligation:
    """Runs of a schedule are on record when they begin: their outcome is not known here."""
    known = [act for act in acts if not act.ends_elsewhere]
    if not known:
        told_of = f"{len(acts):,} were begun by schedules, which tell no outcome" if acts else f"no {what} is on record"
        return duty.unchecked(f"{told_of} in the span")
    bad = [f"{told(act.began_at)}: {act.outcome or 'no end on record'}" for act in known if act.outcome != "complete"]
    return duty.judged(not bad, "; ".join([f"{len(known) - len(bad):,} of {len(known):,} ended complete", *bad]))
