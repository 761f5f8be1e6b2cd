"""Replay: a tracked table as it was at any moment, made from the history alone."""

from __future__ import annotations

from datetime import UTC, datetime

from sync_platform.lake.corrected_times import corrected_history
from sync_platform.lake.schema import ENDS
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.sources.columns import Column
from sync_platform.storage.temporary_tables import TemporaryTables

END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)
_IS_GONE = f"arg_max(operation, n) IN {ENDS}"
_KEPT = {
    "content_hash": f"arg_max(content_hash, n) FILTER (operation NOT IN {ENDS})",
    "first_seen_at": f"min(observed_at) FILTER (operation NOT IN {ENDS})",
    "last_changed_at": "max(observed_at) FILTER (is_version)",
    "removed_at": f"CASE WHEN {_IS_GONE} THEN max(observed_at) FILTER (is_end) END",
    "is_past": f"CASE WHEN {_IS_GONE} AND arg_max(operation, n) FILTER (is_end) = 'expire' THEN true END",
    "landing_object": "arg_max(landing_object, n) FILTER (is_version)",
    "landing_line": "arg_max(landing_line, n) FILTER (is_version)",
}
"""SQL: the columns that the lake fills, computed from the changes of a row, numbered `n`."""
_IS_NEW_CONTENT = f"""operation NOT IN {ENDS}
                AND (previous_operation IN {ENDS} OR content_hash IS DISTINCT FROM previous_hash)"""


def replay(
    scratch: TemporaryTables,
    history: str,
    table: TrackedTable,
    *,
    until: datetime = END_OF_TIME,
    known_before: datetime = END_OF_TIME,
    only: str | None = None,
) -> str:
    """Replay the history into a temporary table, and return its name.

    `until`: changes observed later are left out. `known_before`: changes committed at or after it are left out, so the
    result is what the lake knew before that time. `only`: a relation with the keys of the wanted rows. The result has
    the table's columns; volatile columns and staleness have no history and are empty.
    Changes apply in order of observation, then of commit. A column keeps the last value that a change gave it.
    A change of a landed row that repeats the content before it is ignored: it was written before an earlier
    observation arrived.
    """
    values = [f'{_last_value(table, column)} AS "{column.name}"' for column in table.columns]
    values += [f'{_KEPT.get(column.name, f"NULL::{column.sql_type}")} AS "{column.name}"' for column in table.kept]
    narrowed = f"AND entity_id IN (SELECT {table.entity()} FROM {only})" if only else ""
    return scratch.create(
        "replayed",
        f"""WITH ordered AS (
            SELECT *, row_number() OVER changes AS n, lag(operation) OVER changes AS previous_operation,
                lag(content_hash) OVER changes AS previous_hash
            FROM {corrected_history(scratch.session, history)}
            WHERE platform = $platform AND dataset = $dataset AND observed_at <= $until
                AND committed_at < $known_before {narrowed}
            WINDOW changes AS (PARTITION BY entity_id ORDER BY observed_at, committed_at)
        ), marked AS (
            SELECT *, {_IS_NEW_CONTENT if table.is_landed else "true"} AS is_version,
                operation IN {ENDS} AND coalesce(previous_operation NOT IN {ENDS}, true) AS is_end
            FROM ordered
        )
        SELECT {", ".join(values)} FROM marked GROUP BY entity_id""",
        {"platform": table.schema, "dataset": table.name, "until": until, "known_before": known_before},
    )


def find_partly_restored(
    scratch: TemporaryTables, history: str, table: TrackedTable, until: datetime, only: str
) -> str:
    """Make a temporary table of the keys of landed rows that are only partly restored, and return its name.

    Such a row is live after a removal or an expiry by a change that names only some columns, because that change was
    written before the end was known. Its other columns would keep the values from before the end.
    """
    return scratch.create(
        "returning",
        f"""WITH ordered AS (
            SELECT entity_id, operation, row_number() OVER changes AS n
            FROM {corrected_history(scratch.session, history)}
            WHERE platform = $platform AND dataset = $dataset AND observed_at <= $until
                AND entity_id IN (SELECT {table.entity()} FROM {only})
            WINDOW changes AS (PARTITION BY entity_id ORDER BY observed_at, committed_at)
        )
        SELECT entity_id AS {table.key_list} FROM ordered GROUP BY entity_id
        HAVING max(n) FILTER (operation IN {ENDS}) > max(n) FILTER (operation IN ('insert', 'restore'))
            AND arg_max(operation, n) NOT IN {ENDS}""",
        {"platform": table.schema, "dataset": table.name, "until": until},
    )


def _last_value(table: TrackedTable, column: Column) -> str:
    """SQL: the last value of a column, in its type; `arg_max` skips changes that do not name it."""
    if column.name in table.key and column.name not in table.whole:
        return "entity_id"
    if column.name in table.volatile:
        return f"NULL::{column.sql_type}"
    last = f"""arg_max(after->'$."{column.name}"', n)"""
    if column.sql_type.endswith("[]") or column.sql_type == "JSON":
        return f"CAST({last} AS {column.sql_type})"
    return f"CAST({last}->>'$' AS {column.sql_type})"
