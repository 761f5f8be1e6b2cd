"""Maintenance of the lake: expires old snapshots, compacts files, and deletes files that no snapshot needs.

The content of every table in the newest snapshot must be the same before and after; digests check this. No file is
deleted that is younger than a day: a query may still read it, or its writer may not have committed yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import PurePosixPath
from typing import Any

import duckdb

from sync_platform.errors import StorageError
from sync_platform.lake.compaction import (
    CATALOG,
    LakeTable,
    TableFiles,
    compact_table,
    list_tables,
    newest_snapshot,
    table_files,
)
from sync_platform.lake.digest import Digest, digest_table
from sync_platform.lake.transaction import in_one_transaction
from sync_platform.storage.lake_connection import LAKE, Lake

IN_USE = timedelta(days=1)
"""How long a file is kept after the last snapshot that needs it expires, and after it was written."""


@dataclass(frozen=True)
class MaintenancePlan:
    """The maintenance that is due: files by table, snapshots to expire, and paths of files to delete."""

    tables: dict[str, TableFiles]
    snapshots: list[int]
    unneeded: list[str]
    orphaned: list[str]

    def document(self) -> dict[str, Any]:
        return {
            "tables": {table: asdict(files) for table, files in self.tables.items()},
            "snapshots_to_expire": self.snapshots,
            "unneeded_files": self.unneeded,
            "orphaned_files": self.orphaned,
        }


@dataclass
class MaintenanceReport:
    """The maintenance that was done: files by table before and after, snapshots expired, and files deleted."""

    before: dict[str, TableFiles] = field(default_factory=dict)
    after: dict[str, TableFiles] = field(default_factory=dict)
    snapshots_expired: int = 0
    unneeded_deleted: int = 0
    orphaned_deleted: int = 0

    def document(self) -> dict[str, Any]:
        return {
            "tables": {
                table: {
                    "files_before": before.count,
                    "files_after": self.after[table].count,
                    "bytes_before": before.size_bytes,
                    "bytes_after": self.after[table].size_bytes,
                }
                for table, before in self.before.items()
            },
            "snapshots_expired": self.snapshots_expired,
            "unneeded_files_deleted": self.unneeded_deleted,
            "orphaned_files_deleted": self.orphaned_deleted,
        }


def plan_maintenance(lake: Lake, time_travel_days: int, now: datetime) -> MaintenancePlan:
    """Plan what `maintain` would do. Files that become unneeded only through its compaction are not listed."""
    with lake.session() as session:
        return MaintenancePlan(
            {str(table): table_files(session, table) for table in list_tables(session)},
            outdated_snapshots(session, time_travel_days, now),
            _due(session, "ducklake_cleanup_old_files", now),
            _due(session, "ducklake_delete_orphaned_files", now),
        )


def maintain(
    lake: Lake, time_travel_days: int, now: datetime, run_id: str, between: Callable[[], None] = lambda: None
) -> MaintenanceReport:
    """Do the maintenance that is due. Every moment of the last `time_travel_days` stays readable.

    `between` is called between steps, and may raise to stop. After a kill at any point, a repeat continues from there.
    Raises StorageError naming the table whose content changed, or a file that was to be deleted and is still needed.
    """
    report = MaintenanceReport()
    with lake.session() as session:
        tables = list_tables(session)
        start = newest_snapshot(session)
        expected = _digests(session, tables, start)
        between()
        report.snapshots_expired = _expire(lake, session, time_travel_days, now)
        for table in tables:
            between()
            report.before[str(table)], report.after[str(table)] = compact_table(lake, table, run_id)
        between()
        report.unneeded_deleted = _delete(lake, session, "ducklake_cleanup_old_files", now)
        report.orphaned_deleted = _delete(lake, session, "ducklake_delete_orphaned_files", now)
        digests = _digests(session, tables, start)
    for table in tables:
        if digests[table] != expected[table]:
            raise StorageError(
                f"maintenance changed the content of {table}: snapshot {start} had {expected[table]}, "
                f"has {digests[table]}; restore the lake from its backup"
            )
    return report


def _digests(session: duckdb.DuckDBPyConnection, tables: list[LakeTable], snapshot: int) -> dict[LakeTable, Digest]:
    return {table: digest_table(session, table.sql, snapshot) for table in tables}


def outdated_snapshots(session: duckdb.DuckDBPyConnection, time_travel_days: int, now: datetime) -> list[int]:
    """Snapshots before the time travel window: all before the snapshot that was current when the window begins."""
    rows = session.execute(
        f"""SELECT snapshot_id FROM ducklake_snapshots('{LAKE}') WHERE snapshot_id <
            (SELECT max(snapshot_id) FROM ducklake_snapshots('{LAKE}') WHERE snapshot_time <= $begins)
        ORDER BY ALL""",
        {"begins": now - timedelta(days=time_travel_days)},
    ).fetchall()
    return [snapshot for (snapshot,) in rows]


def _expire(lake: Lake, session: duckdb.DuckDBPyConnection, time_travel_days: int, now: datetime) -> int:
    outdated = outdated_snapshots(session, time_travel_days, now)
    if outdated:
        call = f"CALL ducklake_expire_snapshots('{LAKE}', versions => $versions)"
        in_one_transaction(lake, session, lambda: session.execute(call, {"versions": outdated}).fetchall())
    return len(outdated)


def _due(session: duckdb.DuckDBPyConnection, function: str, now: datetime) -> list[str]:
    """The paths that a DuckLake function would delete; StorageError if one of them is still needed.

    DuckLake compares paths as text: if the data folder's path is written in two ways, it sees every file as an orphan.
    """
    listed = session.execute(
        f"CALL {function}('{LAKE}', older_than => $before, dry_run => true)", {"before": now - IN_USE}
    ).fetchall()
    needed = session.execute(
        f"SELECT path FROM {CATALOG}.ducklake_data_file UNION ALL SELECT path FROM {CATALOG}.ducklake_delete_file"
    ).fetchall()
    names = {PurePosixPath(path).name for (path,) in needed}
    for (path,) in listed:
        if PurePosixPath(path).name in names:
            raise StorageError(f"{function} would delete {path}, which the lake needs: nothing was deleted")
    return [path for (path,) in listed]


def _delete(lake: Lake, session: duckdb.DuckDBPyConnection, function: str, now: datetime) -> int:
    due = _due(session, function, now)
    if due:
        call = f"CALL {function}('{LAKE}', older_than => $before)"
        in_one_transaction(lake, session, lambda: session.execute(call, {"before": now - IN_USE}).fetchall())
    return len(due)
