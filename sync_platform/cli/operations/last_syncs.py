"""How the newest sync of each platform ended, as `platforms` and `status` show it; cancelled ones are included.

A sync that a person cancelled has no record in the lake: the audit log has it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sync_platform.compliance.logged_operations import LoggedOperation, logged_operations
from sync_platform.documents.states import CANCELLED
from sync_platform.errors import NoLakeYet
from sync_platform.lake.syncs import SyncRecord, last_syncs
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.relational import database_exists

OPERATIONS = ("sync", "backfill")


@dataclass(frozen=True)
class LastSync:
    """The newest sync of a platform: the word for its end, its period (of a backfill the first), and when it ended.

    `record`: its record in the lake, or for a cancelled sync that of the one before; None where there is none.
    """

    state: str
    partition: str
    at: datetime
    record: SyncRecord | None


def newest_syncs(settings: Settings) -> dict[str, LastSync]:
    """By platform; one that was never synced is left out."""
    records: dict[str, SyncRecord] = {}
    with contextlib.suppress(NoLakeYet), Lake(LakeAddress.of(settings), read_only=True) as lake:
        records = last_syncs(lake)
    syncs = {
        name: LastSync(record.state, record.partition, record.committed_at, record) for name, record in records.items()
    }
    for operation in _cancelled(settings):
        for name, partition in _periods(operation):
            last = syncs.get(name)
            if operation.ended_at and (last is None or last.at < operation.began_at):
                syncs[name] = LastSync(CANCELLED, partition, operation.ended_at, records.get(name))
    return syncs


def _cancelled(settings: Settings) -> list[LoggedOperation]:
    if not database_exists(settings.ledger_url):
        return []
    log = AuditLog(settings.ledger_url)
    try:
        entries = [entry for operation in OPERATIONS for entry in log.entries(operation=operation)]
    finally:
        log.close()
    operations = logged_operations(sorted(entries, key=lambda entry: entry.number))
    return [operation for operation in operations if operation.state == CANCELLED]


def _periods(operation: LoggedOperation) -> Iterator[tuple[str, str]]:
    """The platforms of a sync or a backfill, each with its (first) period."""
    subject = operation.subject
    if operation.operation == "sync":
        yield from subject["platforms"].items()
    else:
        yield subject["platform"], next(iter(subject["periods"]), "")
