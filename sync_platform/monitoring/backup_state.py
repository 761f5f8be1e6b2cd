"""The state of backups, from the audit log and the commits of the lake. No backup is read for it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sync_platform.storage.audit_log import AuditEntry


@dataclass(frozen=True)
class LoggedBackups:
    """What the audit log says of backups. A whole backup is one of all platforms.

    `snapshot`: the newest snapshot of the lake that a whole backup holds; 0 for none. `last_outcome`: how the last
    backup ended, and `last_at` when; None where none ever ended. `ended`: the entries of all backups that ended, from
    which the others follow.
    """

    first_whole_at: datetime | None
    snapshot: int
    last_outcome: str | None
    last_at: datetime | None
    ended: Sequence[AuditEntry] = field(default=(), compare=False, repr=False)


@dataclass(frozen=True)
class BackupState:
    """`unprotected_since`: the time of the oldest commit that is in no whole backup; None where each commit is."""

    logged: LoggedBackups
    unprotected_since: datetime | None


def logged_backups(entries: Iterable[AuditEntry]) -> LoggedBackups:
    """The backups in the entries of the operation `backup`, which are in order."""
    ended = [entry for entry in entries if entry.outcome != "begun"]
    whole = [
        (entry.at, int(subject.get("snapshot", 0)))
        for entry in ended
        if entry.outcome == "complete" and not (subject := entry.details).get("sources")
    ]
    last = ended[-1] if ended else None
    return LoggedBackups(
        first_whole_at=whole[0][0] if whole else None,
        snapshot=max((snapshot for _, snapshot in whole), default=0),
        last_outcome=last.outcome if last else None,
        last_at=last.at if last else None,
        ended=ended,
    )
