"""The record of every restore into a lake in use (`sync.restores`), one row per table that it changed.

What belongs here: the columns of the record, and writing it. Its changes are in the history like those of a sync. A
restore is an observation too (lake/observations.py): what arrives later of an earlier time does not overwrite it.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime

import duckdb

from sync_platform.sources.columns import Column
from sync_platform.storage.lake_connection import LAKE
from sync_platform.storage.lake_tables import has_table

RESTORES = (
    Column("restore_id", "VARCHAR", "Id of the restore: the sync_id of its changes; sorts by time"),
    Column("run_id", "VARCHAR", "Run of the restore: the run_id of its changes"),
    Column("backup_id", "VARCHAR", "Backup that was restored"),
    Column("backup_snapshot", "BIGINT", "Commit in that backup whose rows were restored"),
    Column("conflict", "VARCHAR", "overwrite | merge | skip: what happened to rows that differ"),
    Column("platform", "VARCHAR", "Platform"),
    Column("dataset", "VARCHAR", "Dataset"),
    Column("observed_at", "TIMESTAMPTZ", "Time of its changes (UTC)"),
    Column("committed_at", "TIMESTAMPTZ", "When it was committed (UTC)"),
    Column("inserted", "BIGINT", "Rows that the lake did not have"),
    Column("updated", "BIGINT", "Rows whose content changed"),
    Column("removed", "BIGINT", "Rows that were removed, because they are not live in the backup"),
    Column("restored", "BIGINT", "Rows that had been removed and are live again"),
)


@dataclass(frozen=True)
class RestoreRecord:
    """A row of `sync.restores`."""

    restore_id: str
    run_id: str
    backup_id: str
    backup_snapshot: int
    conflict: str
    platform: str
    dataset: str
    observed_at: datetime
    committed_at: datetime
    inserted: int
    updated: int
    removed: int
    restored: int


def write_restore(session: duckdb.DuckDBPyConnection, record: RestoreRecord) -> None:
    """Append to `sync.restores`, within the caller's transaction."""
    values = asdict(record)
    listed, marks = ", ".join(values), ", ".join(f"${name}" for name in values)
    session.execute(f"INSERT INTO {LAKE}.sync.restores ({listed}) VALUES ({marks})", values)


def restores_of_run(session: duckdb.DuckDBPyConnection, run_id: str) -> list[RestoreRecord]:
    """What a run restored, by table; empty where it has committed nothing."""
    if not has_table(session, "sync.restores"):
        return []
    listed = ", ".join(field.name for field in fields(RestoreRecord))
    query = f"SELECT {listed} FROM {LAKE}.sync.restores WHERE run_id = ? ORDER BY platform, dataset"
    return [RestoreRecord(*row) for row in session.execute(query, [run_id]).fetchall()]
