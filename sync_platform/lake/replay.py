"""Replay: a dataset's table as it was at any moment, made from the history alone."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from sync_platform.lake.schema import Column, columns_of
from sync_platform.sources.declaration import Dataset
from sync_platform.storage.lake_connection import LAKE

END_OF_TIME = datetime(9999, 12, 31, tzinfo=UTC)


def replay(
    session: duckdb.DuckDBPyConnection,
    history: str,
    platform: str,
    dataset: Dataset,
    into: str,
    *,
    until: datetime = END_OF_TIME,
    only: str | None = None,
) -> None:
    """Make the temporary table `into`: the dataset's table as observed `until` then, from `lineage.changes`.

    Its columns are the table's; volatile ones are empty, for they are no history. `only`: a relation of source_ids.
    Changes apply in order of observation, then of commit; a column keeps the last value that any change gave it.
    """
    values = ",\n".join(
        f'{_typed(column, dataset)} AS "{column.name}"'
        for column in columns_of(dataset.row)
        if column.name != "source_id"
    )
    narrowed = f"AND entity_id IN (SELECT source_id FROM {only})" if only else ""
    session.execute(
        f"""CREATE OR REPLACE TEMP TABLE "{into}" AS
        WITH ordered AS (
            SELECT *, row_number() OVER (PARTITION BY entity_id ORDER BY observed_at, committed_at) AS n
            FROM {LAKE}.{history}
            WHERE platform = $platform AND dataset = $dataset AND observed_at <= $until {narrowed}
        )
        SELECT entity_id AS source_id, {values},
            arg_max(content_hash, n) AS content_hash,
            min(observed_at) AS first_seen_at,
            max(observed_at) FILTER (operation <> 'remove') AS last_changed_at,
            CASE WHEN arg_max(operation, n) = 'remove' THEN arg_max(observed_at, n) END AS removed_at,
            arg_max(landing_object, n) AS landing_object,
            arg_max(landing_line, n) AS landing_line
        FROM ordered GROUP BY entity_id""",
        {"platform": platform, "dataset": dataset.name, "until": until},
    )


def _typed(column: Column, dataset: Dataset) -> str:
    """The last JSON value of a column, in the column's type; `arg_max` passes over changes that do not name it."""
    if column.name in dataset.volatile:
        return f"NULL::{column.sql_type}"
    last = f"""arg_max(after->'$."{column.name}"', n)"""
    if column.sql_type.endswith("[]"):
        return f"CAST({last} AS {column.sql_type})"
    return f"CAST({last}->>'$' AS {column.sql_type})"
