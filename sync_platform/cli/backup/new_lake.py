"""What the ledger of a new lake records of the restore that made it: its entries, and the bytes of every file."""

from __future__ import annotations

from typing import Any

from sync_platform.lake.file_proof import FileProof
from sync_platform.lineage.restored_lake import NEW_LAKE
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog, Outcome, system_user
from sync_platform.storage.file_lists import FileLists
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.operation_name import OperationName


def log_restore(ledger_url: str, settings: Settings, subject: dict[str, Any], outcome: Outcome) -> None:
    """An entry in the audit log of the lake that is new; the log of the installation that restores has its own."""
    log = AuditLog(ledger_url)
    try:
        actor = settings.sync_actor or system_user()
        about = {**subject, NEW_LAKE: True}
        log.record(OperationName.restore, about, actor=actor, via=settings.sync_via, outcome=outcome)
    finally:
        log.close()


def record_files(address: LakeAddress, data: ObjectStore, ledger_url: str) -> None:
    """Record the SHA-256 of every file, so that `lineage verify` finds one that changes from now on."""
    lists = FileLists(ledger_url)
    try:
        with Lake(address, read_only=True) as lake:
            FileProof(lake, data, lists).record_restored()
    finally:
        lists.close()
