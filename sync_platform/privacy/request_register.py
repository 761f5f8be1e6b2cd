"""The register of privacy requests: access, erasure, correction and restriction, from receipt to answer.

What belongs here: what may be recorded when. The register is not sealed, so it names persons by their ids only, and
refuses texts with an e-mail address or a phone number.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from sync_platform.errors import UsageError
from sync_platform.landing.personal_words import has_contact
from sync_platform.privacy.privacy_request import PrivacyRequest, PrivacyRequestKind, request_of
from sync_platform.privacy.request_deadline import Law, last_extension
from sync_platform.privacy.request_events import RECEIPT, NewEvent, RequestEvent, RequestEventKind, RequestEvents
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.storage.audit_log import Via
from sync_platform.storage.hash_chain import broken_links
from sync_platform.storage.relational import database_exists
from sync_platform.storage.utc_time import utc_now


class _RepeatedCall(Exception):
    """The call that records a request was made before, and recorded this one."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class RequestRegister:
    """The register in the ledger at a SQLAlchemy URL; StorageError where it cannot be used.

    `actor` is who records an event, `via` the interface. Every method that names a request raises UsageError where
    there is none with that number, or where it is closed already.
    """

    def __init__(self, ledger: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._events, self._clock = RequestEvents(ledger, clock), clock

    def add(
        self,
        kind: PrivacyRequestKind,
        *,
        actor: str,
        received_at: datetime | None = None,
        law: Law = Law.both,
        reference: str = "",
        identity: str = "",
        subjects: Sequence[str] = (),
        via: Via = "cli",
        receipt: str = "",
    ) -> int:
        """Record a request; returns its number. `received_at` None: it is received now.

        `identity`: how the person's identity was checked, if it was. `subjects`: ids of the person, if they are known.
        `receipt`: names the call that records it. A repeat of the call records what is missing, and nothing twice.
        """
        moment = received_at or self._clock()
        if moment > self._clock():
            raise UsageError("a request cannot be received in the future")
        _require_no_contact(reference, identity)
        details = {"kind": kind, "law": law, "received_at": moment.astimezone(UTC).isoformat(), "reference": reference}

        def received(known: sa.Connection) -> NewEvent:
            if receipt and (earlier := self._events.with_receipt(receipt, known)):
                raise _RepeatedCall(earlier.request)
            recorded = {**details, RECEIPT: receipt} if receipt else details
            return NewEvent(self._events.newest_request(known) + 1, actor, via, RequestEventKind.received, recorded)

        try:
            number = self._events.append(received).request
        except _RepeatedCall as repeated:
            number = repeated.number
        request = self.find(number)
        if identity and not request.identity:
            self.check_identity(number, identity, actor=actor, via=via)
        if set(subjects) - set(request.subjects):
            self.name_person(number, subjects, actor=actor, via=via)
        return number

    def check_identity(self, number: int, how: str, *, actor: str, via: Via = "cli") -> None:
        """Record that the identity of the person was checked, and how."""
        self.record(number, RequestEventKind.identity_checked, {"text": _stated_text(how, "how")}, actor, via)

    def name_person(self, number: int, subjects: Sequence[str], *, actor: str, via: Via = "cli") -> None:
        """Record which ids the person has on the platforms."""
        self.record(number, RequestEventKind.person_named, {"subjects": sorted(set(subjects))}, actor, via)

    def note(self, number: int, text: str, *, actor: str, via: Via = "cli") -> None:
        """Add a note. A closed request takes notes too."""
        self.record(
            number, RequestEventKind.noted, {"text": _stated_text(text, "text")}, actor, via, is_closed_allowed=True
        )

    def extend(self, number: int, until: date, reason: str, *, actor: str, via: Via = "cli") -> None:
        """Extend the time for the answer. UsageError after the last day, or where the law does not allow it."""
        details = {"until": until.isoformat(), "text": _stated_text(reason, "reason")}
        self.record(
            number,
            RequestEventKind.extended,
            details,
            actor,
            via,
            lambda request: _require_extension(request, until, self._clock()),
        )

    def close(self, number: int, answer: str, *, actor: str, via: Via = "cli") -> None:
        """Record that the person was answered, and what was done; a restriction applies from then on.

        UsageError before the identity is checked, and for a restriction before its data subjects are named.
        """
        self.record(
            number, RequestEventKind.answered, {"text": _stated_text(answer, "answer")}, actor, via, require_identity
        )

    def refuse(self, number: int, reason: str, provision: str, *, actor: str, via: Via = "cli") -> None:
        """Record that the request is refused: the reason, and the provision of law, such as `PDPO s.20(1)(a)`."""
        details = {"text": _stated_text(reason, "reason"), "provision": _stated_text(provision, "law")}
        self.record(number, RequestEventKind.refused, details, actor, via)

    def withdraw(self, number: int, reason: str, *, actor: str, via: Via = "cli") -> None:
        """Record that the person does not ask any more."""
        self.record(number, RequestEventKind.withdrawn, {"text": _stated_text(reason, "reason")}, actor, via)

    def lift(self, number: int, reason: str, *, actor: str, via: Via = "cli") -> None:
        """Record that an answered restriction, or the corrections of a request, do not apply any more."""
        self.record(
            number,
            RequestEventKind.lifted,
            {"text": _stated_text(reason, "reason")},
            actor,
            via,
            _require_applied,
            is_closed_allowed=True,
        )

    def has_any_applied(self) -> bool:
        """True if a value was ever corrected, or a restriction ever asked for: then the lake is kept in line."""
        return any(each.corrections or each.kind is PrivacyRequestKind.restriction for each in self.requests())

    def has_any(self, kind: RequestEventKind) -> bool:
        """True if an event of that kind was ever recorded."""
        return self._events.has_any(kind)

    def find(self, number: int) -> PrivacyRequest:
        for each in self.requests():
            if each.number == number:
                return each
        raise UsageError(f"there is no privacy request {number}")

    def requests(self) -> list[PrivacyRequest]:
        """Every request, in order of their numbers."""
        events = sorted(self._events.all(), key=lambda event: (event.request, event.number))
        return [request_of(list(own)) for _, own in groupby(events, key=lambda event: event.request)]

    def breaks(self) -> list[tuple[RequestEvent, str]]:
        """The events at which the chain is broken or whose details were changed, each with a description."""
        events = self._events.all()
        changed = [(each, "its details were changed") for each in events if each.is_changed]
        return [*broken_links(events), *changed]

    def closed_before(self, before: datetime) -> list[int]:
        """The requests that were closed before that time and still have details; none that applies."""
        return [
            each.number
            for each in self.requests()
            if each.closed_at
            and max(each.closed_at, each.lifted_at or each.closed_at) < before
            and not each.is_applied
            and any(event.details for event in each.events)
        ]

    def delete_closed(self, before: datetime) -> int:
        """Delete everything but the chain of these requests for good; how many requests had more."""
        numbers = self.closed_before(before)
        self._events.delete_details(numbers)
        return len(numbers)

    def dispose(self) -> None:
        """Close the connections to the database."""
        self._events.close()

    def record(
        self,
        number: int,
        kind: RequestEventKind,
        details: dict[str, Any],
        actor: str,
        via: Via,
        require: Callable[[PrivacyRequest], None] = lambda request: None,
        *,
        is_closed_allowed: bool = False,
    ) -> int:
        """Append an event of a request; returns the number of the event.

        `require`: raises UsageError where the request as it is now does not allow the event.
        """

        def make(known: sa.Connection) -> NewEvent:
            events = self._events.of_request(number, known)
            if not events:
                raise UsageError(f"there is no privacy request {number}")
            request = request_of(events)
            if not request.is_open and not is_closed_allowed:
                raise UsageError(f"privacy request {number} is closed: {request.closing}")
            require(request)
            return NewEvent(number, actor, via, kind, details)

        return self._events.append(make).number


@contextmanager
def opened_register(ledger: str, clock: Callable[[], datetime] = utc_now) -> Iterator[RequestRegister]:
    """The register; its connections are closed at the end."""
    register = RequestRegister(ledger, clock)
    try:
        yield register
    finally:
        register.dispose()


def restricted_subjects(ledger: str) -> frozenset[str]:
    """The ids of the persons whose values may only be stored, by a restriction that applies. No ledger is created."""
    if not database_exists(ledger):
        return frozenset()
    with opened_register(ledger) as register:
        return frozenset(subject for each in register.requests() if each.is_restricting for subject in each.subjects)


def _stated_text(text: str, what: str) -> str:
    """The text without spaces around it; UsageError where it is empty, or has a person's address or number in it."""
    if not text.strip():
        raise UsageError(f"the {what} is empty")
    _require_no_contact(text)
    return text.strip()


def _require_no_contact(*texts: str) -> None:
    if has_contact(list(texts)):
        raise UsageError(
            "the text has an e-mail address or a phone number in it: the register is not sealed, so write it without"
        )


def require_identity(request: PrivacyRequest) -> None:
    """UsageError before the identity is checked, and for a restriction before its data subjects are named."""
    if not request.identity:
        raise UsageError(
            f"the identity of the person of privacy request {request.number} is not checked: record how it was checked "
            "before the request is answered"
        )
    if request.kind == PrivacyRequestKind.restriction and not request.subjects:
        raise UsageError(
            f"privacy request {request.number} names no data subject: a restriction applies to the subject ids that "
            "are recorded with it"
        )


def _require_applied(request: PrivacyRequest) -> None:
    if request.lifted_at:
        raise UsageError(f"privacy request {request.number} is lifted already")
    if not request.is_applied:
        raise UsageError(f"privacy request {request.number} is no restriction that applies, and no such correction")


def _require_extension(request: PrivacyRequest, until: date, now: datetime) -> None:
    if request.is_overdue(now):
        raise UsageError(
            f"privacy request {request.number} was due on {request.due_on}: it can be extended only before"
        )
    if until <= request.due_on:
        raise UsageError(f"{until} is no extension: privacy request {request.number} is due on {request.due_on}")
    last = last_extension(request.received_on, request.law or Law.both)
    if last and until > last:
        raise UsageError(f"GDPR Art. 12(3) allows two further months: privacy request {request.number} until {last}")
    if until <= day_in_hong_kong(now):
        raise UsageError(f"{until} is past")
