"""The story of a restaurant: what happened to it, whose listings it is made of, and every word of its record.

story = tell_restaurant(history, platforms, "rest-…")

What belongs here: putting the story together as data. How it is written down is in `telling`, `document` and `sheet`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync_platform.errors import StorageError, UsageError
from sync_platform.lineage.changes import Change, FieldChange, Values
from sync_platform.lineage.membership import Said, Stay, Turning, said_of, stays_in, turns_of
from sync_platform.lineage.record import History
from sync_platform.lineage.verdicts import FIELDS, PARTS, Hearing, Verdict
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.golden import EXPLAINED
from sync_platform.unified.queries import has_unified
from sync_platform.unified.tables import RESTAURANTS, SCHEMA

IDENTITY = ("founded_by", "founded_at", "merged_into")


@dataclass(frozen=True)
class Turn:
    """One golden field at one change: what it was, and the verdict that it is since; None where it says nothing."""

    field: str
    before: Any
    verdict: Verdict | None


@dataclass(frozen=True)
class Revision:
    """One change of the golden record: the fields of which anything changed, be it only whose word they are."""

    change: Change
    turns: tuple[Turn, ...]
    identity: tuple[FieldChange, ...]


@dataclass(frozen=True)
class RestaurantStory:
    """All that is known of a restaurant as of a moment. `asked`: the id that was asked for; `merged_through`: the
    restaurants that led from there to this one. `fields`: what its record says in the end."""

    asked: str
    merged_through: tuple[str, ...]
    restaurant_id: str
    as_of: datetime | None
    field: str | None
    has_ended: bool
    values: Values
    fields: tuple[Verdict, ...]
    turnings: tuple[Turning, ...]
    stays: tuple[Stay, ...]
    said: tuple[Said, ...]
    revisions: tuple[Revision, ...]


def tell_restaurant(
    history: History, platforms: Mapping[str, Platform], restaurant_id: str, field: str | None = None
) -> RestaurantStory:
    """The story of a restaurant, or of one field of its record; of one that was merged, that of the one it is in.

    UsageError for a restaurant or a field that there is not; StorageError where nothing is unified yet.
    """
    if field is not None:
        field = _checked(field)
    if not has_unified(history.session):
        raise StorageError("nothing is unified yet: run `sync-platform sync`, or `sync-platform unify`")
    asked, through = restaurant_id, []
    changes = _changes(history, restaurant_id)
    while heir := _state(changes).get("merged_into"):
        through.append(restaurant_id)
        restaurant_id, changes = heir, _changes(history, heir)
    turnings = turns_of(history, restaurant_id)
    stays = stays_in(history, restaurant_id, _heard(changes), turnings)
    hearing = Hearing(history, platforms, stays)
    return RestaurantStory(
        asked,
        tuple(through),
        restaurant_id,
        history.as_of,
        field,
        changes[-1].is_removal,
        _state(changes),
        tuple(_now(history, hearing, restaurant_id, changes, field)),
        tuple(turnings),
        tuple(stays),
        tuple(said_of(history, (stay.listing for stay in stays))),
        tuple(_revisions(hearing, changes, field)),
    )


def _checked(field: str) -> str:
    name = PARTS.get(field, field)
    if name not in FIELDS:
        raise UsageError(f"a restaurant has no field {field!r}; it has {', '.join((*FIELDS, *PARTS))}")
    return name


def _changes(history: History, restaurant_id: str) -> list[Change]:
    changes = history.of(SCHEMA, RESTAURANTS.name, restaurant_id)
    if changes:
        return changes
    known = history.knowing_all.of(SCHEMA, RESTAURANTS.name, restaurant_id)
    if known:
        raise UsageError(
            f"{restaurant_id} was not known then: it was founded {known[0].committed_at:%Y-%m-%d %H:%M:%S} UTC"
        )
    raise UsageError(f"there is no restaurant {restaurant_id}: unified.restaurants has them, rest-…")


def _state(changes: list[Change]) -> Values:
    """The lasting columns after these changes."""
    state: Values = {}
    for change in changes:
        state |= change.after
    return state


def _heard(changes: list[Change]) -> set[str]:
    """Every listing whose word was ever in the record."""
    found = set()
    for change in changes:
        for why in (change.after.get("why") or {}).values():
            told = [each for each in (why, *(why.get("others") or [])) if "source_id" in each]
            found |= {f"{each['source']}/{each['source_id']}" for each in told}
    return found


def _now(
    history: History, hearing: Hearing, restaurant_id: str, changes: list[Change], field: str | None
) -> list[Verdict]:
    """What the record says in the end, field by field; what it does not say is left out."""
    state, at = _state(changes), changes[-1].committed_at
    why = state.get("why") or {}
    found = [hearing.verdict(name, why[name], at) for name in EXPLAINED if name in why and field in (None, name)]
    values = {"platforms": state.get("platforms"), **_kept_current(history, restaurant_id)}
    found += [
        hearing.summed_up(name, value, history.known_at)
        for name, value in values.items()
        if value not in (None, []) and field in (None, name)
    ]
    return found


def _kept_current(history: History, restaurant_id: str) -> Values:
    """The columns that have no history, and so only a present."""
    if history.as_of is not None:
        return {}
    row = history.session.execute(
        f"SELECT rating, review_count FROM {LAKE}.unified.restaurants WHERE restaurant_id = ? AND removed_at IS NULL",
        [restaurant_id],
    ).fetchone()
    return dict(zip(("rating", "review_count"), row, strict=True)) if row else {}


def _revisions(hearing: Hearing, changes: list[Change], field: str | None) -> list[Revision]:
    found = []
    held: Values = {}
    for change in changes:
        now = held | change.after
        turns = tuple(_turns(hearing, change, held, now, field))
        identity = tuple(each for each in change.fields if each.field in IDENTITY)
        if field is None or turns or (identity and change.operation != "update"):
            found.append(Revision(change, turns, identity))
        held = now
    return found


def _turns(hearing: Hearing, change: Change, held: Values, now: Values, field: str | None) -> list[Turn]:
    """The fields that changed, or whose reason did."""
    if change.is_removal:
        return []
    before, after = held.get("why") or {}, now.get("why") or {}
    found = []
    for name in EXPLAINED:
        if field in (None, name) and before.get(name) != after.get(name):
            verdict = hearing.verdict(name, after[name], change.committed_at) if name in after else None
            found.append(Turn(name, before.get(name, {}).get("value"), verdict))
    if field in (None, "platforms") and held.get("platforms") != now.get("platforms"):
        verdict = hearing.summed_up("platforms", now.get("platforms"), change.committed_at)
        found.append(Turn("platforms", held.get("platforms"), verdict))
    return found
