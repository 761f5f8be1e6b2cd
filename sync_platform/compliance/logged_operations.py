"""Operations of the audit log: each entry `begun` together with the entry of its end.

What belongs here: which entry ends which operation. What is counted or judged is in `operations` and `recovery`.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sync_platform.compliance.span import Span
from sync_platform.documents.states import state_of
from sync_platform.storage.audit_log import GAPS_DETAIL, AuditEntry
from sync_platform.storage.operation_name import OperationName

BEGUN = "begun"
ALWAYS_ENDED = (
    OperationName.backup,
    OperationName.replicate,
    OperationName.back_up_vault,
    OperationName.restore,
    OperationName.drill,
    OperationName.prune,
)
"""Operations whose end is in the log through every interface, also when a schedule runs them."""
LONGEST_RUN = timedelta(days=1)
"""An operation that began less than this time ago may still be running."""


@dataclass(frozen=True)
class LoggedOperation:
    """One operation. `subject` is that of its last entry, which repeats everything in the first.

    `ended_at` and `outcome` are None where the log has no end. `has_no_end`: one entry is the whole operation, such as
    an accepted shrink. `ends_elsewhere`: it is a run of a schedule, a sensor or the UI; the log has only its beginning.
    """

    number: int
    operation: str
    actor: str
    via: str
    subject: dict[str, Any]
    began_at: datetime
    ended_at: datetime | None
    outcome: str | None
    has_no_end: bool
    ends_elsewhere: bool

    @property
    def state(self) -> str | None:
        """The outcome in the word that people read."""
        return state_of(self.outcome, has_gaps=GAPS_DETAIL in self.subject) if self.outcome else None

    def is_killed(self, now: datetime) -> bool:
        """True if its end is missing although it cannot be running any more."""
        is_complete = self.outcome is not None or self.has_no_end or self.ends_elsewhere
        return not is_complete and self.began_at < now - LONGEST_RUN


_Kind = tuple[str, str, str]
"""The operation, the actor and the interface of an entry; the entry of its end has the same."""


class _Beginning(NamedTuple):
    """An entry `begun` whose end is not found yet, and its subject."""

    entry: AuditEntry
    subject: dict[str, Any]


def logged_operations(entries: Sequence[AuditEntry]) -> list[LoggedOperation]:
    """Every operation, in order of its beginning. `entries` are in the order of the log."""
    begun: dict[_Kind, deque[_Beginning]] = defaultdict(deque)
    operations = []
    for entry in entries:
        if entry.outcome != BEGUN:
            operations.append(_operation(_take_beginning(entry, begun[_kind(entry)]) or entry, entry))
        elif _has_no_end(entry):
            operations.append(_operation(entry, None))
        else:
            begun[_kind(entry)].append(_Beginning(entry, entry.details))
    unended = [_operation(each.entry, None) for waiting in begun.values() for each in waiting]
    return sorted([*operations, *unended], key=lambda operation: operation.number)


def begun_in(operations: Iterable[LoggedOperation], span: Span, *names: str) -> Iterator[LoggedOperation]:
    """The operations that began in the span; only those with one of these names, if any are given."""
    return (
        operation
        for operation in operations
        if span.contains(operation.began_at) and (not names or operation.operation in names)
    )


def _take_beginning(end: AuditEntry, begun: deque[_Beginning]) -> AuditEntry | None:
    """The first of `begun` that `end` repeats everything of; it is removed from them. None where `end` ends nothing."""
    subject = end.details
    for position, each in enumerate(begun):
        if all(name in subject and subject[name] == value for name, value in each.subject.items()):
            del begun[position]
            return each.entry
    return None


def _operation(entry: AuditEntry, end: AuditEntry | None) -> LoggedOperation:
    return LoggedOperation(
        number=entry.number,
        operation=entry.operation,
        actor=entry.actor,
        via=entry.via,
        subject=(end or entry).details,
        began_at=entry.at,
        ended_at=end.at if end else None,
        outcome=end.outcome if end else None,
        has_no_end=_has_no_end(entry),
        ends_elsewhere=entry.via != "cli" and end is None and entry.operation not in ALWAYS_ENDED,
    )


def _has_no_end(entry: AuditEntry) -> bool:
    """True if one entry is the whole operation: an accepted shrink, or an exported answer of a query."""
    return entry.operation == OperationName.accept_shrink or (
        entry.operation == OperationName.export and '"tables"' in entry.subject
    )


def _kind(entry: AuditEntry) -> _Kind:
    return entry.operation, entry.actor, entry.via
