"""Whether a drill is due: the state of drills, and since when an installation must have one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sync_platform.backup.drill_state import LATE, DrillState, drill_state
from sync_platform.monitoring.backup_state import BackupState
from sync_platform.storage.audit_log import AuditEntry


def due_drill(entries: Sequence[AuditEntry], backups: BackupState | None, now: datetime) -> DrillState | None:
    """The state of drills if a drill failed or is overdue, else None. `backups`: None where they are not known.

    A first drill is due a week after the first backup, or after the first commit that should be in one.
    """
    state = drill_state(entries, now)
    if not state.problem:
        return None
    if state.at is None:
        begun = (backups.logged.first_whole_at or backups.unprotected_since) if backups else None
        if begun is None or now - begun <= LATE:
            return None
    return state
