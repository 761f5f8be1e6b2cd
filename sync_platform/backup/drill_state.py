"""The last drill on record: when it ran, how it ended, and if another one is due."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

from sync_platform.backup.drill import DRILL
from sync_platform.documents.local_time import local_minute
from sync_platform.documents.typed_command import typed
from sync_platform.storage.audit_log import AuditEntry

LATE = timedelta(days=8)
"""A drill is due every week."""


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
    ended = [entry for entry in entries if entry.operation == DRILL and entry.outcome != "begun"]
    if not ended:
        return DrillState(None, None, None, None, f"no drill was ever run: `{typed('backup', 'drill')}`")
    last = ended[-1]
    subject, age = orjson.loads(last.subject), now - last.at
    problem = None
    if last.outcome != "complete":
        problem = f"the last drill, of {local_minute(last.at)}, did not pass: {last.outcome}"
    elif age > LATE:
        problem = f"the last drill was {age.days} days ago: one is due every week"
    return DrillState(last.at, last.outcome, subject.get("rto_s"), subject.get("rpo_s"), problem)
