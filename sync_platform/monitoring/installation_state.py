"""The state of an installation: everything that its health is computed from, read once, and nothing is changed.

What belongs here: reading. What cannot be read is an `UnreadPart`, with the reason, and the rest is still read.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

import duckdb

from sync_platform.backup.drill import first_commit_after
from sync_platform.compliance.obligation import Obligation
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.emergency.request_store import RequestStore
from sync_platform.errors import NoLakeYet, StorageError
from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.backup_problems import WATCHED as WATCHED_OPERATIONS
from sync_platform.monitoring.backup_state import BackupState, LoggedBackups, logged_backups
from sync_platform.monitoring.health_alert import OpenAlert
from sync_platform.monitoring.stored_syncs import newest_received, read_records
from sync_platform.monitoring.watched_obligations import obligations_of_lake
from sync_platform.privacy.erasure_ledger import ErasureLedger
from sync_platform.privacy.erasure_record import Erasure
from sync_platform.privacy.privacy_request import PrivacyRequest
from sync_platform.privacy.request_register import opened_register
from sync_platform.quality.recorded_drift import RecordedDrift, drift_of_syncs
from sync_platform.quality.scorecard import StoredScore, last_measured, newest_own_checks, newest_scores
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditEntry, AuditLog
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.relational import database_exists

Known = TypeVar("Known")
Read = TypeVar("Read")


@dataclass(frozen=True)
class UnreadPart:
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

    `drills`: the entries of drills in the audit log. `requests`: the open emergency requests. `last_measured`: the
    newest score of each dimension that was measured, of any period. `own_checks`: the newest results of own checks.
    `drift`: of the newest records of each dataset. `backup_log`: the entries of backups, their copies and
    verifications, and those of the vault, by operation. `verifications`: the entries of verifications of the history.
    `obligations`: those of `watched_obligations`. `alerts`: the open alerts. `reports`: the entries of reports in the
    audit log. `privacy_requests` and `erasures`: the open ones.
    """

    records: Mapping[str, Sequence[SyncRecord]] | UnreadPart
    scores: Sequence[StoredScore] | UnreadPart
    backups: BackupState | UnreadPart
    drills: Sequence[AuditEntry] | UnreadPart
    requests: Sequence[EmergencyRequest] | UnreadPart
    runs: Sequence[WaitingRun] | UnreadPart
    volumes: Sequence[Volume] | UnreadPart
    last_measured: Sequence[StoredScore] | UnreadPart = ()
    own_checks: Sequence[StoredScore] | UnreadPart = ()
    drift: Sequence[RecordedDrift] | UnreadPart = ()
    backup_log: Mapping[str, Sequence[AuditEntry]] | UnreadPart = field(default_factory=dict)
    verifications: Sequence[AuditEntry] | UnreadPart = ()
    obligations: Sequence[Obligation] | UnreadPart = ()
    alerts: Sequence[OpenAlert] | UnreadPart = ()
    reports: Sequence[AuditEntry] | UnreadPart = ()
    privacy_requests: Sequence[PrivacyRequest] | UnreadPart = ()
    erasures: Sequence[Erasure] | UnreadPart = ()


def no_alerts(settings: Settings) -> Sequence[OpenAlert]:
    """The alerts of an installation that keeps none."""
    return ()


def read_state(
    settings: Settings,
    waiting_runs: Callable[[], Sequence[WaitingRun]],
    open_alerts: Callable[[Settings], Sequence[OpenAlert]] = no_alerts,
    now: datetime | None = None,
) -> InstallationState:
    """Everything that can be read. `waiting_runs` reads Dagster's runs, and raises StorageError where it cannot.

    `open_alerts` reads the open alerts, in the same way. `now`: the time at which obligations are judged.
    """
    at = now or datetime.now(UTC)
    log = _known(lambda: _entries(settings, WATCHED_LOG))
    logged = _read_from(log, lambda known: logged_backups(known[OperationName.backup]))
    with Lake(LakeAddress.of(settings), read_only=True) as lake:
        records = _known(lambda: read_records(lake))
        return InstallationState(
            records=records,
            scores=_known(lambda: _in_lake(lake, newest_scores)),
            backups=_read_from(logged, lambda known_backups: _backup_state(lake, known_backups)),
            drills=_read_from(log, lambda known: known[OperationName.drill]),
            requests=_known(lambda: _open_requests(settings)),
            runs=_known(waiting_runs),
            volumes=_known(lambda: _volumes(settings)),
            last_measured=_known(lambda: _in_lake(lake, last_measured)),
            own_checks=_known(lambda: _in_lake(lake, newest_own_checks)),
            drift=_read_from(
                records, lambda known: _in_lake(lake, lambda it: drift_of_syncs(it, newest_received(known)))
            ),
            backup_log=_read_from(log, lambda known: {name: known[name] for name in WATCHED_OPERATIONS}),
            verifications=_read_from(log, lambda known: known[OperationName.verify]),
            obligations=_known(lambda: _in_lake(lake, lambda session: obligations_of_lake(session, settings, at))),
            alerts=_known(lambda: open_alerts(settings)),
            reports=_read_from(log, lambda known: known[OperationName.report]),
            privacy_requests=_known(lambda: _open_privacy_requests(settings)),
            erasures=_known(lambda: _open_erasures(settings)),
        )


WATCHED_LOG = (
    *WATCHED_OPERATIONS,
    OperationName.drill,
    OperationName.verify,
    OperationName.report,
)
"""The operations of the audit log whose entries are read."""


def _known(read: Callable[[], Read]) -> Read | UnreadPart:
    try:
        return read()
    except (StorageError, duckdb.Error, sqlite3.Error, OSError) as error:
        return UnreadPart(str(error).splitlines()[0])


def _read_from(known: Known | UnreadPart, read: Callable[[Known], Read | UnreadPart]) -> Read | UnreadPart:
    """What is read from something that is known; else an `UnreadPart` for the same reason."""
    if isinstance(known, UnreadPart):
        return known
    return _known(lambda: read(known))


def _in_lake(lake: Lake, read: Callable[[duckdb.DuckDBPyConnection], list[Read]]) -> list[Read]:
    """What a session reads; empty where there is no lake."""
    try:
        with lake.session() as session:
            return read(session)
    except NoLakeYet:
        return []


def _backup_state(lake: Lake, logged: LoggedBackups) -> BackupState:
    try:
        with lake.session() as session:
            return BackupState(logged, first_commit_after(session, logged.snapshot))
    except NoLakeYet:
        return BackupState(logged, None)


def _entries(settings: Settings, operations: Collection[str]) -> dict[str, list[AuditEntry]]:
    """The entries of each operation in the audit log, in order."""
    if not database_exists(settings.ledger_url):
        return {name: [] for name in operations}
    log = AuditLog(settings.ledger_url)
    try:
        return {name: list(log.entries(operation=name)) for name in operations}
    finally:
        log.close()


def _open_requests(settings: Settings) -> list[EmergencyRequest]:
    if not database_exists(settings.ledger_url):
        return []
    with closing(RequestStore(settings.ledger_url)) as requests:
        return requests.open_requests()


def _open_privacy_requests(settings: Settings) -> list[PrivacyRequest]:
    if not database_exists(settings.ledger_url):
        return []
    with opened_register(settings.ledger_url) as register:
        return [request for request in register.requests() if request.is_open]


def _open_erasures(settings: Settings) -> list[Erasure]:
    if not database_exists(settings.ledger_url):
        return []
    with closing(ErasureLedger(settings.ledger_url)) as ledger:
        return [erasure for erasure in ledger.erasures() if erasure.is_due]


def _volumes(settings: Settings) -> list[Volume]:
    """One for each file system."""
    address = LakeAddress.of(settings)
    folders = [settings.home, *([] if address.is_remote else [Path(address.data)])]
    volumes: dict[int, Volume] = {}
    for folder in map(_existing, folders):
        usage = shutil.disk_usage(folder)
        volumes.setdefault(folder.stat().st_dev, Volume(folder, usage.free / usage.total, usage.free))
    return list(volumes.values())


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that exists."""
    return next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
