"""Replacement of values in stored rows: an erasure, or a correction, as a commit with its own changes in the history.

The history keeps what it has, so its chain, time travel and replay stay whole. The new form is a change like any other.
It has the time of the row's last change, so that it says nothing new of the source, and every later observation comes
after it. A row that is gone stays gone: its last change is repeated with the new values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import duckdb

from sync_platform.lake.chain import BATCHES, chain_changes, has_chain
from sync_platform.lake.commit_context import CommitContext
from sync_platform.lake.corrected_times import corrected_history
from sync_platform.lake.history import HistoryWriter
from sync_platform.lake.observations import recorded_syncs
from sync_platform.lake.replaced_values import Replacement
from sync_platform.lake.schema import ensure_tables
from sync_platform.lake.tracked_table import TrackedTable, dataset_table
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.sources.period import current_period
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table
from sync_platform.storage.temporary_tables import TemporaryTables


def stored_tables(
    session: duckdb.DuckDBPyConnection, platforms: Mapping[str, Platform]
) -> Iterator[tuple[Platform, Dataset]]:
    """The datasets whose table is in the lake."""
    for platform in platforms.values():
        for dataset in platform.datasets:
            if has_table(session, dataset_table(platform.name, dataset).sql):
                yield platform, dataset


def replace_stored(
    scratch: TemporaryTables, history: str, platform: Platform, dataset: Dataset, new: Replacement, run_id: str
) -> int:
    """Write the changes, chain them, and apply them to the table, within the caller's transaction; how many rows.

    The key of the replacement is the `source_id` of the row.
    """
    session, now = scratch.session, datetime.now(UTC)
    table = dataset_table(platform.name, dataset)
    ensure_tables(session, history, platform.name, dataset)  # a lake of an earlier version has fewer columns
    committed_at = _later_than_all(session, table, now)
    partition = current_period(platform.cadence, committed_at).key
    context = CommitContext(
        platform.name, dataset.name, partition, new_sync_id(now), run_id, committed_at, committed_at
    )
    return _replace(scratch, history, table, new, context)


def _replace(
    scratch: TemporaryTables, history: str, table: TrackedTable, new: Replacement, context: CommitContext
) -> int:
    session, writer, rows = scratch.session, HistoryWriter(scratch, history), new.rows
    renamed = ", ".join(f'f."{name}" AS "new_{name}"' for name in new.columns)
    changing = scratch.create(
        "changing",
        f"""SELECT c.*, {"c.is_past" if table.window else "false"} AS was_past, {renamed},
            f.content_hash AS new_hash, last_observed_at
        FROM {rows} f JOIN {LAKE}.{table.sql} c ON c.source_id = f.key
            JOIN ({_last_observed(session, history, rows)}) h ON h.entity_id = f.key""",
        {"platform": table.schema, "dataset": table.name},
    )
    values = {name: value for name, value in vars(context).items() if name != "observed_at"}
    writer.append(_changes(changing, new.columns), values)
    chain_changes(writer, context, lambda key: None)  # the manifests of its rows were chained with them
    newest = {f'"{name}"': f'"new_{name}"' for name in new.columns} | {
        "content_hash": "CASE WHEN removed_at IS NULL THEN new_hash ELSE content_hash END",
        "last_changed_at": "CASE WHEN removed_at IS NULL THEN last_observed_at ELSE last_changed_at END",
    }
    replaced = ", ".join(f"{value} AS {name}" for name, value in newest.items())
    columns = ", ".join(f'"{column.name}"' for column in table.every_column)
    session.execute(f"DELETE FROM {LAKE}.{table.sql} WHERE source_id IN (SELECT key FROM {rows})")
    session.execute(
        f"""INSERT INTO {LAKE}.{table.sql} BY NAME
        SELECT {columns} FROM (SELECT * REPLACE ({replaced}) FROM {changing}) ORDER BY source_id"""
    )
    return int(session.execute(f"SELECT count(*) FROM {changing}").fetchall()[0][0])


def _last_observed(session: duckdb.DuckDBPyConnection, history: str, rows: str) -> str:
    """SQL: the time of the last change of each row."""
    return f"""SELECT entity_id, max(observed_at) AS last_observed_at FROM {corrected_history(session, history)}
        WHERE platform = $platform AND dataset = $dataset AND entity_id IN (SELECT key FROM {rows}) GROUP BY ALL"""


def _changes(changing: str, columns: Sequence[str]) -> str:
    """SQL: one row of the history for each row that changes."""
    differing = [(name, f'"{name}" IS DISTINCT FROM "new_{name}"') for name in columns]

    def filled(item: str) -> str:
        items = (f"CASE WHEN {differs} THEN {item.format(name=name)} END" for name, differs in differing)
        return f"list_filter([{', '.join(items)}], x -> x IS NOT NULL)"

    def values(prefix: str) -> str:
        entry = f"""{{{{k: '{{name}}', v: to_json("{prefix}{{name}}")}}}}"""
        return f"to_json(map_from_entries({filled(entry)}))"

    is_live = "removed_at IS NULL"
    return f"""SELECT $platform, $dataset, source_id,
        CASE WHEN {is_live} THEN 'update' WHEN was_past THEN 'expire' ELSE 'remove' END,
        {filled("'{name}'")}, {values("")}, {values("new_")},
        CASE WHEN {is_live} THEN new_hash ELSE content_hash END,
        CASE WHEN {is_live} THEN landing_object END, CASE WHEN {is_live} THEN landing_line END,
        $partition, $sync_id, $run_id, last_observed_at, $committed_at
    FROM {changing} ORDER BY source_id"""


def _later_than_all(session: duckdb.DuckDBPyConnection, table: TrackedTable, now: datetime) -> datetime:
    """The time of this commit: later than every other commit of the table, even if the clock was set back."""
    last: list[datetime | None] = [recorded_syncs(session, table.schema, table.name).last_commit]
    if has_chain(session):
        query = f"SELECT max(committed_to) FROM {LAKE}.{BATCHES} WHERE platform = ? AND dataset = ?"
        last += [session.execute(query, [table.schema, table.name]).fetchall()[0][0]]
    return max([now, *(moment + timedelta(microseconds=1) for moment in last if moment)])
