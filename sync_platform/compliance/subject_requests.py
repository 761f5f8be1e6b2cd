"""Requests of data subjects in the span, and whether they were answered in time, from the audit log.

What belongs here: the requests and their deadlines. A request is an operation with one of the names below. Its deadline
counts from `received_at` in its subject or, where that is missing, from the beginning of the operation.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_platform.compliance import requirements
from sync_platform.compliance.logged_operations import LoggedOperation, begun_in
from sync_platform.compliance.obligation import Obligation, Requirement
from sync_platform.compliance.span import Span, moment_text
from sync_platform.documents.states import state_of
from sync_platform.storage.operation_name import OperationName

OPERATIONS = (OperationName.access, OperationName.correction, OperationName.erasure)
Deadline = Callable[[datetime], datetime]
"""Takes the time at which a request was received, and returns the time by which it must be answered."""


@dataclass(frozen=True)
class SubjectRequest:
    """One request. `answered_at` is None as long as it is not answered, and if it failed."""

    operation: str
    received_at: datetime
    answered_at: datetime | None
    outcome: str | None

    @property
    def state(self) -> str | None:
        """The outcome in the word that people read."""
        return state_of(self.outcome) if self.outcome else None

    def meets(self, deadline: datetime, now: datetime) -> bool:
        return (self.answered_at or now) <= deadline


def subject_requests(operations: Sequence[LoggedOperation], span: Span) -> list[SubjectRequest]:
    """The requests whose operation began in the span, in order."""
    return [_request(each) for each in begun_in(operations, span, *OPERATIONS)]


def judge_requests(requests: Sequence[SubjectRequest], now: datetime) -> Iterator[Obligation]:
    """Hong Kong's deadline covers access and correction; the GDPR's covers erasure too."""
    under_pdpo = [each for each in requests if each.operation in (OperationName.access, OperationName.correction)]
    days = timedelta(days=requirements.ACCESS_DAYS)
    yield _judge(requirements.PDPO_REQUESTS, under_pdpo, lambda received_at: received_at + days, now)
    yield _judge(requirements.GDPR_REQUESTS, requests, a_month_after, now)


def a_month_after(moment: datetime) -> datetime:
    """The same time of the same day of the next month, or of that month's last day."""
    year, month = (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


def _judge(
    requirement: Requirement, requests: Iterable[SubjectRequest], deadline: Deadline, now: datetime
) -> Obligation:
    """An open request whose deadline has not passed is left out."""
    due = [each for each in requests if each.answered_at or deadline(each.received_at) < now]
    if not due:
        return requirement.unchecked("no request that was answered or is due is on record in the span")
    late = [each for each in due if not each.meets(deadline(each.received_at), now)]
    named = [f"{each.operation} received {moment_text(each.received_at)}" for each in late]
    counted = f"{len(due) - len(late):,} of {len(due):,} requests were answered in time"
    return requirement.judged(not late, "; ".join([counted, *named]))


def _request(operation: LoggedOperation) -> SubjectRequest:
    received_at = _moment(operation.subject.get("received_at")) or operation.began_at
    answered_at = operation.ended_at if operation.outcome == "complete" else None
    return SubjectRequest(operation.operation, received_at, answered_at, operation.outcome)


def _moment(text: object) -> datetime | None:
    """The moment that the text names; None if it is not one with a time zone."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
