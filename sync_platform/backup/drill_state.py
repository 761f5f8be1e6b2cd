"""The last drill on record: when it ran, how it ended, and if another one is due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from sync_platform.documents.local_time import local_minute
from sync_platform.documents.typed_command import typed
from sync_platform.storage.audit_log import AuditEntry
from sync_platform.storage.operation_name import OperationName

LATE = timedelta(days=8)
"""A drill is due every week."""
LONGEST = timedelta(days=1)
"""A drill that began longer ago, and has not ended, was killed."""
AHEAD = timedelta(hours=1)


@dataclass(frozen=True)
class DrillState:
    """`at`: when the last drill ended, None if none ever did. `problem`: what is wrong, in words; None for nothing."""

    at: datetime | None
    outcome: str | None
    rto_s: float | None
    rpo_s: float | None
    problem: str | None

    def document(self) -> dict[str, Any]:
        return asdict(self)


def drill_state(entries: Iterable[AuditEntry], now: datetime) -> DrillState:
    """The state at a time, from the entries of the audit log."""
    drills = [entry for entry in entries if entry.operation == OperationName.drill]
    run_one = f"`{typed('backup', 'drill')}`"
    ended = [entry for entry in drills if entry.outcome != "begun"]
    killed = drills[-1] if drills and drills[-1].outcome == "begun" and now - drills[-1].at > LONGEST else None
    if not ended:
        never = f"no drill ever ended: {run_one}" if drills else f"no drill was ever run: {run_one}"
        return DrillState(None, None, None, None, never)
    last = ended[-1]
    subject, age = last.details, now - last.at
    problem = None
    if last.outcome != "complete":
        why = "; ".join([last.outcome, *subject.get("problems", [])])
        problem = f"the last drill, of {local_minute(last.at)}, did not pass: {why}"
    elif killed:
        problem = f"the drill that began on {local_minute(killed.at)} never ended: {run_one}"
    elif age < -AHEAD:
        problem = f"the last drill is dated {local_minute(last.at)}, in the future: its clock was wrong, so one is due"
    elif age > LATE:
        problem = f"the last drill was {age.days} days ago, and one is due every week: {run_one}"
    return DrillState(last.at, last.outcome, subject.get("rto_s"), subject.get("rpo_s"), problem)
