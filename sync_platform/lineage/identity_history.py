"""The identity history of a restaurant: its identity events, its memberships over time, and people's decisions.

What belongs here: reading identity events, members and decisions of one restaurant from the lake and its history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from sync_platform.lineage.changes import Change, Values
from sync_platform.lineage.record_story import StorySources
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.tables import DECISIONS, MEMBERS, SCHEMA


@dataclass(frozen=True)
class CommittedIdentityEvent:
    """An event of a restaurant's identity (unified/identity.py). `other_id`: the other restaurant, if any."""

    restaurant_id: str
    kind: str
    other_id: str | None
    listings: tuple[str, ...]
    run_id: str
    at: datetime


@dataclass(frozen=True)
class Evidence:
    """Why a listing belongs to its restaurant, by the last matching. It has no history."""

    linked_to: str
    probability: float
    words: str


@dataclass(frozen=True)
class Membership:
    """The time that one listing was in the restaurant.

    `decided_by`: alone | evidence | source | person, the last value of that time. `until` is None while the membership
    lasts; `went_to` is the restaurant that the listing moved to, if any.
    """

    listing: str
    dataset: str
    decided_by: str
    is_live: bool
    since: datetime
    came_by: str
    came_from: str | None = None
    until: datetime | None = None
    went_by: str | None = None
    went_to: str | None = None
    evidence: Evidence | None = None

    @property
    def key(self) -> tuple[str, str]:
        """Platform and source_id."""
        platform, _, source_id = self.listing.partition("/")
        return platform, source_id

    def is_on(self, moment: datetime) -> bool:
        return self.since <= moment and (self.until is None or moment < self.until)


@dataclass(frozen=True)
class CommittedDecision:
    """A person's decision on two listings. `verdict`: same | different | withdrawn."""

    one: str
    other: str
    verdict: str
    reason: str
    decided_by: str
    at: datetime
    run_id: str


def identity_events(history: StorySources, restaurant_id: str) -> list[CommittedIdentityEvent]:
    """The events that concern the restaurant, in order; also those of other restaurants that name it."""
    rows = history.session.execute(
        f"""SELECT restaurant_id, kind, other_id, listings, run_id, committed_at FROM {LAKE}.unified.identity_turns
        WHERE (restaurant_id = $id OR other_id = $id) AND committed_at <= $at
        ORDER BY committed_at, kind, restaurant_id, other_id""",
        {"id": restaurant_id, "at": history.known_at},
    ).fetchall()
    return [
        CommittedIdentityEvent(name, kind, other, tuple(listings or ()), run_id, committed_at)
        for name, kind, other, listings, run_id, committed_at in rows
    ]


def memberships_in(
    history: StorySources, restaurant_id: str, cited: Iterable[str], events: Iterable[CommittedIdentityEvent]
) -> list[Membership]:
    """Every membership of a listing in the restaurant, in order.

    Only three kinds of listings can be or have been members: those in `unified.members` now, those that `events` name,
    and those that the golden record `cited` as sources. So the history of other listings is not searched.
    """
    rows = history.session.execute(
        f"SELECT platform || '/' || source_id FROM {LAKE}.unified.members WHERE restaurant_id = ?", [restaurant_id]
    ).fetchall()
    names = {name for (name,) in rows} | set(cited) | {name for event in events for name in event.listings}
    evidence = _evidence(history, restaurant_id)
    memberships = [
        replace(membership, evidence=evidence.get(name) if membership.until is None else None)
        for name in names
        for membership in _memberships(history.of(SCHEMA, MEMBERS.name, name), name, restaurant_id)
    ]
    return sorted(memberships, key=lambda membership: (membership.since, membership.listing))


def person_decisions(history: StorySources, listings: Iterable[str]) -> list[CommittedDecision]:
    """Every decision on any of these listings, in order."""
    pairs = history.session.execute(
        f"""SELECT DISTINCT one, other FROM {LAKE}.unified.decisions
        WHERE list_contains($names, one) OR list_contains($names, other)""",
        {"names": sorted(set(listings))},
    ).fetchall()
    decisions = [
        _decision(one, other, change, values)
        for one, other in pairs
        for change, values in _versions(history.of(SCHEMA, DECISIONS.name, f"{one}/{other}"))
    ]
    return sorted(decisions, key=lambda decision: (decision.at, decision.one, decision.other))


def _memberships(changes: list[Change], listing: str, restaurant_id: str) -> Iterator[Membership]:
    """The memberships of one listing in the restaurant, from all changes of the listing's row in `members`."""
    values: dict[str, Any] = {}
    current: Membership | None = None
    first = changes[0] if changes else None
    for change in changes:
        previous = values.get("restaurant_id")
        values |= change.after
        now = None if change.is_end else values.get("restaurant_id")
        if current is not None and now != restaurant_id:
            yield replace(current, until=change.committed_at, went_by=change.run_id, went_to=now)
            current = None
        elif current is not None:
            current = replace(current, decided_by=values["decided_by"], is_live=values["is_live"])
        elif now == restaurant_id:
            row = (values["dataset"], values["decided_by"], values["is_live"])
            came_from = previous if previous != restaurant_id else None
            start = first if first and change.is_sum else change  # the restaurant before is past its retention
            current = Membership(listing, *row, start.committed_at, start.run_id, came_from)
    if current is not None:
        yield current


def _evidence(history: StorySources, restaurant_id: str) -> dict[str, Evidence]:
    """The evidence of each listing. Empty for a story as of a past moment, because evidence has no history."""
    if history.as_of is not None:
        return {}
    rows = history.session.execute(
        f"""SELECT platform || '/' || source_id, linked_to, probability, evidence FROM {LAKE}.unified.members
        WHERE restaurant_id = ? AND removed_at IS NULL AND linked_to IS NOT NULL AND evidence IS NOT NULL""",
        [restaurant_id],
    ).fetchall()
    return {name: Evidence(to, probability, orjson.loads(text)["words"]) for name, to, probability, text in rows}


def _versions(changes: list[Change]) -> Iterator[tuple[Change, Values]]:
    """Each change with the values of all columns after it. Changes whose values are past retention are left out."""
    values: Values = {}
    for change in changes:
        values = values | change.after
        if not change.is_bare:
            yield change, values


def _decision(one: str, other: str, change: Change, values: Values) -> CommittedDecision:
    verdict = "withdrawn" if change.is_end else "same" if values["is_same"] else "different"
    reason, decided_by = values.get("reason") or "", values.get("decided_by") or ""
    return CommittedDecision(one, other, verdict, reason, decided_by, change.committed_at, change.run_id)
