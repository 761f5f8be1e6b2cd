"""Requests of data subjects that were open in the span, and whether they were answered in time, from the register.

What belongs here: how requests are judged. When each is due is in privacy/request_deadline.py. A refusal with its
reason and the law is an answer; a request that the person withdrew needs none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sync_platform.compliance import requirements
from sync_platform.compliance.obligation import Obligation, Requirement
from sync_platform.compliance.span import Span
from sync_platform.privacy.privacy_request import PrivacyRequest, PrivacyRequestKind
from sync_platform.privacy.request_deadline import Law, due_day
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.sources.period import day_in_hong_kong

UNDER_PDPO = (PrivacyRequestKind.access, PrivacyRequestKind.correction)
"""The requests for which the PDPO gives a number of days."""
MAX_NAMED = 10


@dataclass(frozen=True)
class SubjectRequest:
    """One request as the report has it. `answered_on`: the day of the answer or the refusal; None: there is none yet.

    `provision`: the law that allows a refusal. Days are days in Hong Kong.
    """

    number: int
    kind: PrivacyRequestKind
    law: Law
    received_on: date
    due_on: date
    extended_until: date | None
    identity_checked: bool
    answered_on: date | None
    state: str
    provision: str

    def due_under(self, law: Law) -> date:
        return self.extended_until or due_day(self.received_on, law)


@dataclass(frozen=True)
class ReportedCorrection:
    """One corrected value, without the value and the record. Times are UTC.

    `state`: applied (the right value stands in place of the platform's), passed on (the platform shows it itself), or
    lifted.
    """

    number: int
    request: int
    platform: str
    dataset: str
    column: str
    corrected_at: datetime
    state: str
    passed_on_at: datetime | None


@dataclass(frozen=True)
class RequestsOfSpan:
    """The requests that were open at any time of the span, in order, and the breaks of the register.

    `corrections`: the values that were corrected in the span, or that were corrected before and apply.
    `restricted_persons`: how many data subjects have a restriction that applies now.
    """

    requests: list[SubjectRequest]
    breaks: list[str]
    corrections: list[ReportedCorrection] = field(default_factory=list)
    restricted_persons: int = 0


def requests_of(register: RequestRegister, span: Span, now: datetime) -> RequestsOfSpan:
    """What the register has of the span. Requests whose details are past their retention are left out."""
    requests = register.requests()
    found_requests = [_of_report(request, now) for request in requests if _was_open_in(request, span)]
    breaks = [f"event {event.number}: {what}" for event, what in register.breaks()]
    corrections = [correction for request in requests for correction in _corrections_of(request, span)]
    restricted = {subject for request in requests if request.is_restricting for subject in request.subjects}
    return RequestsOfSpan([request for request in found_requests if request], breaks, corrections, len(restricted))


def judge_requests(requests: RequestsOfSpan, now: datetime) -> Iterator[Obligation]:
    """Hong Kong's deadline covers access and correction; the GDPR's covers every request."""
    under_pdpo = [
        request for request in requests.requests if request.law.includes(Law.pdpo) and request.kind in UNDER_PDPO
    ]
    yield _judge(requirements.PDPO_REQUESTS, under_pdpo, Law.pdpo, requests.breaks, now)
    under_gdpr = [request for request in requests.requests if request.law.includes(Law.gdpr)]
    yield _judge(requirements.GDPR_REQUESTS, under_gdpr, Law.gdpr, requests.breaks, now)


def _judge(
    requirement: Requirement, requests: Sequence[SubjectRequest], law: Law, breaks: Sequence[str], now: datetime
) -> Obligation:
    """An open request that is not due yet is left out. A register that was changed proves nothing."""
    if breaks:
        return requirement.judged(False, f"the register was changed: {'; '.join(breaks[:MAX_NAMED])}")
    today = day_in_hong_kong(now)
    due = [request for request in requests if request.answered_on or request.due_under(law) < today]
    due = [request for request in due if request.state != "withdrawn"]
    if not due:
        return requirement.unchecked("no request that was answered or is due is on record in the span")
    late = [request for request in due if (request.answered_on or today) > request.due_under(law)]
    named = [f"{request.kind} {request.number}, received on {request.received_on}" for request in late[:MAX_NAMED]]
    counted = f"{len(due) - len(late):,} of {len(due):,} requests were answered in time"
    return requirement.judged(not late, "; ".join([counted, *named]))


def _was_open_in(request: PrivacyRequest, span: Span) -> bool:
    """True if it was received before the end of the span, and was not closed before its beginning."""
    received_at = request.received_at or request.recorded_at
    return received_at <= span.last and (request.closed_at is None or request.closed_at >= span.first)


def _corrections_of(request: PrivacyRequest, span: Span) -> Iterator[ReportedCorrection]:
    for correction in request.corrections:
        state = request.correction_state(correction)
        if span.contains(correction.corrected_at) or (state == "applied" and correction.corrected_at <= span.last):
            passed_on_at = request.passed_on.get(correction.number)
            yield ReportedCorrection(
                correction.number,
                correction.request,
                correction.platform,
                correction.dataset,
                correction.column,
                correction.corrected_at,
                state,
                passed_on_at,
            )


def _of_report(request: PrivacyRequest, now: datetime) -> SubjectRequest | None:
    if request.kind is None or request.law is None:
        return None
    return SubjectRequest(
        request.number,
        request.kind,
        request.law,
        request.received_on,
        request.due_on,
        request.extended_until,
        bool(request.identity),
        day_in_hong_kong(request.closed_at) if request.closed_at else None,
        request.state(now),
        request.provision,
    )
