"""Backups of data and vault, their verifications, restores and drills of the span, from the audit log."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sync_platform.compliance import requirements
from sync_platform.compliance.logged_operations import LoggedOperation, begun_in
from sync_platform.compliance.obligation import Obligation, Requirement
from sync_platform.compliance.span import Span, moment_text
from sync_platform.storage.operation_name import OperationName

BACKUPS = (OperationName.backup, OperationName.back_up_vault)
VERIFICATIONS = (OperationName.verify_backup, OperationName.verify_vault)
RESTORES = (OperationName.restore, OperationName.restore_vault)


@dataclass(frozen=True)
class Recovery:
    """Operations that began in the span, in order."""

    backups: list[LoggedOperation]
    verifications: list[LoggedOperation]
    restores: list[LoggedOperation]
    drills: list[LoggedOperation]


def recovery_of(operations: Sequence[LoggedOperation], span: Span) -> Recovery:
    kinds = (BACKUPS, VERIFICATIONS, RESTORES, (OperationName.drill,))
    return Recovery(*(list(begun_in(operations, span, *names)) for names in kinds))


def judge_recovery(recovery: Recovery) -> list[Obligation]:
    return [
        _judge(requirements.BACKUPS, OperationName.backup, [*recovery.backups, *recovery.verifications]),
        _judge(requirements.DRILLS, OperationName.drill, recovery.drills),
    ]


def _judge(requirement: Requirement, name: str, operations: list[LoggedOperation]) -> Obligation:
    """Every operation must have ended complete; one of `name` must be on record, unless another one failed."""
    bad = [
        f"{operation.operation} of {moment_text(operation.began_at)}: {operation.state or 'no end on record'}"
        for operation in operations
        if operation.outcome != "complete"
    ]
    if not bad and all(operation.operation != name for operation in operations):
        return requirement.unchecked(f"no {name} is on record in the span")
    counted = f"{len(operations) - len(bad):,} of {len(operations):,} ended complete"
    return requirement.judged(not bad, "; ".join([counted, *bad]))
