"""`sync-platform lineage export`: the compliance export, to a file or to standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from sync_platform.cli.on_record import on_record
from sync_platform.cli.story import history_of
from sync_platform.errors import StorageError, UsageError
from sync_platform.lineage.change_export import ExportScope, write_export
from sync_platform.lineage.moment import parse_beginning, parse_moment
from sync_platform.platforms import choose, load_platforms
from sync_platform.settings import load_settings
from sync_platform.unified.tables import SCHEMA


def export_lineage(first: str | None, last: str | None, platform: str | None, out: str, form: Any) -> int:
    """Write the export; 0. UsageError for a span or a platform that cannot be, or a file that cannot be written."""
    settings = load_settings()
    platforms = load_platforms(settings.platform_path)
    if platform not in (None, SCHEMA):
        choose(platforms, [platform])
    scope = scope_of(first, last, platform)
    subject = {"what": "lineage", "from": first, "to": last, "platform": platform, "format": form}
    with on_record(settings, "export", subject) as act, history_of(settings, platforms) as history, opened(out) as file:
        count = write_export(history, scope, form, file, datetime.now(UTC))
        act.ended("complete", changes=count)
    sys.stderr.write(f"{count:,} changes\n")
    return 0


def scope_of(first: str | None, last: str | None, platform: str | None) -> ExportScope:
    """The scope that the options name; UsageError for one that cannot be."""
    begin = parse_beginning(first) if first else None
    end = parse_moment(last, "--to") if last else None
    if begin and end and end < begin:
        raise UsageError(f"--from {first} lies after --to {last}")
    return ExportScope(begin, end, platform)


@contextmanager
def opened(out: str) -> Iterator[TextIO]:
    """The file, which appears only once it is whole; StorageError where it cannot be written."""
    try:
        with nullcontext(sys.stdout) if out == "-" else _whole_or_none(out) as file:
            yield file
    except OSError as error:
        raise StorageError(f"--out {out}: cannot be written: {error.strerror or error}") from None


@contextmanager
def _whole_or_none(out: str) -> Iterator[TextIO]:
    path = Path(out)
    if path.is_dir() or not path.parent.is_dir():
        raise UsageError(f"--out {out}: it is a folder, or there is no folder that it could stand in")
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        with unfinished.open("w", encoding="utf-8", newline="") as file:
            yield file
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
