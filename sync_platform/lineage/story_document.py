"""A story as a document for people.

What belongs here: wording. Every fact is in the story's data.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sync_platform.documents.document import Document, Item, Section
from sync_platform.documents.local_time import local_time
from sync_platform.documents.wording import value_text
from sync_platform.lineage.identity_history import CommittedDecision, CommittedIdentityEvent, Membership
from sync_platform.lineage.origin import LandedOrigin
from sync_platform.lineage.provenance import Claim, FieldProvenance
from sync_platform.lineage.record_story import NumberedChanges, RecordStory, TracedChange
from sync_platform.lineage.restaurant_story import FieldRevision, RestaurantStory, Revision

OPERATIONS = {
    "insert": "first observed",
    "update": "changed",
    "remove": "removed",
    "expire": "past (before the days that the source lists) since",
    "restore": "restored",
}
SUM = "reached this state (older changes are past their retention)"
DECIDED_BY = {
    "alone": "alone",
    "evidence": "by evidence",
    "source": "by the platform itself",
    "person": "by a person's decision",
}
MAX_CERTAIN = 0.9999
NOTES_TITLE = "Notes: every change referred to, and where it is landed"


def story_document(story: RestaurantStory | RecordStory, made_at: datetime) -> Document:
    """The story as a document."""
    known = "now" if story.as_of is None else local_time(story.as_of)
    only = [("Only the field", story.field)] if story.field else []
    facts = [("As known", known), *only, ("Made", local_time(made_at))]
    return _restaurant(story, facts) if isinstance(story, RestaurantStory) else _record(story, facts)


def _restaurant(story: RestaurantStory, facts: list[tuple[str, str]]) -> Document:
    numbered = NumberedChanges()
    names = " / ".join(name for key in ("name_en", "name_zh") if (name := story.values.get(key)))
    through = [f"{each} was merged; this is the restaurant that it is in." for each in story.merged_through]
    ended = ["It has ended: the lake has no listing of it any more."] if story.has_ended else []
    sections = [
        Section(
            "Its record, and the source of each field",
            items=[_field(provenance, numbered) for provenance in story.fields],
        ),
        Section("Events of its identity", items=[_event(event, story.restaurant_id) for event in story.events]),
        Section("Its listings over time", items=[_membership(membership) for membership in story.memberships]),
        Section("Decisions by people", items=[_decision(decision) for decision in story.decisions]),
        Section(
            "Every change of its record", items=[_revision(revision, story, numbered) for revision in story.revisions]
        ),
    ]
    return Document(
        f"Restaurant {story.restaurant_id}: {names}",
        facts,
        [section for section in sections if section.items],
        [*through, *ended],
        NOTES_TITLE,
        [_note(change) for change in numbered.changes],
    )


def _record(story: RecordStory, facts: list[tuple[str, str]]) -> Document:
    title = f"{story.platform}.{story.dataset} {story.source_id}"
    changes = [
        Item(_change_text(change), items=(*_values(change), *_origin(change.origin))) for change in story.changes
    ]
    return Document(title, facts, [Section("Every change", items=changes)])


def _field(provenance: FieldProvenance, numbered: NumberedChanges) -> Item:
    return Item(f"{provenance.field}: {value_text(provenance.value)}", items=tuple(_claims(provenance, numbered)))


def _claims(provenance: FieldProvenance, numbered: NumberedChanges) -> Iterable[Item]:
    why = f"{provenance.words} (rule: {provenance.rule})"
    if provenance.is_from_one_listing:
        (source,) = provenance.sources
        yield Item(f"source: {source.listing}; {why}", _notes(source, numbered))
    else:
        sources = tuple(
            Item(_source_text(source_claim), _notes(source_claim, numbered)) for source_claim in provenance.sources
        )
        yield Item(f"computed: {why}", items=sources)
    for claim in provenance.others:
        agreement = "agrees" if claim.agrees else "differs"
        yield Item(f"{claim.listing} {agreement}: {value_text(claim.value)}", _notes(claim, numbered))


def _source_text(claim: Claim) -> str:
    value = "" if claim.value is None else f": {value_text(claim.value)}"
    return f"from {claim.listing}{value}"


def _notes(claim: Claim, numbered: NumberedChanges) -> tuple[int, ...]:
    number = numbered.number(claim.source)
    return () if number is None else (number,)


def _event(event: CommittedIdentityEvent, own: str) -> Item:
    name = "it" if event.restaurant_id == own else event.restaurant_id
    other = "it" if event.other_id == own else event.other_id
    words = {
        "founded": "was founded",
        "merged": f"was merged into {other}",
        "split": f"was split off {other}",
        "revived": f"was restored, split off {other}" if other else "was restored",
        "moved": f"received listings of {other}",
        "ended": "ended: the lake has no listing of it any more",
    }[event.kind]
    listings = f", with {', '.join(event.listings)}" if event.listings else ""
    return Item(f"{local_time(event.at)}: {name} {words}{listings} (run {event.run_id})")


def _membership(member: Membership) -> Item:
    came = f", from {member.came_from}" if member.came_from else ""
    decided_by = DECIDED_BY.get(member.decided_by, member.decided_by)
    items = [Item(f"since {local_time(member.since)} (run {member.came_by}){came}, {decided_by}")]
    if member.evidence:
        probability = _probability_text(member.evidence.probability)
        items.append(Item(f"{probability} likely one place with {member.evidence.linked_to}; {member.evidence.words}"))
    if member.until:
        went = f", to {member.went_to}" if member.went_to else ", when its record was removed"
        items.append(Item(f"until {local_time(member.until)} (run {member.went_by}){went}"))
    gone = "" if member.is_live else ", no longer listed by the platform"
    return Item(f"{member.listing} ({member.dataset}){gone}", items=tuple(items))


def _probability_text(probability: float) -> str:
    return "more than 99.99 %" if probability > MAX_CERTAIN else f"{probability:.2%}".replace("%", " %")


def _decision(decision: CommittedDecision) -> Item:
    pair = f"{decision.one} and {decision.other}"
    at, run = local_time(decision.at), f"run {decision.run_id}"
    verdict = {"same": "are one place", "different": "are not one place"}.get(decision.verdict)
    if verdict is None:
        return Item(f"{at}: the decision on {pair} was withdrawn ({run})")
    return Item(f"{at}: {decision.decided_by or 'somebody'} decided that {pair} {verdict}: “{decision.reason}” ({run})")


def _revision(revision: Revision, story: RestaurantStory, numbered: NumberedChanges) -> Item:
    change = revision.change
    special = {"insert": "it was founded", "remove": "it ended", "restore": "it was restored"}
    identity = (Item(f"{each.field}: {_from_to(each.before, each.after)}") for each in revision.identity)
    fields = (_field_revision(field, story, numbered) for field in revision.fields)
    what = special.get(change.operation, "its record changed")
    run = f"period {change.partition}, run {change.run_id}, sync {change.sync_id}"
    return Item(f"{local_time(change.committed_at)}: {what} ({run})", items=(*identity, *fields))


def _field_revision(revision: FieldRevision, story: RestaurantStory, numbered: NumberedChanges) -> Item:
    provenance = revision.provenance
    if provenance is None:
        return Item(f"{revision.field}: {_from_to(revision.before, None)}: no listing has a value any more")
    is_same = revision.before == provenance.value
    words = f"{value_text(revision.before)}, unchanged" if is_same else _from_to(revision.before, provenance.value)
    if provenance in story.fields:
        return Item(f"{revision.field}: {words}; its source is still the same (above)")
    return Item(f"{revision.field}: {words}", items=tuple(_claims(provenance, numbered)))


def _note(traced: TracedChange) -> Item:
    title = f"{traced.change.table} {traced.change.entity_id}"
    return Item(f"{title} {_change_text(traced)}", items=tuple(_origin(traced.origin)))


def _change_text(traced: TracedChange) -> str:
    change = traced.change
    operation = SUM if change.is_sum else OPERATIONS[change.operation]
    committed = f"committed {local_time(change.committed_at)}"
    run = f"period {change.partition}, run {change.run_id}, sync {change.sync_id}"
    return f"{operation} {local_time(change.observed_at)} ({committed}; {run})"


def _values(traced: TracedChange) -> Iterable[Item]:
    change = traced.change
    has_no_before = change.operation == "insert" or change.is_sum
    for field in change.fields:
        yield Item(
            f"{field.field}: {value_text(field.after) if has_no_before else _from_to(field.before, field.after)}"
        )


def _from_to(before: object, after: object) -> str:
    return f"{value_text(before)} → {value_text(after)}"


def _origin(origin: LandedOrigin | None) -> Iterable[Item]:
    """Where a version is landed, and the responses that it came in."""
    if origin is None:
        return
    yield Item(f"landed in {origin.object}, line {origin.line}")
    yield Item(f"SHA-256 {origin.sha256}: {origin.words}" if origin.sha256 else origin.words)
    for body in origin.bodies:
        etag = f", ETag {body.etag}" if body.etag else ""
        yield Item(
            f"received {local_time(body.fetched_at)} from {body.url}: HTTP {body.status}{etag}, "
            f"{body.size_bytes:,} bytes, SHA-256 as received {body.sha256}"
        )
