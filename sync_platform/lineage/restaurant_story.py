"""The story of a restaurant: its identity, its listings over time, and the source of every field of its record.

story = read_restaurant_story(history, platforms, "rest-…")

What belongs here: the story as data. `story_document`, `story_json` and `story_csv` write it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync_platform.documents.local_time import local_time
from sync_platform.documents.typed_command import typed
from sync_platform.errors import NoLakeYet, NotFound, UsageError
from sync_platform.lineage.changes import Change, FieldChange, Values
from sync_platform.lineage.identity_history import (
    CommittedDecision,
    CommittedIdentityEvent,
    Membership,
    identity_events,
    memberships_in,
    person_decisions,
)
from sync_platform.lineage.provenance import FIELDS, PARTS, FieldProvenance, ProvenanceReader
from sync_platform.lineage.record_story import StorySources
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_connection import LAKE
from sync_platform.unified.golden import EXPLAINED
from sync_platform.unified.queries import has_unified
from sync_platform.unified.tables import RESTAURANTS, SCHEMA

IDENTITY = ("founded_by", "founded_at", "merged_into")


@dataclass(frozen=True)
class FieldRevision:
    """One golden field at one change: its value before, and its provenance after; None where it has no value after."""

    field: str
    before: Any
    provenance: FieldProvenance | None


@dataclass(frozen=True)
class Revision:
    """One change of the golden record: the fields whose value or source changed, and the columns of its identity."""

    change: Change
    fields: tuple[FieldRevision, ...]
    identity: tuple[FieldChange, ...]


@dataclass(frozen=True)
class RestaurantStory:
    """Everything that is known of a restaurant as of a moment.

    `asked`: the requested id. `merged_through`: the merged restaurants between that id and this restaurant. `values`
    and `fields`: the record after the last change.
    """

    asked: str
    merged_through: tuple[str, ...]
    restaurant_id: str
    as_of: datetime | None
    field: str | None
    has_ended: bool
    values: Values
    fields: tuple[FieldProvenance, ...]
    events: tuple[CommittedIdentityEvent, ...]
    memberships: tuple[Membership, ...]
    decisions: tuple[CommittedDecision, ...]
    revisions: tuple[Revision, ...]


def read_restaurant_story(
    history: StorySources, platforms: Mapping[str, Platform], restaurant_id: str, field: str | None = None
) -> RestaurantStory:
    """The story of a restaurant, or of one field of its record. For a merged restaurant, it is the story of the
    restaurant into which it was merged.

    NotFound for a restaurant that does not exist, UsageError for a field; NoLakeYet where nothing is unified yet.
    """
    if field is not None:
        field = _checked(field)
    if not has_unified(history.session):
        raise NoLakeYet(f"nothing is unified yet: run `{typed('sync')}`, or `{typed('unify')}`")
    asked, through = restaurant_id, []
    changes = _changes(history, restaurant_id)
    while successor := _state(changes).get("merged_into"):
        through.append(restaurant_id)
        restaurant_id, changes = successor, _changes(history, successor)
    events = identity_events(history, restaurant_id)
    memberships = memberships_in(history, restaurant_id, _cited(changes), events)
    reader = ProvenanceReader(history, platforms, memberships)
    return RestaurantStory(
        asked=asked,
        merged_through=tuple(through),
        restaurant_id=restaurant_id,
        as_of=history.as_of,
        field=field,
        has_ended=changes[-1].is_end,
        values=_state(changes),
        fields=tuple(_final_fields(history, reader, restaurant_id, changes, field)),
        events=tuple(events),
        memberships=tuple(memberships),
        decisions=tuple(person_decisions(history, (membership.listing for membership in memberships))),
        revisions=tuple(_revisions(reader, changes, field)),
    )


def _checked(field: str) -> str:
    name = PARTS.get(field, field)
    if name not in FIELDS:
        raise UsageError(f"a restaurant has no field {field!r}; it has {', '.join((*FIELDS, *PARTS))}")
    return name


def _changes(history: StorySources, restaurant_id: str) -> list[Change]:
    changes = history.of(SCHEMA, RESTAURANTS.name, restaurant_id)
    if changes:
        return changes
    known_changes = history.without_limit.of(SCHEMA, RESTAURANTS.name, restaurant_id)
    if known_changes:
        raise UsageError(
            f"{restaurant_id} was not known then: it was founded {local_time(known_changes[0].committed_at)}"
        )
    raise NotFound(f"there is no restaurant {restaurant_id}: unified.restaurants lists their ids, rest-…")


def _state(changes: list[Change]) -> Values:
    """The values of the columns that have a history, after these changes."""
    state: Values = {}
    for change in changes:
        state |= change.after
    return state


def _cited(changes: list[Change]) -> set[str]:
    """Every listing that `why` of the record names in any change."""
    listings = set()
    for change in changes:
        for why in (change.after.get("why") or {}).values():
            named = [each for each in (why, *(why.get("others") or [])) if "source_id" in each]
            listings |= {f"{each['source']}/{each['source_id']}" for each in named}
    return listings


def _final_fields(
    history: StorySources, reader: ProvenanceReader, restaurant_id: str, changes: list[Change], field: str | None
) -> list[FieldProvenance]:
    """Every field that has a value after the last change."""
    state, committed_at = _state(changes), changes[-1].committed_at
    why = state.get("why") or {}
    provenances = [
        reader.explained(name, why[name], committed_at) for name in EXPLAINED if name in why and field in (None, name)
    ]
    values = {"platforms": state.get("platforms"), **_current_values(history, restaurant_id)}
    provenances += [
        reader.combined(name, value, history.known_at)
        for name, value in values.items()
        if value not in (None, []) and field in (None, name)
    ]
    return provenances


def _current_values(history: StorySources, restaurant_id: str) -> Values:
    """The columns that have no history; empty for a story as of a past moment."""
    if history.as_of is not None:
        return {}
    row = history.session.execute(
        f"SELECT rating, review_count FROM {LAKE}.unified.restaurants WHERE restaurant_id = ? AND removed_at IS NULL",
        [restaurant_id],
    ).fetchone()
    return dict(zip(("rating", "review_count"), row, strict=True)) if row else {}


def _revisions(reader: ProvenanceReader, changes: list[Change], field: str | None) -> list[Revision]:
    revisions = []
    before: Values = {}
    for change in changes:
        after = before | change.after
        fields = tuple(_field_revisions(reader, change, before, after, field))
        identity = tuple(field_change for field_change in change.fields if field_change.field in IDENTITY)
        if field is None or fields or (identity and change.operation != "update"):
            revisions.append(Revision(change, fields, identity))
        before = after
    return revisions


def _field_revisions(
    reader: ProvenanceReader, change: Change, before: Values, after: Values, field: str | None
) -> list[FieldRevision]:
    """The fields whose value or provenance changed."""
    if change.is_end:
        return []
    why_before, why_after = before.get("why") or {}, after.get("why") or {}
    field_revisions = []
    for name in EXPLAINED:
        if field in (None, name) and why_before.get(name) != why_after.get(name):
            has_value = name in why_after
            provenance = reader.explained(name, why_after[name], change.committed_at) if has_value else None
            field_revisions.append(FieldRevision(name, why_before.get(name, {}).get("value"), provenance))
    if field in (None, "platforms") and before.get("platforms") != after.get("platforms"):
        provenance = reader.combined("platforms", after.get("platforms"), change.committed_at)
        field_revisions.append(FieldRevision("platforms", before.get("platforms"), provenance))
    return field_revisions
