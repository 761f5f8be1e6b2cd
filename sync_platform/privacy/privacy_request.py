"""A privacy request: what a person asks of us, and what was done about it until now, from the events on record.

What belongs here: what the events say together. They are stored in `request_events`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from sync_platform.lake.corrected_values import ValueCorrection
from sync_platform.privacy.request_deadline import Law, due_day
from sync_platform.privacy.request_events import RequestEvent, RequestEventKind
from sync_platform.sources.period import day_in_hong_kong

RequestState = Literal["open", "overdue", "answered", "refused", "withdrawn"]
CorrectionState = Literal["applied", "passed on", "lifted"]
CLOSING: dict[RequestEventKind, RequestState] = {
    RequestEventKind.answered: "answered",
    RequestEventKind.refused: "refused",
    RequestEventKind.withdrawn: "withdrawn",
}
"""The events that close a request, and its state from then on."""
CORRECTED_FIELDS = ("platform", "dataset", "source_id", "column", "wrong", "right", "shown")
"""The details of a correction."""


class PrivacyRequestKind(StrEnum):
    """What a person asks for. Stored registers have these values, so a value never changes."""

    access = "access"
    erasure = "erasure"
    correction = "correction"
    restriction = "restriction"


@dataclass
class PrivacyRequest:
    """One request. Its texts are empty, and `kind` and `law` are None, where they are past their retention.

    `reference`: where the letters about it are, such as the number of a ticket. `subjects`: ids of the person, never
    values. `identity`: how the person's identity was checked; empty: not yet. `outcome`: what the person was answered,
    or why it is refused; `provision`: the law that allows the refusal. `corrections`: the values that were corrected;
    `passed_on`: when the source showed the right value itself, by the number of the correction.
    """

    number: int
    recorded_at: datetime
    kind: PrivacyRequestKind | None = None
    law: Law | None = None
    received_at: datetime | None = None
    reference: str = ""
    subjects: tuple[str, ...] = ()
    identity: str = ""
    extended_until: date | None = None
    extension_reason: str = ""
    closing: RequestEventKind | None = None
    closed_at: datetime | None = None
    outcome: str = ""
    provision: str = ""
    lifted_at: datetime | None = None
    corrections: list[ValueCorrection] = field(default_factory=list)
    passed_on: dict[int, datetime] = field(default_factory=dict)
    events: list[RequestEvent] = field(default_factory=list)

    @property
    def received_on(self) -> date:
        return day_in_hong_kong(self.received_at or self.recorded_at)

    @property
    def due_on(self) -> date:
        """The last day for the answer, in Hong Kong."""
        return self.extended_until or due_day(self.received_on, self.law or Law.both)

    @property
    def is_open(self) -> bool:
        return self.closing is None

    @property
    def is_restricting(self) -> bool:
        """True if it is a restriction that applies: answered, and not lifted."""
        is_answered = self.closing == RequestEventKind.answered
        return self.kind == PrivacyRequestKind.restriction and is_answered and self.lifted_at is None

    @property
    def applied_corrections(self) -> list[ValueCorrection]:
        """The corrections whose right value stands in place of the source's: neither passed on nor lifted."""
        return [] if self.lifted_at else [each for each in self.corrections if each.number not in self.passed_on]

    @property
    def lifted_corrections(self) -> list[ValueCorrection]:
        return [each for each in self.corrections if each.number not in self.passed_on] if self.lifted_at else []

    @property
    def is_applied(self) -> bool:
        """True if a restriction, or a correction, applies now."""
        return self.is_restricting or bool(self.applied_corrections)

    def is_overdue(self, now: datetime) -> bool:
        """True if it is open, and its last day has passed."""
        return self.is_open and day_in_hong_kong(now) > self.due_on

    def is_in_time(self, due_on: date, now: datetime) -> bool:
        """True if it was closed by the end of that day, or if it is open and that day has not passed."""
        return day_in_hong_kong(self.closed_at or now) <= due_on

    def state(self, now: datetime) -> RequestState:
        if self.closing:
            return CLOSING[self.closing]
        return "overdue" if self.is_overdue(now) else "open"

    def document(self, now: datetime) -> dict[str, Any]:
        """The request as JSON has it."""
        return {
            "request": self.number,
            "kind": self.kind,
            "law": self.law,
            "state": self.state(now),
            "received_at": self.received_at,
            "due_on": self.due_on,
            "extended_until": self.extended_until,
            "extension_reason": self.extension_reason,
            "identity": self.identity,
            "reference": self.reference,
            "subjects": list(self.subjects),
            "closed_at": self.closed_at,
            "outcome": self.outcome,
            "provision": self.provision,
            "lifted_at": self.lifted_at,
            "corrections": [self._correction_document(each) for each in self.corrections],
            "events": [each.document() for each in self.events],
        }

    def correction_state(self, correction: ValueCorrection) -> CorrectionState:
        if correction.number in self.passed_on:
            return "passed on"
        return "lifted" if self.lifted_at else "applied"

    def _correction_document(self, correction: ValueCorrection) -> dict[str, Any]:
        """A correction without its values."""
        names = ("request", "platform", "dataset", "source_id", "column", "corrected_at")
        passed_on_at = self.passed_on.get(correction.number)
        return {
            "correction": correction.number,
            **{name: getattr(correction, name) for name in names},
            "state": self.correction_state(correction),
            "passed_on_at": passed_on_at,
            "lifted_at": None if passed_on_at else self.lifted_at,
        }


def request_of(events: Sequence[RequestEvent]) -> PrivacyRequest:
    """The request that these events are about; the first of them is its receipt."""
    request = PrivacyRequest(events[0].request, events[0].at)
    for event in events:
        _apply(request, event, event.known_details)
        request.events.append(event)
    return request


def _apply(request: PrivacyRequest, event: RequestEvent, details: dict[str, Any]) -> None:
    kinds = RequestEventKind
    if event.event == kinds.received and details:
        request.kind, request.law = PrivacyRequestKind(details["kind"]), Law(details["law"])
        request.received_at = datetime.fromisoformat(details["received_at"])
        request.reference = details["reference"]
    elif event.event == kinds.identity_checked:
        request.identity = details.get("text", "")
    elif event.event == kinds.person_named:
        request.subjects = tuple(sorted({*request.subjects, *details.get("subjects", ())}))
    elif event.event == kinds.extended and details:
        request.extended_until, request.extension_reason = date.fromisoformat(details["until"]), details["text"]
    elif event.event == kinds.corrected and details:
        named = {name: details[name] for name in CORRECTED_FIELDS}
        request.corrections.append(ValueCorrection(event.number, event.request, **named, corrected_at=event.at))
    elif event.event == kinds.passed_on and details:
        request.passed_on[details["correction"]] = event.at
    elif event.event == kinds.lifted:
        request.lifted_at = event.at
    elif event.event in CLOSING:
        request.closing, request.closed_at = RequestEventKind(event.event), event.at
        request.outcome, request.provision = details.get("text", ""), details.get("provision", "")
