"""What data subjects asked for in the span, and whether they were answered in time, as the audit log tells.

What belongs here: the requests and their deadlines. A request is an act of one of the operations below; where its
subject has `received_at`, its time counts from then, else from its beginning.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sync_platform.compliance import duties
from sync_platform.compliance.acts import Act, begun_in
from sync_platform.compliance.obligation import Duty, Obligation
from sync_platform.compliance.span import Span, told

ACCESS, CORRECTION, ERASURE = "access", "correction", "erasure"
OPERATIONS = (ACCESS, CORRECTION, ERASURE)
Deadline = Callable[[datetime], datetime]


@dataclass(frozen=True)
class Request:
    """One request; `answered_at` is None while it is not answered, or could not be."""

    operation: str
    received_at: datetime
    answered_at: datetime | None
    outcome: str | None

    def keeps(self, deadline: datetime, now: datetime) -> bool:
        return (self.answered_at or now) <= deadline


def requests_of(acts: Sequence[Act], span: Span) -> list[Request]:
    """The requests that were taken up in the span, in that order."""
    return [_request(act) for act in begun_in(acts, span, *OPERATIONS)]


def judge_requests(requests: Sequence[Request], now: datetime) -> Iterator[Obligation]:
    """Hong Kong's deadline is for access and correction; erasure on request is the GDPR's."""
    under_pdpo = [each for each in requests if each.operation in (ACCESS, CORRECTION)]
    yield _judge(duties.PDPO_REQUESTS, under_pdpo, lambda at: at + timedelta(days=duties.ACCESS_DAYS), now)
    yield _judge(duties.GDPR_REQUESTS, requests, a_month_after, now)


def a_month_after(moment: datetime) -> datetime:
    """The same time of the same day of the next month, or of that month's last day."""
    year, month = (moment.year + 1, 1) if moment.month == 12 else (moment.year, moment.month + 1)
    return moment.replace(year=year, month=month, day=min(moment.day, monthrange(year, month)[1]))


def _judge(duty: Duty, requests: Iterable[Request], deadline: Deadline, now: datetime) -> Obligation:
    """A request that still has time is neither kept nor broken."""
    due = [each for each in requests if each.answered_at or deadline(each.received_at) < now]
    if not due:
        return duty.unchecked("no such request that was answered, or is due, is on record in the span")
    late = [each for each in due if not each.keeps(deadline(each.received_at), now)]
    named = [f"{each.operation} received {told(each.received_at)}" for each in late]
    counted = f"{len(due) - len(late):,} of {len(due):,} requests were answered in time"
    return duty.judged(not late, "; ".join([counted, *named]))


def _request(act: Act) -> Request:
    received_at = _moment(act.subject.get("received_at")) or act.began_at
    return Request(act.operation, received_at, act.ended_at if act.outcome == "complete" else None, act.outcome)


def _moment(text: object) -> datetime | None:
    """The moment that an entry names, if it is one with its zone."""
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return moment if moment and moment.tzinfo else None
