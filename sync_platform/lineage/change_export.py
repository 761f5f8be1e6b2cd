"""The compliance export: every change of a span of time with its origin, written as a stream.

What belongs here: selecting the changes, and writing them in order. The shape of a change is in `story_json` and
`story_csv`.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TextIO

import orjson

from sync_platform.documents.csv import CsvWriter
from sync_platform.lineage.changes import changes_between
from sync_platform.lineage.record_story import StorySources, TracedChange
from sync_platform.lineage.story_csv import EXPORT, export_row
from sync_platform.lineage.story_json import change_json

FORMAT = "sync-platform/lineage-export/1"
Form = Literal["csv", "json"]


@dataclass(frozen=True)
class ExportScope:
    """The changes to export: committed from `first` to `last`, both included, of one platform. None means no limit."""

    first: datetime | None = None
    last: datetime | None = None
    platform: str | None = None


def schema() -> dict[str, Any]:
    """The published JSON Schema of the JSON export (draft 2020-12)."""
    text = importlib.resources.files("sync_platform.lineage").joinpath("export.schema.json").read_bytes()
    document: dict[str, Any] = orjson.loads(text)
    return document


def write_export(history: StorySources, scope: ExportScope, form: Form, file: TextIO, made_at: datetime) -> int:
    """Write the changes of the scope and return their number. Memory does not grow with the number."""
    return WRITERS[form](history, scope, file, made_at)


def _write_csv(history: StorySources, scope: ExportScope, file: TextIO, made_at: datetime) -> int:
    writer, count = CsvWriter(file, EXPORT), 0
    for traced in _traced_changes(history, scope):
        writer.add([export_row(traced)])
        count += 1
    return count


def _write_json(history: StorySources, scope: ExportScope, file: TextIO, made_at: datetime) -> int:
    """Write one JSON object, with one change per line. `count` comes last, so a truncated file is not valid JSON."""
    head = {"format": FORMAT, "made_at": made_at, "from": scope.first, "to": scope.last, "platform": scope.platform}
    file.write(orjson.dumps(head).decode().removesuffix("}") + ',"changes":[')
    count = 0
    for traced in _traced_changes(history, scope):
        file.write(("\n" if count == 0 else ",\n") + orjson.dumps(change_json(traced)).decode())
        count += 1
    file.write(f'\n],"count":{count}}}\n')
    return count


WRITERS: dict[Form, Callable[[StorySources, ExportScope, TextIO, datetime], int]] = {
    "csv": _write_csv,
    "json": _write_json,
}


def _traced_changes(history: StorySources, scope: ExportScope) -> Iterator[TracedChange]:
    for change in changes_between(history.session, history.table, scope.first, scope.last, scope.platform):
        yield history.trace(change)
