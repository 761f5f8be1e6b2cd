"""Replay: a dataset's table as it was at any moment, made from the history alone."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from sync_platform.sources.columns import Column, columns_of
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
    known_before: datetime = END_OF_TIME,
    only: str | None = None,
) -> None:
    """Make the temporary table `into`: the dataset's table as observed `until` then, from `lineage.changes`.

    `known_before` leaves out what was committed then or later: what was known then of how it was `until` then.
    Its columns are the table's; volatile ones are empty, for they are no history. `only`: a relation of source_ids.
    Changes apply in order of observation, then of commit; a column keeps the last value that any change gave it.
    A change that repeats what held already (it was found before an earlier observation became known) counts as none.
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
            SELECT *, row_number() OVER changes AS n, lag(operation) OVER changes AS held_operation,
                lag(content_hash) OVER changes AS held_hash
            FROM {LAKE}.{history}
            WHERE platform = $platform AND dataset = $dataset AND observed_at <= $until
                AND committed_at < $known_before {narrowed}
            WINDOW changes AS (PARTITION BY entity_id ORDER BY observed_at, committed_at)
        ), told AS (
            SELECT *,
                operation <> 'remove' AND (held_operation = 'remove' OR content_hash IS DISTINCT FROM held_hash)
                    AS is_version,
                operation = 'remove' AND held_operation IS DISTINCT FROM 'remove' AS is_end
            FROM ordered
        )
        SELECT entity_id AS source_id, {values},
            arg_max(content_hash, n) FILTER (operation <> 'remove') AS content_hash,
            min(observed_at) FILTER (operation <> 'remove') AS first_seen_at,
            max(observed_at) FILTER (is_version) AS last_changed_at,
            CASE WHEN arg_max(operation, n) = 'remove' THEN max(observed_at) FILTER (is_end) END AS removed_at,
            arg_max(landing_object, n) FILTER (is_version) AS landing_object,
            arg_max(landing_line, n) FILTER (is_version) AS landing_line
        FROM told GROUP BY entity_id""",
        {
            "platform": platform,
            "dataset": dataset.name,
            "until": until,
            "known_before": known_before,
        },
    )


def find_half_told(
    session: duckdb.DuckDBPyConnection,
    history: str,
    platform: str,
    dataset: Dataset,
    into: str,
    *,
    until: datetime,
    only: str,
) -> None:
    """Make the temporary table `into` (source_id): rows that came back after a removal with a change that names some
    columns only, for it was found before the removal was known. The others hold what they were before they left."""
    session.execute(
        f"""CREATE OR REPLACE TEMP TABLE "{into}" AS
        WITH ordered AS (
            SELECT entity_id, operation, row_number() OVER changes AS n FROM {LAKE}.{history}
            WHERE platform = $platform AND dataset = $dataset AND observed_at <= $until
                AND entity_id IN (SELECT source_id FROM {only})
            WINDOW changes AS (PARTITION BY entity_id ORDER BY observed_at, committed_at)
        )
        SELECT entity_id AS source_id FROM ordered GROUP BY entity_id
        HAVING max(n) FILTER (operation = 'remove') > max(n) FILTER (operation IN ('insert', 'restore'))
            AND arg_max(operation, n) <> 'remove'""",
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
