"""The compliance export: every change of a span of time with its origin, written as it is read.

What belongs here: what is exported, and the order of writing. The shape of a change is in `document` and `sheet`.
"""

from __future__ import annotations

import importlib.resources
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, TextIO

import orjson

from sync_platform.lineage.changes import changes_between
from sync_platform.lineage.document import change_document
from sync_platform.lineage.record import History, Step
from sync_platform.lineage.sheet import EXPORT, Sheet, export_row

FORMAT = "sync-platform/lineage-export/1"
Form = Literal["csv", "json"]


@dataclass(frozen=True)
class Span:
    """Which changes: committed from `first` to `last`, both included, of one platform; empty: no bound."""

    first: datetime | None = None
    last: datetime | None = None
    platform: str | None = None


def schema() -> dict[str, Any]:
    """The published JSON Schema of the JSON export (draft 2020-12)."""
    text = importlib.resources.files("sync_platform.lineage").joinpath("export.schema.json").read_bytes()
    found: dict[str, Any] = orjson.loads(text)
    return found


def write_export(history: History, span: Span, form: Form, file: TextIO, made_at: datetime) -> int:
    """Write the changes of a span; how many there are. Memory does not grow with them."""
    return WRITERS[form](history, span, file, made_at)


def _write_csv(history: History, span: Span, file: TextIO, made_at: datetime) -> int:
    sheet, count = Sheet(file, EXPORT), 0
    for step in _steps(history, span):
        sheet.add([export_row(step)])
        count += 1
    return count


def _write_json(history: History, span: Span, file: TextIO, made_at: datetime) -> int:
    """One document, a change a line. `count` comes last, so that a file that was cut off is no document at all."""
    head = {"format": FORMAT, "made_at": made_at, "from": span.first, "to": span.last, "platform": span.platform}
    file.write(orjson.dumps(head).decode().removesuffix("}") + ',"changes":[')
    count = 0
    for step in _steps(history, span):
        file.write(("\n" if count == 0 else ",\n") + orjson.dumps(change_document(step)).decode())
        count += 1
    file.write(f'\n],"count":{count}}}\n')
    return count


WRITERS: dict[Form, Callable[[History, Span, TextIO, datetime], int]] = {"csv": _write_csv, "json": _write_json}


def _steps(history: History, span: Span) -> Iterator[Step]:
    for change in changes_between(history.session, history.table, span.first, span.last, span.platform):
        yield history.step(change)
