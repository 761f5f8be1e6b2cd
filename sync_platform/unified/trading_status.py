"""Standing: whether a restaurant trades, and whether it is licensed, out of all that its listings say, with reasons.

Second listings do not count: they say what the first says, or what it said before it moved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

Status = Literal["open", "temporarily_closed", "closed"]
LicenceState = Literal["in_force", "provisional", "expired", "not_found"]


class Voice(NamedTuple):
    """What one listing says: that it is listed still, or is stale; its status, if it states one; its licence."""

    source: str
    is_live: bool
    is_second_listing: bool
    status: str | None
    is_reference: bool
    licence_number: str | None
    licence_expires_on: date | None
    is_provisional_licence: bool | None = None


@dataclass(frozen=True)
class Standing:
    """The restaurant's status and licence state, and in words why."""

    status: Status
    status_reason: str
    licence_state: LicenceState
    licence_reason: str


def stand(voices: Iterable[Voice], today: date) -> Standing:
    """The standing of one restaurant on a day in Hong Kong.

    What live listings state counts, each platform once: the majority; closed where as many say closed as open and no
    licence is in force. Where none states anything, being listed, or licensed, is being open. A restaurant that is
    listed nowhere any more is closed.
    """
    heard = list(voices)
    counted = [voice for voice in heard if not voice.is_second_listing] or heard
    licence, licence_reason = _licence([voice for voice in counted if voice.is_reference], today)
    is_licensed = licence in ("in_force", "provisional")
    status, status_reason = _status([voice for voice in counted if voice.is_live], is_licensed)
    return Standing(status, status_reason, licence, licence_reason)


def _status(live: list[Voice], is_licensed: bool) -> tuple[Status, str]:
    """What live listings make of it, and why."""
    listed = [voice for voice in live if not voice.is_reference]
    said = {state: sorted({voice.source for voice in listed if voice.status == state}) for state in _IN_WORDS}
    told = [f"{', '.join(sources)}: {_IN_WORDS[state]}" for state, sources in said.items() if sources]
    if told:
        return _majority(said, is_licensed), "; ".join([*told, *(["a licence is in force"] if is_licensed else [])])
    if listed:
        return "open", f"listed by {', '.join(sorted({voice.source for voice in listed}))}"
    if is_licensed:
        return "open", "a licence is in force; no platform lists it"
    return "closed", "no platform lists it any more"


_IN_WORDS: dict[Status, str] = {"open": "open", "temporarily_closed": "temporarily closed", "closed": "closed"}


def _majority(said: dict[Status, list[str]], is_licensed: bool) -> Status:
    """The status that most state; of two that as many state, the one that the licence speaks for."""
    order: tuple[Status, ...] = ("open", "temporarily_closed", "closed")
    if not is_licensed:
        order = ("closed", "temporarily_closed", "open")
    return max(order, key=lambda status: (len(said[status]), -order.index(status)))


def _licence(references: list[Voice], today: date) -> tuple[LicenceState, str]:
    """The state of the best licence, and why."""
    live = [voice for voice in references if voice.is_live]
    valid = [voice for voice in live if voice.licence_expires_on is None or voice.licence_expires_on >= today]
    if valid:
        best = max(valid, key=_rank)
        until = f" until {best.licence_expires_on}" if best.licence_expires_on else ""
        words = f"{best.source}: licence {best.licence_number} is in force{until}"
        return ("provisional", f"{words}, provisionally") if best.is_provisional_licence else ("in_force", words)
    if references:
        last = max(references, key=_rank)
        when = f" ran until {last.licence_expires_on}" if last.licence_expires_on else ""
        gone = "" if last.is_live else " and is not listed any more"
        return "expired", f"{last.source}: licence {last.licence_number}{when}{gone}"
    return "not_found", "no licence in the register was matched to it"


def _rank(licence: Voice) -> tuple[bool, date, bool, str]:
    """Live ones before others, later ends before earlier, full licences before provisional ones."""
    end = licence.licence_expires_on or date.max
    return licence.is_live, end, not licence.is_provisional_licence, licence.licence_number or ""
