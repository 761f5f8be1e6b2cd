"""The changes between two syncs or two moments: the scope that a person names, and its counts by table.

What belongs here: from words to a scope, and counting. The changes themselves are read by `changes`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import duckdb

from sync_platform.errors import UsageError
from sync_platform.lake.corrected_times import corrected_history
from sync_platform.landing.sync_id import time_of_sync
from sync_platform.lineage.change_export import ExportScope
from sync_platform.lineage.changes import span_condition
from sync_platform.lineage.moment import RESOLUTION, parse_beginning, parse_moment
from sync_platform.storage.lake_connection import LAKE


@dataclass(frozen=True)
class TableChanges:
    """The changes of one table in a span. `fields`: how often each column was changed by updates, most often first.

    `past`: records that the source lists no longer because they lie outside its window. `already_known`: inserted
    records of late syncs that later ones had shown before, so that they are not new.
    """

    table: str
    inserted: int
    updated: int
    removed: int
    past: int
    restored: int
    fields: dict[str, int]
    already_known: int = 0

    @property
    def new(self) -> int:
        return self.inserted - self.already_known

    @property
    def total(self) -> int:
        return self.inserted + self.updated + self.removed + self.past + self.restored


def scope_between(
    session: duckdb.DuckDBPyConnection, since: str, until: str | None, platform: str | None
) -> ExportScope:
    """The changes after the sync `since`, or from that day or moment on; up to `until`, which is included.

    UsageError for a text that is none of these, and for a span that ends before it begins.
    """
    end = end_of_sync(session, since)
    first = end + RESOLUTION if end else parse_beginning(_no_sync_id(since, "--since"), "--since")
    last = None
    if until is not None:
        last = end_of_sync(session, until) or parse_moment(_no_sync_id(until, "--until"), "--until")
    if last and last < first:
        raise UsageError(f"--since {since} lies after --until {until}")
    return ExportScope(first, last, platform)


def end_of_sync(session: duckdb.DuckDBPyConnection, sync_id: str) -> datetime | None:
    """When the last dataset of a sync was committed; None for a text that is no id of a sync."""
    # a sync is recorded again when an earlier one becomes known: its own end is the first record of each dataset
    moment: datetime | None = session.execute(
        f"""SELECT max(first_commit) FROM (
            SELECT min(committed_at) AS first_commit FROM {LAKE}.sync.runs WHERE sync_id = ? GROUP BY dataset)""",
        [sync_id],
    ).fetchall()[0][0]
    return moment


def _no_sync_id(text: str, option: str) -> str:
    """The text. UsageError if it has the form of a sync's id: then there is no such sync."""
    if time_of_sync(text):
        raise UsageError(f"{option} {text}: there is no such sync; sync.runs has their ids")
    return text


def count_changes(session: duckdb.DuckDBPyConnection, history: str, scope: ExportScope) -> list[TableChanges]:
    """The counts of every table that changed in the scope, in order of the name."""
    condition, values = span_condition(scope.first, scope.last, scope.platform)
    changes = f"(FROM {corrected_history(session, history)} {condition})"
    counted = ", ".join(
        f"count(*) FILTER (operation = '{operation}')"
        for operation in ("insert", "update", "remove", "expire", "restore")
    )
    rows = session.execute(
        f"SELECT platform || '.' || dataset, {counted} FROM {changes} GROUP BY ALL ORDER BY 1", values
    ).fetchall()
    fields: dict[str, dict[str, int]] = {}
    for table, field, number in session.execute(
        f"""SELECT platform || '.' || dataset AS name, field, count(*) AS n
        FROM (SELECT platform, dataset, unnest(changed_fields) AS field FROM {changes} WHERE operation = 'update')
        GROUP BY ALL ORDER BY name, n DESC, field""",
        values,
    ).fetchall():
        fields.setdefault(table, {})[field] = number
    known = _already_known(session, scope)
    return [
        TableChanges(table, inserted, updated, removed, past, restored, fields.get(table, {}), known.get(table, 0))
        for table, inserted, updated, removed, past, restored in rows
    ]


def _already_known(session: duckdb.DuckDBPyConnection, scope: ExportScope) -> dict[str, int]:
    """By table, how many inserted records of late syncs were known from later ones; a lake of before has no count."""
    named = "database_name = ? AND schema_name = 'sync' AND table_name = 'runs' AND column_name = 'already_known'"
    if not session.execute(f"SELECT 1 FROM duckdb_columns() WHERE {named}", [LAKE]).fetchall():
        return {}
    condition, values = span_condition(scope.first, scope.last, scope.platform)
    query = f"""SELECT platform || '.' || dataset, sum(already_known)::BIGINT FROM {LAKE}.sync.runs {condition}
        GROUP BY ALL HAVING sum(already_known) > 0"""
    return dict(session.execute(query, values).fetchall())


def count_syncs(session: duckdb.DuckDBPyConnection, scope: ExportScope) -> int:
    """The number of syncs that were committed in the scope, failed ones included."""
    condition, values = span_condition(scope.first, scope.last, scope.platform)
    count: int = session.execute(
        f"SELECT count(DISTINCT sync_id) FROM {LAKE}.sync.runs {condition}", values
    ).fetchall()[0][0]
    return count
