"""What is done through the command line goes into the audit log: when it begins, and how it ended."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog, Outcome, system_user


@dataclass
class Act:
    """An operation under way; whoever does it says how it ended, and what became known of it meanwhile."""

    outcome: Outcome = "failed"
    told: dict[str, Any] = field(default_factory=dict)

    def ended(self, outcome: Outcome, **told: Any) -> None:
        self.outcome, self.told = outcome, told


@contextmanager
def on_record(settings: Settings, operation: str, subject: dict[str, Any]) -> Iterator[Act]:
    """Note that an operation begins, before anything of it is done, and when the block ends, how it ended.

    An operation that leaves no second entry was killed. Raises StorageError where the log cannot be written: what
    cannot be put on record is not done.
    """
    note(settings, operation, subject, "begun")
    act = Act()
    try:
        yield act
    except KeyboardInterrupt:
        act.outcome = "interrupted"
        raise
    finally:
        note(settings, operation, {**subject, **act.told}, act.outcome)


def note(settings: Settings, operation: str, subject: dict[str, Any], outcome: Outcome) -> None:
    """One entry. The log is closed again: processes that are forked meanwhile must not share its connection."""
    log = AuditLog(settings.ledger_url)
    try:
        log.record(operation, subject, actor=settings.sync_actor or system_user(), via="cli", outcome=outcome)
    finally:
        log.close()
