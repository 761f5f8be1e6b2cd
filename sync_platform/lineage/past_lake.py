"""The lake as it was at a moment: by time travel inside the window, replayed from the history beyond it.

A table as of a moment has everything that was committed by that moment, whenever it was observed. In a replayed table
the volatile columns and `stale_since` are empty, because they have no history.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import duckdb
import orjson

from sync_platform.documents.local_time import local_time
from sync_platform.errors import UsageError
from sync_platform.lake.corrected_times import corrected_history
from sync_platform.lake.replay import replay
from sync_platform.lake.schema import schemas_present, table_name
from sync_platform.lake.tracked_table import TrackedTables
from sync_platform.lineage.absent_tables import RUNS, first_commit, not_there_yet, require_present
from sync_platform.lineage.moment import RESOLUTION
from sync_platform.lineage.retention import require_unfolded
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_tables import has_table
from sync_platform.storage.session_memory import with_memory
from sync_platform.storage.temporary_tables import TemporaryTables

REPLAY_MEMORY = "1GB"
THEN = "as_of"
APPEND_ONLY = {("lineage", "batches"): "committed_to", ("sync", "runs"): "committed_at"}
"""Other tables than the history whose rows never change, with the column of the time of commit."""


@dataclass(frozen=True)
class PastLake:
    """A session in which tables are as they were, and a description of how: time travel or replay."""

    session: duckdb.DuckDBPyConnection
    way: str


@contextmanager
def past_lake(lake: Lake, history: str, tables: TrackedTables, moment: datetime, sql: str) -> Iterator[PastLake]:
    """The lake as it was at the moment, for the statement `sql`; if needed, the tables that it names are replayed.

    Raises UsageError for a moment in the future, for one before the first commit, for one at which a table that the
    statement names was not there yet, and for one before the window of time travel if either the statement names a
    table that cannot be replayed, or the history up to the moment is folded.
    """
    with lake.session() as session:
        require_known(session, moment)
    snapshot = _snapshot_at(lake, moment)
    if snapshot is not None:
        with lake.pinned(snapshot) as pinned, pinned.session() as then:
            with lake.session() as session:
                require_present(session, then, tables_named(session, sql), moment)
            yield PastLake(then, f"as of {local_time(moment)}: time travel to snapshot {snapshot}")
        return
    with lake.session() as session, with_memory(session, REPLAY_MEMORY):
        require_unfolded(session, moment)
        session.execute(f"ATTACH ':memory:' AS {THEN}")
        try:
            replayed = _replay_all(session, history, tables, moment, sql)
            yield PastLake(
                session, f"as of {local_time(moment)}: beyond time travel, replayed from {history}: {replayed}"
            )
        finally:
            session.execute(f"USE {LAKE}")
            session.execute(f"DETACH {THEN}")


def require_known(session: duckdb.DuckDBPyConnection, moment: datetime) -> None:
    """UsageError for a moment in the future or before the first commit. The rest of today counts as now."""
    now = datetime.now(UTC)
    if moment > now and day_in_hong_kong(moment) > day_in_hong_kong(now):
        raise UsageError(f"as of {local_time(moment)}: that is in the future; it is {local_time(now)} now")
    if not has_table(session, RUNS):
        raise UsageError(f"as of {local_time(moment)}: nothing is known of that time; no sync is stored yet")
    first = session.execute(f"SELECT min(committed_at) FROM {LAKE}.{RUNS}").fetchone()
    if first and first[0] and moment < first[0]:
        raise UsageError(
            f"as of {local_time(moment)}: nothing is known of that time; the first commit is of {local_time(first[0])}"
        )


def _snapshot_at(lake: Lake, moment: datetime) -> int | None:
    """The snapshot that was current at the moment; None where it is expired."""
    with lake.session() as session:
        row = session.execute(
            f"SELECT max(snapshot_id) FROM ducklake_snapshots('{LAKE}') WHERE snapshot_time <= ?", [moment]
        ).fetchone()
    return row[0] if row else None


def _replay_all(
    session: duckdb.DuckDBPyConnection, history: str, tables: TrackedTables, moment: datetime, sql: str
) -> str:
    """Replay the tables that the statement names into a separate database, and use it; returns their names."""
    wanted = sorted(tables_named(session, sql))
    present = schemas_present(session)
    for catalog, schema, table in wanted:
        if catalog:
            raise UsageError(f"as of {local_time(moment)}: write {schema}.{table}; {catalog} is the current lake")
        session.execute(f'CREATE SCHEMA IF NOT EXISTS {THEN}."{schema}"')
        _create(session, history, tables, present, moment, (schema, table))
    session.execute(f"USE {THEN}")
    return ", ".join(f"{schema}.{table}" for _, schema, table in wanted) or "no table"


def _create(
    session: duckdb.DuckDBPyConnection,
    history: str,
    tables: TrackedTables,
    present: set[str],
    moment: datetime,
    table: tuple[str, str],
) -> None:
    into = f"{THEN}.{table_name(*table)}"
    committed_at = "committed_at" if ".".join(table) == history else APPEND_ONLY.get(table)
    if table in tables and table[0] in present:
        with TemporaryTables(session) as scratch:
            replayed = replay(scratch, history, tables[table], known_before=moment + RESOLUTION)
            session.execute(f"CREATE TABLE {into} AS FROM {replayed}")
        first = first_commit(session, *table)
        if first and moment < first and not session.execute(f"FROM {into} LIMIT 1").fetchall():
            raise not_there_yet(*table, moment, first)
    elif committed_at:
        is_history = ".".join(table) == history
        rows = corrected_history(session, history) if is_history else f"{LAKE}.{table_name(*table)}"
        session.execute(f"CREATE TABLE {into} AS FROM {rows} WHERE {committed_at} <= ?", [moment])
    else:
        raise UsageError(
            f"{'.'.join(table)} cannot be read as of {local_time(moment)}: that is beyond the window of time travel "
            "(TIME_TRAVEL_DAYS), and it cannot be replayed from the history"
        )


def tables_named(session: duckdb.DuckDBPyConnection, sql: str) -> set[tuple[str, str, str]]:
    """Every table that a SELECT names with its schema, as catalog (may be empty), schema and name.

    They are read from the syntax tree that DuckDB's parser makes.
    """
    return {
        (node.get("catalog_name", ""), node["schema_name"], node["table_name"])
        for node in _nodes(_syntax_tree(session, sql))
        if node.get("type") == "BASE_TABLE" and node.get("schema_name")
    }


def is_readable_statement(session: duckdb.DuckDBPyConnection, sql: str) -> bool:
    """True if DuckDB's parser makes a syntax tree of the statement, so that the tables that it names are known."""
    return not _syntax_tree(session, sql).get("error", True)


def _syntax_tree(session: duckdb.DuckDBPyConnection, sql: str) -> dict[str, Any]:
    row = session.execute("SELECT json_serialize_sql($sql)::VARCHAR", {"sql": sql}).fetchall()[0]
    tree: dict[str, Any] = orjson.loads(row[0])
    return tree


def _nodes(tree: Any) -> Iterator[dict[str, Any]]:
    if isinstance(tree, dict):
        yield tree
        tree = list(tree.values())
    if isinstance(tree, list):
        for each in tree:
            yield from _nodes(each)
