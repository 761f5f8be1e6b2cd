"""The state of an installation: everything that its health is computed from, read once, and nothing is changed.

What belongs here: reading. What cannot be read is Unknown, with the reason, and the rest is still read.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import duckdb
import sqlalchemy as sa

from sync_platform.backup.drill import first_commit_after
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.emergency.request_store import RequestStore
from sync_platform.errors import NoLakeYet, StorageError
from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.backup_state import BackupState, LoggedBackups, logged_backups
from sync_platform.monitoring.stored_syncs import read_records
from sync_platform.quality.scorecard import Scored, newest_scores
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditEntry, AuditLog
from sync_platform.storage.lake_connection import Lake, LakeAddress
from sync_platform.storage.operation_name import OperationName

Read = TypeVar("Read")


@dataclass(frozen=True)
class Unknown:
    """What could not be read, and why."""

    reason: str


@dataclass(frozen=True)
class WaitingRun:
    """A run of Dagster that was not started yet."""

    run_id: str
    job: str
    platform: str
    since: datetime


@dataclass(frozen=True)
class Volume:
    """A file system that holds data of the installation. `free_share`: 0 to 1."""

    folder: Path
    free_share: float
    free_bytes: int


@dataclass(frozen=True)
class InstallationState:
    """What was read. `records`: the final records of syncs, by platform. `scores`: the newest score of each dimension.

    `drills`: the entries of drills in the audit log. `requests`: the open emergency requests. `reports`: the entries of
    reports in the audit log.
    """

    records: Mapping[str, Sequence[SyncRecord]] | Unknown
    scores: Sequence[Scored] | Unknown
    backups: BackupState | Unknown
    drills: Sequence[AuditEntry] | Unknown
    requests: Sequence[EmergencyRequest] | Unknown
    runs: Sequence[WaitingRun] | Unknown
    volumes: Sequence[Volume] | Unknown
    reports: Sequence[AuditEntry] | Unknown = ()


def read_state(settings: Settings, waiting_runs: Callable[[], Sequence[WaitingRun]]) -> InstallationState:
    """Everything that can be read. `waiting_runs` reads Dagster's runs, and raises StorageError where it cannot."""
    logged = _known(lambda: logged_backups(_entries(settings, OperationName.backup)))
    with Lake(LakeAddress.of(settings), read_only=True) as lake:
        return InstallationState(
            records=_known(lambda: read_records(lake)),
            scores=_known(lambda: _scores(lake)),
            backups=logged if isinstance(logged, Unknown) else _known(lambda: _backup_state(lake, logged)),
            drills=_known(lambda: _entries(settings, OperationName.drill)),
            requests=_known(lambda: _open_requests(settings)),
            runs=_known(waiting_runs),
            volumes=_known(lambda: _volumes(settings)),
            reports=_known(lambda: _entries(settings, OperationName.report)),
        )


def _known(read: Callable[[], Read]) -> Read | Unknown:
    try:
        return read()
    except (StorageError, duckdb.Error, sqlite3.Error, OSError) as error:
        return Unknown(str(error).splitlines()[0])


def _scores(lake: Lake) -> list[Scored]:
    try:
        with lake.session() as session:
            return newest_scores(session)
    except NoLakeYet:
        return []


def _backup_state(lake: Lake, logged: LoggedBackups) -> BackupState:
    try:
        with lake.session() as session:
            return BackupState(logged, first_commit_after(session, logged.snapshot))
    except NoLakeYet:
        return BackupState(logged, None)


def _entries(settings: Settings, operation: str) -> list[AuditEntry]:
    if not _has_ledger(settings):
        return []
    log = AuditLog(settings.ledger_url)
    try:
        return list(log.entries(operation=operation))
    finally:
        log.close()


def _open_requests(settings: Settings) -> list[EmergencyRequest]:
    return RequestStore(settings.ledger_url).open_requests() if _has_ledger(settings) else []


def _has_ledger(settings: Settings) -> bool:
    """False if the ledger is a file that does not exist yet: to open it would create it."""
    address = sa.make_url(settings.ledger_url)
    return address.get_backend_name() != "sqlite" or Path(address.database or "").exists()


def _volumes(settings: Settings) -> list[Volume]:
    """One for each file system."""
    address = LakeAddress.of(settings)
    folders = [settings.home, *([] if address.is_remote else [Path(address.data)])]
    found: dict[int, Volume] = {}
    for folder in map(_existing, folders):
        usage = shutil.disk_usage(folder)
        found.setdefault(folder.stat().st_dev, Volume(folder, usage.free / usage.total, usage.free))
    return list(found.values())


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
