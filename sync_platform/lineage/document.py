"""Stories and changes as documents for programs: plain dicts, as JSON has them.

What belongs here: the shape of JSON. That of a change is published: `changes.schema.json`, docs/lineage-export.md.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec

from sync_platform.lineage.changes import Change
from sync_platform.lineage.origin import Origin
from sync_platform.lineage.record import RecordStory, Step
from sync_platform.lineage.restaurant import RestaurantStory, Revision
from sync_platform.lineage.telling import Notes
from sync_platform.lineage.verdicts import Verdict, Voice

Document = dict[str, Any]


def change_document(step: Step) -> Document:
    """A change with its origin, as the export has it."""
    change = step.change
    return {
        "platform": change.platform,
        "dataset": change.dataset,
        "entity_id": change.entity_id,
        "operation": change.operation,
        "changed_fields": list(change.changed_fields),
        "before": change.before or None,
        "after": change.after or None,
        "content_hash": change.content_hash,
        "partition": change.partition,
        "sync_id": change.sync_id,
        "run_id": change.run_id,
        "observed_at": change.observed_at,
        "committed_at": change.committed_at,
        "origin": _origin(step.origin),
    }


def story_document(story: RestaurantStory | RecordStory) -> Document:
    """A story. In a restaurant's, `changes` are the listings' changes that voices refer to, by number from 1."""
    return _restaurant(story) if isinstance(story, RestaurantStory) else _record(story)


def _record(story: RecordStory) -> Document:
    return {
        "platform": story.platform,
        "dataset": story.dataset,
        "source_id": story.source_id,
        "as_of": story.as_of,
        "field": story.field,
        "changes": [change_document(step) for step in story.steps],
    }


def _restaurant(story: RestaurantStory) -> Document:
    notes = Notes()
    fields = [_verdict(verdict, notes) for verdict in story.fields]
    revisions = [_revision(revision, notes) for revision in story.revisions]
    return {
        "restaurant_id": story.restaurant_id,
        "asked": story.asked,
        "merged_through": list(story.merged_through),
        "as_of": story.as_of,
        "field": story.field,
        "has_ended": story.has_ended,
        "fields": fields,
        "identity": [asdict(turning) for turning in story.turnings],
        "listings": [asdict(stay) for stay in story.stays],
        "decisions": [asdict(said) for said in story.said],
        "revisions": revisions,
        "changes": [{"number": number, **change_document(step)} for number, step in enumerate(notes.steps, 1)],
    }


def _verdict(verdict: Verdict, notes: Notes) -> Document:
    return {
        "field": verdict.field,
        "value": verdict.value,
        "rule": verdict.rule,
        "words": verdict.words,
        "said_by": [_voice(voice, notes) for voice in verdict.said_by],
        "others": [_voice(voice, notes) for voice in verdict.others],
    }


def _voice(voice: Voice, notes: Notes) -> Document:
    number = notes.number(voice.step)
    told = {"listing": voice.listing, "value": voice.value, "agrees": voice.agrees}
    return {**told, "change": number[0] if number else None}


def _revision(revision: Revision, notes: Notes) -> Document:
    return {
        **_when(revision.change),
        "identity": [asdict(each) for each in revision.identity],
        "fields": [
            {
                "field": turn.field,
                "before": turn.before,
                "verdict": _verdict(turn.verdict, notes) if turn.verdict else None,
            }
            for turn in revision.turns
        ],
    }


def _when(change: Change) -> Document:
    names = ("operation", "partition", "sync_id", "run_id", "observed_at", "committed_at")
    return {name: getattr(change, name) for name in names}


def _origin(origin: Origin | None) -> Document | None:
    if origin is None:
        return None
    return {
        "object": origin.object,
        "line": origin.line,
        "object_sha256": origin.sha256,
        "state": origin.state,
        "manifest": origin.manifest,
        "pages": [msgspec.structs.asdict(body) for body in origin.bodies],
    }
