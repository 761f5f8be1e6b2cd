"""Stories and changes as rows of CSV.

What belongs here: the columns and rows of a story. documents/csv.py makes cells safe.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TextIO

from sync_platform.documents.csv import Cells, CsvWriter
from sync_platform.lineage.origin import LandedOrigin
from sync_platform.lineage.provenance import Claim
from sync_platform.lineage.record_story import RecordStory, TracedChange
from sync_platform.lineage.restaurant_story import FieldRevision, RestaurantStory, Revision
from sync_platform.lineage.story_json import CHANGE, RUN

ORIGIN = (
    "landing_object", "landing_line", "object_sha256", "object_state", "manifest", "page_urls", "pages_received_at",
    "page_statuses", "page_sha256s",
)  # fmt: skip
"""Columns of an origin. If a page was made from several responses, their values are separated by spaces."""
EXPORT = (*CHANGE, "changed_fields", "before", "after", "content_hash", *RUN, *ORIGIN)
RECORD = (*CHANGE, "field", "before", "after", *RUN, *ORIGIN)
RESTAURANT = (
    "restaurant_id", "what", "at", "run_id", "partition", "field", "before", "value", "rule", "words", "listing",
    "role", "said", "listing_operation", "listing_observed_at", "listing_committed_at", "listing_run_id", *ORIGIN,
)  # fmt: skip


def write_story_csv(file: TextIO, story: RestaurantStory | RecordStory) -> None:
    """Write a story.

    The story of a record has a row per column of each change. The story of a restaurant has a row per event and, for
    each field of each change of its record, a row per claim.
    """
    if isinstance(story, RecordStory):
        CsvWriter(file, RECORD).add(_record_rows(story))
    else:
        rows = ({"restaurant_id": story.restaurant_id, **row} for row in _restaurant_rows(story))
        CsvWriter(file, RESTAURANT).add(rows)


def export_row(traced: TracedChange) -> Cells:
    """A change as a row of the export."""
    change = traced.change
    values = {"changed_fields": change.changed_fields, "before": change.before or None, "after": change.after or None}
    return {**change.columns(CHANGE), **values, "content_hash": change.content_hash, **_run(traced)}


def _record_rows(story: RecordStory) -> Iterator[Cells]:
    for traced in story.changes:
        row = {**traced.change.columns(CHANGE), **_run(traced)}
        for change in traced.change.fields:
            yield {**row, "field": change.field, "before": change.before, "after": change.after}
        if not traced.change.fields:
            yield row


def _restaurant_rows(story: RestaurantStory) -> Iterator[Cells]:
    for event in story.events:
        words = f"{event.restaurant_id} {event.kind} {event.other_id or ''}".strip()
        row = {"what": "identity", "at": event.at, "run_id": event.run_id, "value": event.kind, "words": words}
        yield {**row, "listing": " ".join(event.listings)}
    for member in story.memberships:
        row = {"what": "listing", "listing": member.listing, "rule": member.decided_by}
        why = member.evidence.words if member.evidence else ""
        came = {"at": member.since, "run_id": member.came_by, "value": "came", "before": member.came_from}
        yield {**row, **came, "words": why}
        if member.until:
            went = f"went {member.went_to or ''}".strip()
            yield {**row, "at": member.until, "run_id": member.went_by, "value": went}
    for decision in story.decisions:
        row = {"what": "decision", "at": decision.at, "run_id": decision.run_id, "value": decision.verdict}
        listings = f"{decision.one} {decision.other}"
        yield {**row, "words": decision.reason, "listing": listings, "said": decision.decided_by}
    for revision in story.revisions:
        yield from _revision_rows(revision)


def _revision_rows(revision: Revision) -> Iterator[Cells]:
    change = revision.change
    row = {"what": change.operation, "at": change.committed_at, "run_id": change.run_id, "partition": change.partition}
    for each in revision.identity:
        yield {**row, "field": each.field, "before": each.before, "value": each.after}
    for field in revision.fields:
        yield from ({**row, **cells} for cells in _field_rows(field))


def _field_rows(field: FieldRevision) -> Iterator[Cells]:
    row: Cells = {"field": field.field, "before": field.before}
    provenance = field.provenance
    if provenance is None:
        yield row
        return
    row |= {"value": provenance.value, "rule": provenance.rule, "words": provenance.words}
    for claim in provenance.sources:
        yield {**row, "role": "heard" if provenance.is_computed else "winner", **_claim(claim)}
    for claim in provenance.others:
        yield {**row, "role": "agrees" if claim.agrees else "loser", **_claim(claim)}


def _claim(claim: Claim) -> Cells:
    row = {"listing": claim.listing, "said": claim.value}
    if claim.source is None:
        return row
    change = claim.source.change
    came = {f"listing_{name}": getattr(change, name) for name in ("operation", "observed_at", "committed_at", "run_id")}
    return {**row, **came, **_origin(claim.source.origin)}


def _run(traced: TracedChange) -> Cells:
    return {**traced.change.columns(RUN), **_origin(traced.origin)}


def _origin(origin: LandedOrigin | None) -> Cells:
    if origin is None:
        return {}
    bodies = origin.bodies
    cells = (
        origin.object, origin.line, origin.sha256, origin.state, origin.manifest,
        " ".join(body.url for body in bodies),
        " ".join(body.fetched_at.isoformat() for body in bodies),
        " ".join(str(body.status) for body in bodies),
        " ".join(body.sha256 for body in bodies),
    )  # fmt: skip
    return dict(zip(ORIGIN, cells, strict=True))
