"""Trading status: computes from its listings if a restaurant is open and if it is licensed, with reasons.

Second listings do not count: they repeat the first listing, or its state before it moved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

Status = Literal["open", "temporarily_closed", "closed"]
LicenceState = Literal["in_force", "provisional", "expired", "not_found"]


class StatusClaim(NamedTuple):
    """The statements of one listing: whether it is still listed, its status if it states one, and its licence."""

    source: str
    is_live: bool
    is_second_listing: bool
    status: str | None
    is_reference: bool
    licence_number: str | None
    licence_expires_on: date | None
    is_provisional_licence: bool | None = None


@dataclass(frozen=True)
class TradingStatus:
    """The status and licence state of a restaurant, each with its reason."""

    status: Status
    status_reason: str
    licence_state: LicenceState
    licence_reason: str


def trading_status(claims: Iterable[StatusClaim], today: date) -> TradingStatus:
    """The trading status of one restaurant on a day in Hong Kong.

    Each platform with a live listing that states a status has one vote, and the majority decides. On a tie between open
    and closed, the restaurant is open only if a licence is in force. Where no listing states a status, a listed or
    licensed restaurant is open. A restaurant that no platform lists any more is closed.
    """
    every = list(claims)
    counted = [claim for claim in every if not claim.is_second_listing] or every
    licence, licence_reason = _licence([claim for claim in counted if claim.is_reference], today)
    is_licensed = licence in ("in_force", "provisional")
    status, status_reason = _status([claim for claim in counted if claim.is_live], is_licensed)
    return TradingStatus(status, status_reason, licence, licence_reason)


def _status(live: list[StatusClaim], is_licensed: bool) -> tuple[Status, str]:
    """The status from live listings, and the reason."""
    listed = [claim for claim in live if not claim.is_reference]
    by_status = {state: sorted({claim.source for claim in listed if claim.status == state}) for state in _IN_WORDS}
    reasons = [f"{', '.join(sources)}: {_IN_WORDS[state]}" for state, sources in by_status.items() if sources]
    if reasons:
        return _majority(by_status, is_licensed), "; ".join(
            [*reasons, *(["a licence is in force"] if is_licensed else [])]
        )
    if listed:
        return "open", f"listed by {', '.join(sorted({claim.source for claim in listed}))}"
    if is_licensed:
        return "open", "a licence is in force; no platform lists it"
    return "closed", "no platform lists it any more"


_IN_WORDS: dict[Status, str] = {"open": "open", "temporarily_closed": "temporarily closed", "closed": "closed"}


def _majority(by_status: dict[Status, list[str]], is_licensed: bool) -> Status:
    """The status of most platforms. On a tie: open, temporarily closed, closed; the reverse if unlicensed."""
    order: tuple[Status, ...] = ("open", "temporarily_closed", "closed")
    if not is_licensed:
        order = ("closed", "temporarily_closed", "open")
    return max(order, key=lambda status: (len(by_status[status]), -order.index(status)))


def _licence(references: list[StatusClaim], today: date) -> tuple[LicenceState, str]:
    """The state of the best licence, and the reason."""
    live = [claim for claim in references if claim.is_live]
    valid = [claim for claim in live if claim.licence_expires_on is None or claim.licence_expires_on >= today]
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


def _rank(licence: StatusClaim) -> tuple[bool, date, bool, str]:
    """Order of licences: live before removed, later end before earlier, full before provisional."""
    end = licence.licence_expires_on or date.max
    return licence.is_live, end, not licence.is_provisional_licence, licence.licence_number or ""
