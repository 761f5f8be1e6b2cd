"""Audit log entries of the command line: one when an operation begins, one when it ends, with its outcome."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sync_platform.cli.output import report_problem
from sync_platform.errors import MadeByNewer
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog, Outcome, system_user
from sync_platform.storage.operation_name import OperationName


@dataclass
class Operation:
    """A running operation. Its command sets its outcome, and the details that became known while it ran."""

    outcome: Outcome = "failed"
    details: dict[str, Any] = field(default_factory=dict)

    def ended(self, outcome: Outcome, **details: Any) -> None:
        self.outcome, self.details = outcome, details


@contextmanager
def audited(settings: Settings, operation: str, subject: dict[str, Any]) -> Iterator[Operation]:
    """Log that an operation begins before it does anything, and when the block ends, how it ended.

    An operation without a second entry was killed. Raises StorageError where the log cannot be written: an operation
    that cannot be logged does not run. Only a server may end without its second entry: it is replaced in an upgrade,
    and the next version has migrated the log.
    """
    log_entry(settings, operation, subject, "begun")
    under_way = Operation()
    try:
        yield under_way
    except KeyboardInterrupt:
        under_way.outcome = "interrupted"
        raise
    finally:
        try:
            log_entry(settings, operation, {**subject, **under_way.details}, under_way.outcome)
        except MadeByNewer as error:
            if operation != OperationName.serve:
                raise
            report_problem(f"the end of this server is not in the audit log: {error}")


def log_entry(settings: Settings, operation: str, subject: dict[str, Any], outcome: Outcome) -> None:
    """Write one entry. The log is closed again: processes forked later must not share its connection."""
    if settings.sync_job:
        subject = {**subject, "job": settings.sync_job}
    log = AuditLog(settings.ledger_url)
    try:
        actor = settings.sync_actor or system_user()
        log.record(operation, subject, actor=actor, via=settings.sync_via, outcome=outcome)
    finally:
        log.close()
