"""`sync-platform lineage export`: the compliance export, to a file or to standard output."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import Any

from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.lineage.story import history_of
from sync_platform.cli.output import opened
from sync_platform.documents.wording import counted
from sync_platform.errors import UsageError
from sync_platform.lineage.change_export import ExportScope, write_export
from sync_platform.lineage.moment import parse_beginning, parse_moment, require_begun
from sync_platform.platforms import choose, load_platforms
from sync_platform.settings import load_settings
from sync_platform.storage.operation_name import OperationName
from sync_platform.unified.tables import COMPUTED_SCHEMAS


def export_lineage(first: str | None, last: str | None, platform: str | None, out: str, form: Any) -> int:
    """Write the export; 0. UsageError for a wrong span or platform, StorageError where it cannot be written."""
    settings = load_settings()
    platforms = load_platforms(settings.platform_path)
    if platform not in (None, *COMPUTED_SCHEMAS):
        choose(platforms, [platform])
    scope = scope_of(first, last, platform, datetime.now(UTC))
    subject = {"what": "lineage", "from": first, "to": last, "platform": platform, "format": form}
    with (
        audited(settings, OperationName.export, subject) as operation,
        history_of(settings, platforms) as history,
        opened(out) as file,
    ):
        count = write_export(history, scope, form, file, datetime.now(UTC))
        operation.ended("complete", changes=count)
    sys.stderr.write(f"{counted(count, 'change')}\n")
    return OK


def scope_of(first: str | None, last: str | None, platform: str | None, now: datetime) -> ExportScope:
    """The scope that the options name; UsageError for a span that begins in the future or ends before it begins."""
    begin = parse_beginning(first) if first is not None else None
    end = parse_moment(last, "--to") if last is not None else None
    if begin and end and end < begin:
        raise UsageError(f"--from {first} lies after --to {last}")
    if begin and first:
        require_begun(begin, first, "--from", now)
    return ExportScope(begin, end, platform)
