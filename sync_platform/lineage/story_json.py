"""Stories and changes for programs: dicts with the keys of the JSON output.

What belongs here: the shape of that JSON. The shape of a change is published in docs/lineage-export.schema.json.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec

from sync_platform.lineage.origin import LandedOrigin
from sync_platform.lineage.provenance import Claim, FieldProvenance
from sync_platform.lineage.record_story import NumberedChanges, RecordStory, TracedChange
from sync_platform.lineage.restaurant_story import RestaurantStory, Revision

Json = dict[str, Any]
CHANGE = ("platform", "dataset", "entity_id", "operation")
RUN = ("partition", "sync_id", "run_id", "observed_at", "committed_at")


def change_json(traced: TracedChange) -> Json:
    """A change with its origin, as in the export."""
    change = traced.change
    return {
        **change.columns(CHANGE),
        "changed_fields": list(change.changed_fields),
        "before": change.before or None,
        "after": change.after or None,
        **change.columns(("content_hash", *RUN)),
        "origin": _origin(traced.origin),
    }


def story_json(story: RestaurantStory | RecordStory) -> Json:
    """A story. In a restaurant's story, claims refer by number, from 1, to the listings' changes in `changes`."""
    return _restaurant(story) if isinstance(story, RestaurantStory) else _record(story)


def _record(story: RecordStory) -> Json:
    return {
        "platform": story.platform,
        "dataset": story.dataset,
        "source_id": story.source_id,
        "as_of": story.as_of,
        "field": story.field,
        "changes": [change_json(traced) for traced in story.changes],
    }


def _restaurant(story: RestaurantStory) -> Json:
    numbered = NumberedChanges()
    fields = [_provenance(provenance, numbered) for provenance in story.fields]
    revisions = [_revision(revision, numbered) for revision in story.revisions]
    return {
        "restaurant_id": story.restaurant_id,
        "asked": story.asked,
        "merged_through": list(story.merged_through),
        "as_of": story.as_of,
        "field": story.field,
        "has_ended": story.has_ended,
        "fields": fields,
        "identity": [asdict(event) for event in story.events],
        "listings": [asdict(membership) for membership in story.memberships],
        "decisions": [asdict(decision) for decision in story.decisions],
        "revisions": revisions,
        "changes": [{"number": number, **change_json(change)} for number, change in enumerate(numbered.changes, 1)],
    }


def _provenance(provenance: FieldProvenance, numbered: NumberedChanges) -> Json:
    return {
        "field": provenance.field,
        "value": provenance.value,
        "rule": provenance.rule,
        "words": provenance.words,
        "said_by": [_claim(claim, numbered) for claim in provenance.sources],
        "others": [_claim(claim, numbered) for claim in provenance.others],
    }


def _claim(claim: Claim, numbered: NumberedChanges) -> Json:
    number = numbered.number(claim.source)
    return {"listing": claim.listing, "value": claim.value, "agrees": claim.agrees, "change": number}


def _revision(revision: Revision, numbered: NumberedChanges) -> Json:
    return {
        **revision.change.columns(("operation", *RUN)),
        "identity": [asdict(change) for change in revision.identity],
        "fields": [
            {
                "field": field.field,
                "before": field.before,
                "verdict": _provenance(field.provenance, numbered) if field.provenance else None,
            }
            for field in revision.fields
        ],
    }


def _origin(origin: LandedOrigin | None) -> Json | None:
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
