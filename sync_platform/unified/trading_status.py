"""Trading status: whether a restaurant trades, and whether it is licensed, with reasons, from all of its listings.

Second listings do not count: they state what the first states, or what it stated before it moved.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

Status = Literal["open", "temporarily_closed", "closed"]
LicenceState = Literal["in_force", "provisional", "expired", "not_found"]


class ListingStatus(NamedTuple):
    """What one listing states: whether the platform still lists it, its status if it states one, and its licence."""

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
    """The restaurant's status and licence state, and in words why."""

    status: Status
    status_reason: str
    licence_state: LicenceState
    licence_reason: str


def find_trading_status(listings: Iterable[ListingStatus], today: date) -> TradingStatus:
    """The trading status of one restaurant on a day in Hong Kong.

    The majority of the platforms that list it and state a status decides; closed where as many state closed as open and
    no licence is in force. Where none states a status, a restaurant that is listed or licensed is open. A restaurant
    that no platform lists any more is closed.
    """
    every = list(listings)
    counted = [listing for listing in every if not listing.is_second_listing] or every
    licence, licence_reason = _licence([listing for listing in counted if listing.is_reference], today)
    is_licensed = licence in ("in_force", "provisional")
    status, status_reason = _status([listing for listing in counted if listing.is_live], is_licensed)
    return TradingStatus(status, status_reason, licence, licence_reason)


def _status(live: list[ListingStatus], is_licensed: bool) -> tuple[Status, str]:
    """The status from live listings, and why."""
    listed = [listing for listing in live if not listing.is_reference]
    stated = {state: sorted({each.source for each in listed if each.status == state}) for state in _IN_WORDS}
    reasons = [f"{', '.join(sources)}: {_IN_WORDS[state]}" for state, sources in stated.items() if sources]
    if reasons:
        licensed = ["a licence is in force"] if is_licensed else []
        return _majority(stated, is_licensed), "; ".join([*reasons, *licensed])
    if listed:
        return "open", f"listed by {', '.join(sorted({each.source for each in listed}))}"
    if is_licensed:
        return "open", "a licence is in force; no platform lists it"
    return "closed", "no platform lists it any more"


_IN_WORDS: dict[Status, str] = {"open": "open", "temporarily_closed": "temporarily closed", "closed": "closed"}


def _majority(stated: dict[Status, list[str]], is_licensed: bool) -> Status:
    """The status that most state; of two that as many state, the one that agrees with the licence."""
    order: tuple[Status, ...] = ("open", "temporarily_closed", "closed")
    if not is_licensed:
        order = ("closed", "temporarily_closed", "open")
    return max(order, key=lambda status: (len(stated[status]), -order.index(status)))


def _licence(references: list[ListingStatus], today: date) -> tuple[LicenceState, str]:
    """The state of the best licence, and why."""
    live = [listing for listing in references if listing.is_live]
    valid = [each for each in live if each.licence_expires_on is None or each.licence_expires_on >= today]
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


def _rank(licence: ListingStatus) -> tuple[bool, date, bool, str]:
    """Live ones before others, later ends before earlier, full licences before provisional ones."""
    end = licence.licence_expires_on or date.max
    return licence.is_live, end, not licence.is_provisional_licence, licence.licence_number or ""
