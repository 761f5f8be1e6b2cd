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


def judge_recovery(found: Recovery) -> list[Obligation]:
    return [
        _judge(requirements.BACKUPS, OperationName.backup, [*found.backups, *found.verifications]),
        _judge(requirements.DRILLS, OperationName.drill, found.drills),
    ]


def _judge(requirement: Requirement, name: str, operations: list[LoggedOperation]) -> Obligation:
    """Every operation must have ended complete; one of `name` must be on record, unless another one failed."""
    bad = [
        f"{each.operation} of {moment_text(each.began_at)}: {each.state or 'no end on record'}"
        for each in operations
        if each.outcome != "complete"
    ]
    if not bad and all(each.operation != name for each in operations):
        return requirement.unchecked(f"no {name} is on record in the span")
    counted = f"{len(operations) - len(bad):,} of {len(operations):,} ended complete"
    return requirement.judged(not bad, "; ".join([counted, *bad]))
