"""The history of one dataset as a view with typed columns, so that nobody has to parse `before` and `after`.

`openrice.restaurants_history` has one row per change of `openrice.restaurants`: each column of the dataset after the
change, and before it under the name `<column>_before`. A column that a change does not name is empty on both sides.
"""

from __future__ import annotations

import re
from hashlib import sha256

import duckdb

from sync_platform.lake.corrected_times import corrected_history
from sync_platform.lake.restricted_records import has_restricted, is_usable
from sync_platform.lake.schema import CHANGES
from sync_platform.lake.tracked_table import TrackedTable
from sync_platform.sources.columns import Column
from sync_platform.storage.lake_connection import LAKE

ENDING, BEFORE = "_history", "_before"
_LEFT_OUT = ("platform", "dataset", "before", "after", "content_hash")
OF_CHANGE = tuple(column for column in CHANGES if column.name not in _LEFT_OUT)
"""The columns that every such view has before the dataset's own; `entity_id` is named `source_id` there."""


def ensure_history_view(session: duckdb.DuckDBPyConnection, history: str, table: TrackedTable) -> None:
    """Create the view, or replace one whose definition has changed, within the caller's transaction.

    The comment of the view has a digest of its definition, because the catalog stores the SQL in another form.
    """
    query = _query(corrected_history(session, history), table)
    if has_restricted(session):
        own = (f"'{table.schema}'", f"'{table.name}'")
        query += f" AND {is_usable(*own, 'changes.entity_id')}"
    view = f"{table.name}{ENDING}"
    description = f"Every change of {table.schema}.{table.name}, each column before and after it"
    comment = f"{description} (definition {sha256(query.encode()).hexdigest()[:8]})"
    known = session.execute(
        "SELECT comment FROM duckdb_views() WHERE database_name = ? AND schema_name = ? AND view_name = ?",
        [LAKE, table.schema, view],
    ).fetchone()
    if known != (comment,):
        session.execute(f'CREATE OR REPLACE VIEW {LAKE}."{table.schema}"."{view}" AS {query}')
        session.execute(f'COMMENT ON VIEW {LAKE}."{table.schema}"."{view}" IS \'{comment}\'')


def history_meanings(own: dict[str, str]) -> dict[str, str]:
    """The meaning of each column of such a view. `own`: the meanings of the dataset's own columns."""
    meanings = {"source_id" if column.name == "entity_id" else column.name: column.description for column in OF_CHANGE}
    for name, meaning in own.items():
        meanings.setdefault(name, f"{meaning}: after the change")
        meanings.setdefault(f"{name}{BEFORE}", f"{meaning}: before the change")
    return meanings


def _query(history: str, table: TrackedTable) -> str:
    of_change = [
        'entity_id AS "source_id"' if column.name == "entity_id" else f'"{column.name}"' for column in OF_CHANGE
    ]
    own = [
        f'{_typed(side, column)} AS "{column.name}{ending}"'
        for column in table.lasting
        for side, ending in (("after", ""), ("before", BEFORE))
    ]
    changes = re.sub(rf"\b{LAKE}\.(?=\w+\.\w)", "", history)  # the lake may be attached under another name than ours
    return f"""SELECT {", ".join(of_change + own)} FROM {changes} AS changes
        WHERE platform = '{table.schema}' AND dataset = '{table.name}'"""


def _typed(side: str, column: Column) -> str:
    """SQL: the value of a column on one side of a change, in its type."""
    value = f"""{side}->'$."{column.name}"'"""
    if column.sql_type.endswith("[]") or column.sql_type == "JSON":
        return f"CAST({value} AS {column.sql_type})"
    return f"CAST({value}->>'$' AS {column.sql_type})"
