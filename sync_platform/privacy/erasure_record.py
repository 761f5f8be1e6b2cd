"""One erasure as its events say: what was asked and confirmed, how far it is, and its proof.

What belongs here: the events' meaning. Storing them belongs in privacy/erasure_ledger.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

import orjson

from sync_platform.storage.chained_table import ChainedRow


class ErasureEventKind(StrEnum):
    """What happened. Stored ledgers have these values, so a value never changes."""

    requested = "requested"
    confirmed = "confirmed"
    withdrawn = "withdrawn"
    deferred = "deferred"
    """A legal hold covers every field: nothing is destroyed yet."""
    preserved = "preserved"
    """The held fields were copied under the key of the hold."""
    done = "done"
    """A step is done."""
    failed = "failed"
    partly_complete = "partly-complete"
    """All is erased but fields under a legal hold."""
    complete = "complete"


class ErasureState(StrEnum):
    """How far an erasure is."""

    requested = "requested"
    in_progress = "in progress"
    on_hold = "on hold"
    partly_complete = "partly complete"
    complete = "complete"
    withdrawn = "withdrawn"


STATE_AFTER = {
    ErasureEventKind.requested: ErasureState.requested,
    ErasureEventKind.confirmed: ErasureState.in_progress,
    ErasureEventKind.withdrawn: ErasureState.withdrawn,
    ErasureEventKind.deferred: ErasureState.on_hold,
    ErasureEventKind.partly_complete: ErasureState.partly_complete,
    ErasureEventKind.complete: ErasureState.complete,
}
"""Other events change no state."""
ENDED = (ErasureState.complete, ErasureState.withdrawn)


@dataclass(frozen=True, kw_only=True)
class ErasureEvent(ChainedRow):
    """One event of an erasure. `at` is UTC in ISO 8601; `details` is JSON."""

    CHAIN = "sync-platform/erasures/1"
    erasure: int
    at: str
    actor: str
    event: str
    details: str

    @property
    def known_details(self) -> dict[str, Any]:
        details: dict[str, Any] = orjson.loads(self.details)
        return details

    def document(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": self.at,
            "actor": self.actor,
            "event": self.event,
            "details": self.known_details,
            "link": self.link,
        }


@dataclass(frozen=True)
class Erasure:
    """An erasure of one person, who may have several data subjects: one per platform and name there.

    `selected_by`: how the person was found, never the value. `confirmed_alone`: by the operator who asked.
    `held_until`: when the last legal hold that defers a part ends. `problem`: why the last attempt failed.
    """

    number: int
    subjects: tuple[str, ...]
    reason: str
    selected_by: str
    request: int | None
    requested_at: datetime
    requested_by: str
    state: ErasureState
    confirmed_by: str | None = None
    confirmed_alone: bool = False
    hold_subjects: tuple[str, ...] = ()
    held_until: datetime | None = None
    problem: str | None = None
    proof: dict[str, Any] | None = None
    events: tuple[ErasureEvent, ...] = field(default=(), repr=False)

    @property
    def is_ended(self) -> bool:
        return self.state in ENDED

    @property
    def is_due(self) -> bool:
        """True if there is something to do, now or when a legal hold ends."""
        return not self.is_ended and self.state is not ErasureState.requested

    @property
    def expected_from(self) -> datetime | None:
        """Since when it can be completed: its confirmation, or the end of the legal hold. None: it cannot, or has."""
        if self.state is ErasureState.in_progress:
            confirmed = [each for each in self.events if each.event == ErasureEventKind.confirmed]
            return datetime.fromisoformat(confirmed[-1].at)
        return self.held_until if self.is_due else None

    def document(self) -> dict[str, Any]:
        left_out = ("events", "subjects", "hold_subjects")
        own = {name: value for name, value in vars(self).items() if name not in left_out}
        return {**own, "subjects": len(self.subjects), "events": [each.document() for each in self.events]}


def erasure_of(events: Sequence[ErasureEvent]) -> Erasure:
    """The erasure whose events these are, in order."""
    asked, state = events[0].known_details, ErasureState.requested
    changing: dict[str, Any] = {}
    hold_subjects: set[str] = set()
    for event in events:
        kind, details = ErasureEventKind(event.event), event.known_details
        state = STATE_AFTER.get(kind, state)
        if kind is ErasureEventKind.confirmed:
            changing |= {"confirmed_by": event.actor, "confirmed_alone": details["alone"]}
        if kind is ErasureEventKind.preserved:
            hold_subjects |= set(details["hold_subjects"])
        if kind is ErasureEventKind.failed:
            changing["problem"] = f"{details['step']}: {details['problem']}"
        if kind in STATE_AFTER:
            until = details.get("until")
            changing |= {"problem": None, "held_until": datetime.fromisoformat(until) if until else None}
        if "proof" in details:
            changing["proof"] = details["proof"]
    return Erasure(
        number=events[0].erasure,
        subjects=tuple(asked["subjects"]),
        reason=asked["reason"],
        selected_by=asked["selected_by"],
        request=asked.get("request"),
        requested_at=datetime.fromisoformat(events[0].at),
        requested_by=events[0].actor,
        state=state,
        hold_subjects=tuple(sorted(hold_subjects)),
        events=tuple(events),
        **changing,
    )
