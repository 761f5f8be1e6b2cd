"""Dagster's own records of runs that ended: which are old, which still decide what the UI shows, and their deletion.

Dagster has no public way for this: `delete_run` deletes the materialisations of a run too, and with them the state of
its partitions. Here the tables of its storage are used, so this works with the version CHECKED_IN only
(dagster_internals.py), and refuses every other one. On an upgrade, compare these with the new version:

- `runs` and `run_tags` of `SqlRunStorage`: `run_id`, `status`, `end_time` (seconds since 1970), `update_timestamp`.
- `event_logs` of `SqlEventLogStorage`: one table, or with SQLite one file for each run and an index with a copy of
  the events of assets, of checks and of the state of runs. The UI reads assets, partitions and checks from the index.
- `asset_check_executions`: the result of each check, with its event.
- `build_failed_and_in_progress_partition_subset`: a partition has failed if its newest event is a planned
  materialisation of a failed run. Without the row of that run, Dagster shows the partition as never tried.
- `ComputeLogManager.delete_logs`: deletes the captured output of a run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.instance.ref import InstanceRef
from dagster._core.storage.compute_log_manager import ComputeLogManager
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log import SqlEventLogStorage
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, SqlEventLogStorageTable
from dagster._core.storage.noop_compute_log_manager import NoOpComputeLogManager
from dagster._core.storage.runs.schema import RunsTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

from sync_platform.defs.dagster_internals import CHECKED_IN
from sync_platform.errors import StorageError

KEPT_EVENTS = sorted(each.value for each in ASSET_EVENTS | ASSET_CHECK_EVENTS)
PLANNED, MATERIALIZED = "ASSET_MATERIALIZATION_PLANNED", "ASSET_MATERIALIZATION"
FAILED = dg.DagsterRunStatus.FAILURE.value
AT_ONCE = 500
"""How many runs one statement names."""
BUSY_S = 60.0
"""How long another process may use a database before this gives up."""
SHARD_FILES = ("", "-wal", "-shm")
"""What the names of the files of one SQLite database end in."""


class DagsterStorage:
    """The storage of an instance. StorageError for another version of Dagster, or another kind of storage."""

    def __init__(self, instance: dg.DagsterInstance) -> None:
        _require_checked_version()
        events, runs = instance.event_log_storage, instance.run_storage
        if not isinstance(events, SqlEventLogStorage) or not isinstance(runs, SqlRunStorage):
            raise StorageError(
                f"Dagster's records are in {type(events).__name__}, which is no SQL storage of Dagster: nothing was "
                "deleted from them"
            )
        self._instance, self._events, self._runs = instance, events, runs

    def ended_runs(self, before: datetime) -> dict[str, str]:
        """The status of each run that ended before that time, by its id, the oldest first."""
        at = before.astimezone(UTC)
        has_ended = RunsTable.c.status.in_([status.value for status in FINISHED_STATUSES])
        is_old = sa.or_(
            RunsTable.c.end_time < at.timestamp(),
            sa.and_(RunsTable.c.end_time.is_(None), RunsTable.c.update_timestamp < at.replace(tzinfo=None)),
        )
        wanted = sa.select(RunsTable.c.run_id, RunsTable.c.status).where(has_ended, is_old).order_by(RunsTable.c.id)
        with self._runs.connect() as connection:
            return {row.run_id: row.status for row in connection.execute(wanted)}

    def deciding_runs(self) -> set[str]:
        """The runs whose failure is what the UI shows of a partition, an asset or a check, until a newer run."""
        planned, checks = _newest_planned(), _newest_planned_checks()
        with self._events.index_connection() as connection:
            return {row.run_id for wanted in (planned, checks) for row in connection.execute(wanted)}

    def runs_with_logs(self, runs: Iterable[str]) -> set[str]:
        """Those of the runs that have event logs."""
        if self._events.is_run_sharded:
            return {run for run in runs if _has_events(self._shard(run))}
        table = SqlEventLogStorageTable
        run_ids: set[str] = set()
        with self._events.index_connection() as connection:
            for some in _in_parts(runs):
                wanted = sa.select(table.c.run_id).where(table.c.run_id.in_(some), _is_log()).distinct()
                run_ids |= {row.run_id for row in connection.execute(wanted)}
        return run_ids

    def logs_without_run(self, before: datetime) -> list[str]:
        """The runs that somebody has deleted, and of which a file with events is left; it was written before then."""
        if not self._events.is_run_sharded:
            return []
        shards = [shard for shard in self._shards() if self._written_at(shard) < before.timestamp()]
        with self._runs.connect() as connection:
            for some in _in_parts(list(shards)):
                known = connection.execute(sa.select(RunsTable.c.run_id).where(RunsTable.c.run_id.in_(some)))
                present = {row.run_id for row in known}
                shards = [each for each in shards if each not in present]
        return shards

    def empty_logs(self, runs: Sequence[str]) -> None:
        """Delete the logs of runs whose rows stay. Their files stay, empty, because a process may have them in use."""
        self._delete_outside_shards(runs)
        if self._events.is_run_sharded:
            for run in runs:
                _delete_events(self._shard(run))

    def delete_logs(self, runs: Sequence[str]) -> int:
        """Delete the event logs and the captured output of these runs, and keep the events of assets and checks.

        Returns how many bytes of files were deleted.
        """
        self._delete_outside_shards(runs)
        return sum(self._delete_shard(run) for run in runs) if self._events.is_run_sharded else 0

    def _delete_outside_shards(self, runs: Sequence[str]) -> None:
        output = _compute_logs(self._instance)
        for run in runs:
            output.delete_logs(prefix=[run])
        table = SqlEventLogStorageTable
        with self._events.index_connection() as connection:
            for some in _in_parts(runs):
                connection.execute(sa.delete(table).where(table.c.run_id.in_(some), _is_log()))

    def delete_runs(self, runs: Iterable[str]) -> None:
        """Delete the rows of these runs, with their tags. Their logs are deleted before: a repeat finds the rest."""
        for run in runs:
            self._runs.delete_run(run)

    def _shards(self) -> list[str]:
        folder = self._shard("index").parent
        return sorted(file.stem for file in folder.glob("[!.]*.db") if file.stem != "index")

    def _shard(self, run: str) -> Path:
        storage: Any = self._events
        return Path(storage.path_for_shard(run))

    def _written_at(self, run: str) -> float:
        return max((file.stat().st_mtime for file in self._files(run)), default=0.0)

    def _files(self, run: str) -> Iterator[Path]:
        shard = self._shard(run)
        return (file for ending in SHARD_FILES if (file := shard.with_name(shard.name + ending)).exists())

    def _delete_shard(self, run: str) -> int:
        """The database goes first: without it, nobody reads the other two files."""
        size = 0
        for file in list(self._files(run)):
            size += file.stat().st_size
            file.unlink(missing_ok=True)
        return size


def _in_parts(runs: Iterable[str]) -> Iterator[list[str]]:
    left = iter(runs)
    return iter(lambda: list(islice(left, AT_ONCE)), [])


def _require_checked_version() -> None:
    if dg.__version__ != CHECKED_IN:
        raise StorageError(
            f"Dagster {dg.__version__} is installed. Its records can be deleted with Dagster {CHECKED_IN} only, with "
            f"which this was checked: nothing was deleted from them. Install dagster=={CHECKED_IN}, or a version of "
            "this program for the newer Dagster"
        )


def _has_events(shard: Path) -> bool:
    if not shard.exists():
        return False
    with closing(sqlite3.connect(shard, timeout=BUSY_S)) as connection:
        return bool(connection.execute("SELECT EXISTS (SELECT 1 FROM event_logs)").fetchone()[0])


def _delete_events(shard: Path) -> None:
    """Delete every event of a run's file, and what is left of them in free pages."""
    if not shard.exists():
        return
    with closing(sqlite3.connect(shard, timeout=BUSY_S)) as connection:
        with connection:
            connection.execute("DELETE FROM event_logs")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _is_log() -> sa.ColumnElement[bool]:
    kind = SqlEventLogStorageTable.c.dagster_event_type
    return sa.or_(kind.is_(None), kind.not_in(KEPT_EVENTS))


def _newest_planned() -> sa.Select[Any]:
    """The runs of planned materialisations that are the newest event of their asset and partition."""
    events = SqlEventLogStorageTable
    newest = (
        sa.select(sa.func.max(events.c.id).label("id"))
        .where(events.c.dagster_event_type.in_([PLANNED, MATERIALIZED]), events.c.asset_key.is_not(None))
        .group_by(events.c.asset_key, events.c.partition)
        .subquery()
    )
    joined = sa.select(events.c.run_id).join(newest, events.c.id == newest.c.id)
    return joined.where(events.c.dagster_event_type == PLANNED)


def _newest_planned_checks() -> sa.Select[Any]:
    """The runs that planned a check and did not execute it, where that is the newest execution of the check."""
    checks = AssetCheckExecutionsTable
    newest = (
        sa.select(sa.func.max(checks.c.id).label("id"))
        .group_by(checks.c.asset_key, checks.c.check_name, checks.c.partition)
        .subquery()
    )
    joined = sa.select(checks.c.run_id).join(newest, checks.c.id == newest.c.id)
    return joined.where(checks.c.execution_status == "PLANNED")


def _compute_logs(instance: dg.DagsterInstance) -> ComputeLogManager[Any]:
    """What stores captured output. The instance of the command line captures none; its folder may have output."""
    manager = instance.compute_log_manager
    if not isinstance(manager, NoOpComputeLogManager):
        return manager
    return InstanceRef.from_dir(instance.root_directory).compute_log_manager
