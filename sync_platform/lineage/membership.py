"""How a restaurant came to have its listings: what happened to its identity, who came and went, what people decided.

What belongs here: reading members, identity turns and decisions of one restaurant out of the lake and its history.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import orjson

from sync_platform.lineage.changes import Change, Values
from sync_platform.lineage.record import History
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.tables import DECISIONS, MEMBERS, SCHEMA


@dataclass(frozen=True)
class Turning:
    """Something that happened to an identity (unified/identity.py); `other_id` is the other restaurant, if any."""

    restaurant_id: str
    kind: str
    other_id: str | None
    listings: tuple[str, ...]
    run_id: str
    at: datetime


@dataclass(frozen=True)
class Evidence:
    """What speaks for a listing belonging where it does, as it was last judged: no history of that is kept."""

    linked_to: str
    probability: float
    words: str


@dataclass(frozen=True)
class Stay:
    """One listing's time in the restaurant. `until` is empty while it lasts; then `went_to` is where it went, if
    anywhere. `decided_by`: alone | evidence | source | person, as it was last."""

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
        platform, _, source_id = self.listing.partition("/")
        return platform, source_id

    def is_on(self, moment: datetime) -> bool:
        return self.since <= moment and (self.until is None or moment < self.until)


@dataclass(frozen=True)
class Said:
    """A person's word on two listings, or that it was taken back."""

    one: str
    other: str
    verdict: str
    reason: str
    decided_by: str
    at: datetime
    run_id: str


def turns_of(history: History, restaurant_id: str) -> list[Turning]:
    """What happened to the restaurant's identity, and to others through it, in order."""
    rows = history.session.execute(
        f"""SELECT restaurant_id, kind, other_id, listings, run_id, committed_at FROM {LAKE}.unified.identity_turns
        WHERE (restaurant_id = $id OR other_id = $id) AND committed_at <= $at
        ORDER BY committed_at, kind, restaurant_id""",
        {"id": restaurant_id, "at": history.known_at},
    ).fetchall()
    return [
        Turning(name, kind, other, tuple(listings or ()), run_id, at)
        for name, kind, other, listings, run_id, at in rows
    ]


def stays_in(history: History, restaurant_id: str, heard: Iterable[str], turns: Iterable[Turning]) -> list[Stay]:
    """Every stay of a listing in the restaurant, in order.

    Which listings may ever have been there: those that are, those that turns name, and those `heard`, whose word was
    in its record. So nobody has to search all members' history.
    """
    rows = history.session.execute(
        f"SELECT platform || '/' || source_id FROM {LAKE}.unified.members WHERE restaurant_id = ?", [restaurant_id]
    ).fetchall()
    names = {name for (name,) in rows} | set(heard) | {name for turn in turns for name in turn.listings}
    evidence = _evidence(history, restaurant_id)
    stays = [
        replace(stay, evidence=evidence.get(name) if stay.until is None else None)
        for name in names
        for stay in _stays(history.of(SCHEMA, MEMBERS.name, name), name, restaurant_id)
    ]
    return sorted(stays, key=lambda stay: (stay.since, stay.listing))


def said_of(history: History, listings: Iterable[str]) -> list[Said]:
    """What people ever said of any of these listings, in order."""
    pairs = history.session.execute(
        f"""SELECT DISTINCT one, other FROM {LAKE}.unified.decisions
        WHERE list_contains($names, one) OR list_contains($names, other)""",
        {"names": sorted(set(listings))},
    ).fetchall()
    found = [
        _said(one, other, change, values)
        for one, other in pairs
        for change, values in _states(history.of(SCHEMA, DECISIONS.name, f"{one}/{other}"))
    ]
    return sorted(found, key=lambda said: (said.at, said.one, said.other))


def _stays(changes: list[Change], listing: str, restaurant_id: str) -> Iterator[Stay]:
    """The stays of one listing there, out of all its changes."""
    values: dict[str, Any] = {}
    stay: Stay | None = None
    first = changes[0] if changes else None
    for change in changes:
        was = values.get("restaurant_id")
        values |= change.after
        now = None if change.is_removal else values.get("restaurant_id")
        if stay is not None and now != restaurant_id:
            yield replace(stay, until=change.committed_at, went_by=change.run_id, went_to=now)
            stay = None
        elif stay is not None:
            stay = replace(stay, decided_by=values["decided_by"], is_live=values["is_live"])
        elif now == restaurant_id:
            told = (values["dataset"], values["decided_by"], values["is_live"])
            came_from = was if was != restaurant_id else None
            came = first if first and change.is_sum else change  # where else it was before is past its retention
            stay = Stay(listing, *told, came.committed_at, came.run_id, came_from)
    if stay is not None:
        yield stay


def _evidence(history: History, restaurant_id: str) -> dict[str, Evidence]:
    """By listing; none where the story ends in the past, for of evidence no history is kept."""
    if history.as_of is not None:
        return {}
    rows = history.session.execute(
        f"""SELECT platform || '/' || source_id, linked_to, probability, evidence FROM {LAKE}.unified.members
        WHERE restaurant_id = ? AND removed_at IS NULL AND linked_to IS NOT NULL AND evidence IS NOT NULL""",
        [restaurant_id],
    ).fetchall()
    return {name: Evidence(to, probability, orjson.loads(text)["words"]) for name, to, probability, text in rows}


def _states(changes: list[Change]) -> Iterator[tuple[Change, Values]]:
    """Each change with what all columns say after it; not the one that tells only that there was something."""
    values: Values = {}
    for change in changes:
        values = values | change.after
        if not change.is_bare:
            yield change, values


def _said(one: str, other: str, change: Change, values: Values) -> Said:
    verdict = "withdrawn" if change.is_removal else "same" if values["is_same"] else "different"
    return Said(
        one,
        other,
        verdict,
        values.get("reason") or "",
        values.get("decided_by") or "",
        change.committed_at,
        change.run_id,
    )
