"""How a place changes: opening, closing, renaming, moving, and its licences.

What belongs here: dates. All are drawn from the place's own random stream, so that a later day never changes an earlier
one. What doesn't: names and addresses, and when a platform notices a change.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from sync_platform.sandbox.chance import scramble
from sync_platform.sandbox.districts import FEHD_DISTRICTS

HISTORY_BEGINS = date(2023, 1, 1)
"""The first day of which anything is known."""

CLOSINGS_PER_MONTH = 0.015
RENAMES_PER_MONTH = 0.0025
MOVES_PER_MONTH = 0.0015
MONTH_DAYS = 30.4
_SERIALS_PER_SLOT = 8
_SERIALS = 10**6
_FEHD_ORDER = {code: index for index, code in enumerate(FEHD_DISTRICTS)}


def draw_opening(stream: Random) -> date:
    """The opening day of a place that traded before HISTORY_BEGINS: mostly by a few years, at most by thirty."""
    return HISTORY_BEGINS - timedelta(days=1 + min(10_950, int(stream.expovariate(1 / 1900))))


def draw_closing(stream: Random, alive: date) -> date:
    """The closing day of a place that trades on `alive`."""
    return alive + timedelta(days=20 + int(stream.expovariate(CLOSINGS_PER_MONTH / MONTH_DAYS)))


def draw_event(stream: Random, since: date, until: date, per_month: float) -> date | None:
    """The first day of a rare event between two days, or None if it doesn't happen before `until`."""
    start = max(since, HISTORY_BEGINS) + timedelta(days=40)
    day = start + timedelta(days=int(stream.expovariate(per_month / MONTH_DAYS)))
    return day if day < until - timedelta(days=40) else None


@dataclass(frozen=True, slots=True)
class RegisteredLicence:
    """One licence in the register, from `since` until the day before `until`.

    A provisional licence has a fixed `expiry`. A full one expires yearly on `month`/`day` and is renewed `lead_days`
    before; a negative number is a late renewal, and the licence is missing from the register meanwhile.
    """

    number: str
    kind: str
    fehd: str
    premises: int
    since: date
    until: date
    month: int
    day: int
    lead_days: int
    expiry: date | None = None

    def expires(self, today: date) -> date | None:
        """The expiry date that the register shows on a day, or None where the licence is not in it."""
        if not self.since <= today < self.until:
            return None
        if self.expiry is not None:
            return self.expiry if today < self.expiry else None
        anniversary = date(today.year, self.month, self.day)
        if self.lead_days < 0 and anniversary > self.since:
            late = (today - anniversary).days
            if 0 <= late < -self.lead_days:
                return None
        if anniversary <= today or (anniversary - today).days <= self.lead_days:
            anniversary = date(today.year + 1, self.month, self.day)
        if self.lapses and anniversary > self.until:
            return self.until
        return anniversary

    @property
    def lapses(self) -> bool:
        """True if the licence ends on its expiry day; the others are given up before."""
        return (self.until.month, self.until.day) == (self.month, self.day)


def draw_licences(
    stream: Random, key: int, kind: str, opened: date, closed: date, tenancies: list[tuple[date, date, str]]
) -> tuple[RegisteredLicence, ...]:
    """The licences of a place over its life.

    `tenancies` are (from, to, fehd district) of the premises it trades from; each needs its own licences. Four of five
    licences of a closed place lapse on their expiry day, up to three months after it closed.
    """
    licences: list[RegisteredLicence] = []
    light = kind == "RR"
    for index, (since, until, fehd) in enumerate(tenancies):
        last = until + timedelta(days=stream.randint(0, 90) if until == closed else 0)
        anniversary = last if stream.random() < 0.82 else since + timedelta(days=stream.randint(0, 364))
        lead = stream.randint(0, 40)
        if opened < date(1999, 1, 1) or (opened < HISTORY_BEGINS and stream.random() < 0.12):
            anniversary = date(2023, 6, 30)
            lead = -stream.randint(1, 9) if stream.random() < 0.2 else lead
        elif stream.random() < 0.01:
            lead = -stream.randint(1, 9)
        month, day = anniversary.month, min(anniversary.day, 28 if anniversary.month == 2 else 30)
        serial = _serial(key + index, fehd)
        begins = since
        if since >= HISTORY_BEGINS and stream.random() < 0.6:
            begins = min(last, since + timedelta(days=stream.randint(90, 175)))
            first = since - timedelta(days=stream.randint(0, 20))
            prefix = "39" if light else "38"
            expiry = first + timedelta(days=183)
            licences.append(RegisteredLicence(prefix + serial, kind, fehd, index, first, begins, 1, 1, 0, expiry))
        if begins < last:
            prefix = "31" if light else "22"
            licences.append(RegisteredLicence(prefix + serial, kind, fehd, index, begins, last, month, day, lead))
    return tuple(licences)


def _serial(key: int, fehd: str) -> str:
    """District and six digits, unique per place and premises; beyond 125,000 slots with other leading digits."""
    slots = _SERIALS // _SERIALS_PER_SLOT
    slot, variant = divmod(key, _SERIALS_PER_SLOT)
    leading = fehd if slot < slots else str(20 + _FEHD_ORDER[fehd])
    return f"{leading}{scramble((slot % slots) * _SERIALS_PER_SLOT + variant, _SERIALS):06d}"
