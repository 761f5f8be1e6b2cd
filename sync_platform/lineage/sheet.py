"""Stories and changes as CSV that is safe to open in a spreadsheet.

A cell that a spreadsheet might take for a formula gets an apostrophe before it, as OWASP advises (CSV Injection:
owasp.org/www-community/attacks/CSV_Injection), and so does a cell that begins with one already: a program that takes
one apostrophe away from every cell that begins with one reads exactly what was written.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any, TextIO

import orjson

from sync_platform.lineage.changes import Change
from sync_platform.lineage.origin import Origin
from sync_platform.lineage.record import RecordStory, Step
from sync_platform.lineage.restaurant import RestaurantStory, Revision, Turn
from sync_platform.lineage.verdicts import Voice

MARK = "'"
DANGEROUS = (*"=+-@\t\r\n", *"＝＋－＠", MARK)
"""What a formula may begin with, in a spreadsheet of any language."""
CHANGE = ("platform", "dataset", "entity_id", "operation")
RUN = ("partition", "sync_id", "run_id", "observed_at", "committed_at")
ORIGIN = (
    "landing_object", "landing_line", "object_sha256", "object_state", "manifest", "page_urls", "pages_received_at",
    "page_statuses", "page_sha256s",
)  # fmt: skip
"""Columns of an origin; several pages' are separated by spaces."""
EXPORT = (*CHANGE, "changed_fields", "before", "after", "content_hash", *RUN, *ORIGIN)
RECORD = (*CHANGE, "field", "before", "after", *RUN, *ORIGIN)
RESTAURANT = (
    "restaurant_id", "what", "at", "run_id", "partition", "field", "before", "value", "rule", "words", "listing",
    "role", "said", "listing_operation", "listing_observed_at", "listing_committed_at", "listing_run_id", *ORIGIN,
)  # fmt: skip
Cells = dict[str, Any]


class Sheet:
    """Rows into a CSV file, cell by cell made safe."""

    def __init__(self, file: TextIO, columns: tuple[str, ...]) -> None:
        self._writer = csv.DictWriter(file, columns, restval="")  # lines end as RFC 4180 says
        self._writer.writeheader()

    def add(self, rows: Iterable[Cells]) -> None:
        self._writer.writerows({name: safe(text_of(value)) for name, value in row.items()} for row in rows)


def safe(text: str) -> str:
    """The cell as it may stand in a spreadsheet."""
    return MARK + text if text.startswith(DANGEROUS) else text


def unsafe(text: str) -> str:
    """What the cell was: the other way round."""
    return text.removeprefix(MARK)


def text_of(value: Any) -> str:
    """A value as a cell: texts and numbers as they are, times in ISO 8601, JSON for what has parts."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list | tuple | bool):
        return orjson.dumps(value).decode()
    return value.isoformat() if hasattr(value, "isoformat") else str(value)


def write_story(file: TextIO, story: RestaurantStory | RecordStory) -> None:
    """A record's story: a row per column of each change. A restaurant's: a row per event, and for each field of each
    change of its record one per listing that was heard."""
    if isinstance(story, RecordStory):
        Sheet(file, RECORD).add(_record_rows(story))
    else:
        Sheet(file, RESTAURANT).add({"restaurant_id": story.restaurant_id, **row} for row in _restaurant_rows(story))


def export_row(step: Step) -> Cells:
    """A change as the export has it."""
    change = step.change
    values = {"changed_fields": change.changed_fields, "before": change.before or None, "after": change.after or None}
    return {**_named(change, CHANGE), **values, "content_hash": change.content_hash, **_run(step)}


def _record_rows(story: RecordStory) -> Iterator[Cells]:
    for step in story.steps:
        own = {**_named(step.change, CHANGE), **_run(step)}
        for each in step.change.fields:
            yield {**own, "field": each.field, "before": each.before, "after": each.after}
        if not step.change.fields:
            yield own


def _restaurant_rows(story: RestaurantStory) -> Iterator[Cells]:
    for turning in story.turnings:
        words = f"{turning.restaurant_id} {turning.kind} {turning.other_id or ''}".strip()
        told = {"what": "identity", "at": turning.at, "run_id": turning.run_id, "value": turning.kind, "words": words}
        yield {**told, "listing": " ".join(turning.listings)}
    for stay in story.stays:
        own = {"what": "listing", "listing": stay.listing, "rule": stay.decided_by}
        why = stay.evidence.words if stay.evidence else ""
        yield {**own, "at": stay.since, "run_id": stay.came_by, "value": "came", "before": stay.came_from, "words": why}
        if stay.until:
            yield {**own, "at": stay.until, "run_id": stay.went_by, "value": f"went {stay.went_to or ''}".strip()}
    for said in story.said:
        told = {"what": "decision", "at": said.at, "run_id": said.run_id, "value": said.verdict, "words": said.reason}
        yield {**told, "listing": f"{said.one} {said.other}", "said": said.decided_by}
    for revision in story.revisions:
        yield from _revision_rows(revision)


def _revision_rows(revision: Revision) -> Iterator[Cells]:
    change = revision.change
    own = {"what": change.operation, "at": change.committed_at, "run_id": change.run_id, "partition": change.partition}
    for each in revision.identity:
        yield {**own, "field": each.field, "before": each.before, "value": each.after}
    for turn in revision.turns:
        yield from ({**own, **row} for row in _turn_rows(turn))


def _turn_rows(turn: Turn) -> Iterator[Cells]:
    told: Cells = {"field": turn.field, "before": turn.before}
    if turn.verdict is None:
        yield told
        return
    told |= {"value": turn.verdict.value, "rule": turn.verdict.rule, "words": turn.verdict.words}
    for voice in turn.verdict.said_by:
        role = "winner" if turn.verdict.rule not in ("standing", "together") else "heard"
        yield {**told, "role": role, **_voice(voice)}
    for voice in turn.verdict.others:
        yield {**told, "role": "agrees" if voice.agrees else "loser", **_voice(voice)}


def _voice(voice: Voice) -> Cells:
    told = {"listing": voice.listing, "said": voice.value}
    if voice.step is None:
        return told
    change = voice.step.change
    came = {f"listing_{name}": getattr(change, name) for name in ("operation", "observed_at", "committed_at", "run_id")}
    return {**told, **came, **_origin(voice.step.origin)}


def _run(step: Step) -> Cells:
    return {**_named(step.change, RUN), **_origin(step.origin)}


def _named(change: Change, names: Iterable[str]) -> Cells:
    return {name: getattr(change, name) for name in names}


def _origin(origin: Origin | None) -> Cells:
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
