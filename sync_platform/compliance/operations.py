"""Who did what in the span: operations by interface and outcome, emergencies, accepted shrinks, killed operations."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_platform.compliance import requirements
from sync_platform.compliance.logged_operations import LoggedOperation, begun_in
from sync_platform.compliance.obligation import Obligation
from sync_platform.compliance.span import Span, moment_text
from sync_platform.storage.operation_name import OperationName

MAX_NAMED = 10
UNDER_WAY, KILLED, ELSEWHERE, NOTED = "under way", "no end on record", "begun; its run has the outcome", "noted"
"""Outcomes of operations without an end in the log."""


@dataclass(frozen=True)
class OperationCount:
    """How often an operation was started through an interface (`via`) and had an outcome; `state`: it in words."""

    operation: str
    via: str
    outcome: str
    state: str
    times: int


@dataclass(frozen=True)
class Operations:
    """The operations that began in the span: counts, and the ones that an auditor reads one by one."""

    counts: list[OperationCount]
    emergencies: list[LoggedOperation]
    shrinks: list[LoggedOperation]
    killed: list[LoggedOperation]
    unsealings: list[LoggedOperation]

    @property
    def total(self) -> int:
        return sum(count.times for count in self.counts)


def operations_of(operations: Sequence[LoggedOperation], span: Span, now: datetime) -> Operations:
    """The operations that began in the span."""
    begun = list(begun_in(operations, span))
    counts = Counter(
        (operation.operation, operation.via, _outcome(operation, now), _state(operation, now)) for operation in begun
    )
    return Operations(
        [OperationCount(*key, times) for key, times in sorted(counts.items())],
        list(begun_in(begun, span, OperationName.emergency)),
        list(begun_in(begun, span, OperationName.accept_shrink)),
        [operation for operation in begun if operation.is_killed(now)],
        list(begun_in(begun, span, OperationName.unseal)),
    )


def judge_ended(operations: Operations) -> Obligation:
    expected = sum(count.times for count in operations.counts if count.outcome not in (UNDER_WAY, ELSEWHERE, NOTED))
    if not expected:
        return requirements.ENDED.unchecked("no operation that has an end of its own began in the span")
    if operations.killed:
        named = ", ".join(
            f"{operation.operation} (entry {operation.number}, {moment_text(operation.began_at)})"
            for operation in operations.killed[:MAX_NAMED]
        )
        evidence = f"{len(operations.killed):,} of {expected:,} operations have no end on record: {named}"
        return requirements.ENDED.judged(False, evidence)
    return requirements.ENDED.judged(True, f"{expected:,} of {expected:,} operations have their end on record")


def _outcome(operation: LoggedOperation, now: datetime) -> str:
    if operation.outcome is not None:
        return operation.outcome
    if operation.has_no_end:
        return NOTED
    if operation.ends_elsewhere:
        return ELSEWHERE
    return KILLED if operation.is_killed(now) else UNDER_WAY


def _state(operation: LoggedOperation, now: datetime) -> str:
    return operation.state or _outcome(operation, now)
