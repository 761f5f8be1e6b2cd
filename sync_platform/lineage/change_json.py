"""What changed in a span, for programs: one JSON document that is written as a stream.

What belongs here: the shape of that JSON, which sync_platform/cli/lineage/changes.schema.json publishes.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any, TextIO

import orjson

from sync_platform.lineage.change_difference import LakeDifference
from sync_platform.lineage.changes import Change

FORMAT = "sync-platform/changes/1"
BEFORE_FIELDS = ("platform", "dataset", "entity_id", "operation")
AFTER_FIELDS = (
    "landing_object",
    "landing_line",
    "partition",
    "sync_id",
    "run_id",
    "observed_at",
    "committed_at",
)


def write_changes(difference: LakeDifference, file: TextIO, made_at: datetime) -> None:
    """Write one JSON object, with one change per line. `count` comes last, so a truncated file is not valid JSON."""
    scope = difference.scope
    head = {
        "format": FORMAT,
        "made_at": made_at,
        "since": scope.first,
        "until": scope.last,
        "platform": scope.platform,
        "tables": [asdict(table_changes) for table_changes in difference.counts],
        "total": difference.total,
    }
    file.write(orjson.dumps(head).decode().removesuffix("}") + ',"changes":[')
    count = 0
    for change in difference.changes():
        file.write(("\n" if count == 0 else ",\n") + orjson.dumps(_change(change)).decode())
        count += 1
    file.write(f'\n],"count":{count}}}\n')


def _change(change: Change) -> dict[str, Any]:
    return {
        **change.columns(BEFORE_FIELDS),
        "fields": [asdict(field) for field in change.fields],
        **change.columns(AFTER_FIELDS),
    }
