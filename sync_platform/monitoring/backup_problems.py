"""Problems of backups: a backup that failed, commits that are in no backup, and drills.

What belongs here: which entries of the audit log are a problem, and its sentences. No backup is read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from sync_platform.compliance.logged_operations import LoggedOperation, logged_operations
from sync_platform.documents.local_time import local_minute
from sync_platform.documents.typed_command import named_command
from sync_platform.lake.corrected_times import duration_in_words
from sync_platform.monitoring.backup_state import BackupState
from sync_platform.monitoring.drill_due import due_drill
from sync_platform.monitoring.named_subjects import shortened
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.storage.audit_log import AuditEntry
from sync_platform.storage.operation_name import OperationName

BACKUP_DUE = timedelta(hours=30)
"""The age at which a commit should be in a backup: one is made every day."""
LAST_ENTRIES = 50
"""The newest entries of an operation that are read: the newest of them that ended is among them."""
_WHAT_AND_EFFECT: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    OperationName.backup: (
        "The newest backup of the lake failed",
        "What was committed since the last complete backup is in no backup. Earlier backups stay as they are.",
        ("backup", "create"),
    ),
    OperationName.replicate: (
        "The newest copy of backups to the second store failed",
        "The newest backups exist in one store only.",
        ("backup", "replicate"),
    ),
    OperationName.verify_backup: (
        "The newest verification of backups failed",
        "A backup may not be what was written: it may be impossible to restore from it.",
        ("backup", "verify"),
    ),
    OperationName.back_up_vault: (
        "The newest backup of the vault failed",
        "Keys made since the last backup of the vault are in no backup. Personal values under a lost key are lost.",
        ("vault", "backup"),
    ),
    OperationName.verify_vault: (
        "The newest verification of the vault's backup failed",
        "The keys of personal values may be impossible to restore.",
        ("vault", "verify"),
    ),
}
WATCHED = tuple(_WHAT_AND_EFFECT)
"""The operations of the audit log whose newest outcome counts."""


def failed_backups(log: Mapping[str, Sequence[AuditEntry]], now: datetime) -> Iterator[Problem]:
    """One problem for each operation that failed, or was killed, when it ran last. `log`: entries by operation."""
    for name, (what, effect, again) in _WHAT_AND_EFFECT.items():
        newest = _newest_ended(log.get(name, ())[-LAST_ENTRIES:], now)
        if newest is None or newest.outcome not in ("failed", None):
            continue
        ended = f"it began at {local_minute(newest.began_at)} and never ended" if newest.outcome is None else ""
        at = f"it ended at {local_minute(newest.ended_at)}" if newest.ended_at else ended
        problems = newest.subject.get("problems") or []
        more = f": {shortened('; '.join(map(str, problems)))}" if problems else ""
        run = newest.subject.get("run_id")
        where = f"The log of run {run} in the Dagster UI has the reason" if run else "The command showed the reason"
        yield Problem(
            ProblemName.backup_failed,
            str(name),
            f"{what}; {at}{more}.",
            effect,
            f"{where}. Remove it, and repeat the operation: `{named_command(*again)}`",
            ("audit", "--operation", str(name)),
            (str(newest.subject.get("store") or name),),
        )


def _newest_ended(entries: Sequence[AuditEntry], now: datetime) -> LoggedOperation | None:
    """The newest operation that ended or was killed. One that still runs, or was cancelled by a person, is left out."""
    known_operations = [
        operation
        for operation in logged_operations(entries)
        if operation.is_killed(now) or (operation.outcome is not None and operation.outcome != "interrupted")
    ]
    return max(known_operations, key=lambda operation: operation.number, default=None)


def overdue_backups(state: BackupState, now: datetime) -> Iterator[Problem]:
    """A problem if a commit is in no backup after BACKUP_DUE."""
    since = state.unprotected_since
    if since is None or now - since <= BACKUP_DUE:
        return
    has_none = state.logged.first_whole_at is None
    what = "There is no backup of the lake" if has_none else "No backup of the lake was completed lately"
    yield Problem(
        ProblemName.backup_overdue,
        "",
        f"{what}: commits since {local_minute(since)} ({duration_in_words(now - since)}) are in no backup.",
        "If the lake were lost now, these commits would be lost. What is landed could be read again.",
        f"Make a backup: `{named_command('backup', 'create')}`. Then see why none was made: the schedule, the daemon "
        "or the store of backups.",
        ("backup", "list"),
        ("lake",),
    )


def drill_problems(entries: Sequence[AuditEntry], backups: BackupState | None, now: datetime) -> Iterator[Problem]:
    """A problem if the last drill failed, or another one is overdue. `backups`: None where they are not known."""
    drill = due_drill(entries, backups, now)
    if drill is None or drill.problem is None:
        return
    is_failed = drill.outcome not in ("complete", None)
    effect = (
        "The newest backup could not be restored as it was made: a restore may fail when it is needed."
        if is_failed
        else "It is not proven lately that backups can be restored."
    )
    words = shortened(drill.problem.split(": `")[0])
    yield Problem(
        ProblemName.drill_overdue,
        "failed" if is_failed else "overdue",
        f"{words[0].upper()}{words[1:]}.",
        effect,
        f"Run a drill and read its report: `{named_command('backup', 'drill')}`",
        ("audit", "--operation", "drill"),
        ("backups",),
    )
