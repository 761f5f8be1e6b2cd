"""The backups of an installation as a resource: where they are, what they are made of, and the key that opens them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from sync_platform.backup.backup_id import BackupKind
from sync_platform.backup.backup_retention import PrunePlan, PruneReport, plan_prune, prune
from sync_platform.backup.backup_verification import BackupFindings, verify_backups
from sync_platform.backup.creation import BackedUpInstallation, CreatedBackup, create_backup
from sync_platform.backup.file_copies import CopyPolicy
from sync_platform.backup.replica import LEASE, ReplicaReport, replicate
from sync_platform.backup.repository import Repository
from sync_platform.backup.repository_key import (
    no_backup_in,
    open_repository_key,
    open_with_recovery_key,
    read_stored_key,
)
from sync_platform.backup.restore_tombstones import newest_head, tombstone_head, tombstones_to_restore
from sync_platform.backup.scratch_folder import scratch_folder
from sync_platform.backup.store_writer import require_writer
from sync_platform.defs.resources import (
    LakeResource,
    StoreResource,
    VaultResource,
    backup_store_of,
    lake_of,
    replica_store_of,
    store_of,
    vault_of,
)
from sync_platform.defs.vault_backup import vault_backup_of
from sync_platform.documents.typed_command import typed
from sync_platform.errors import SettingsError, StorageError
from sync_platform.lineage.log_beginning import beginning_lost_beside
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog, origin_of
from sync_platform.storage.lease import Leases
from sync_platform.vault.tombstones import Tombstone

LONGEST_WAIT_S = 600.0
"""Replication waits so long for another one, or for the retention in the replica."""


class Backups(dg.ConfigurableResource[None]):
    """Makes and verifies backups of the lake, and opens their repository."""

    store: dg.ResourceDependency[StoreResource]
    replica: dg.ResourceDependency[StoreResource]
    data: dg.ResourceDependency[StoreResource]
    lake: dg.ResourceDependency[LakeResource]
    vault: dg.ResourceDependency[VaultResource]
    ledger_url: str = Field(description="SQLAlchemy URL of the ledger.")
    compress: bool = Field(description="Whether backups are compressed.")
    encrypt: bool = Field(description="Whether backups are encrypted.")
    has_replica: bool = Field(description="Whether every backup is copied to the replica.")
    retention_days: int = Field(description="Days that a backup is kept.")
    recovery_key_file: str = Field(description="File with the recovery key; empty to use the master key.")

    def repository(self, *, may_create: bool = False) -> Repository:
        """The repository; StorageError where there is none, or where its key is not the one that we have."""
        store = self.store.open()
        if self.recovery_key_file:
            return Repository(store, open_with_recovery_key(store, _read_key(Path(self.recovery_key_file))))
        is_there = read_stored_key(store) is not None
        if not is_there and not may_create:
            instead = f"; --replica reads the replica, {self.replica.url}" if self.has_replica else ""
            raise StorageError(f"{no_backup_in(store)}{instead}")  # before the vault is opened: that makes a new one
        if is_there and not self.vault.has_key():
            raise StorageError(
                f"the master key that opens the backups in {store.url} is not here: restore the vault "
                f"(`{typed('vault', 'restore')}`), or write the recovery key to a file and name it with "
                "BACKUP_RECOVERY_KEY_FILE; nothing was read or written"
            )
        wrapping = self.vault.vault.backups
        return Repository(store, open_repository_key(store, wrapping, may_create=may_create))

    def repository_or_none(self) -> Repository | None:
        """The repository; None where no backup was ever made."""
        return None if read_stored_key(self.store.open()) is None else self.repository()

    def installation(self) -> BackedUpInstallation:
        """What a backup is made of."""
        head = None if self.recovery_key_file else tombstone_head(self.vault.vault)
        return BackedUpInstallation(
            self.lake.address, self.data.open(), self.lake.history.split(".")[0], self.ledger_url, head
        )

    def create(
        self, kind: BackupKind, sources: Sequence[str] = (), on_step: Callable[[str], None] = lambda step: None
    ) -> CreatedBackup:
        """Make a backup; see `create_backup`. Raises TakenOver, as all that writes here does."""
        self._require_writer()
        repository = self.repository(may_create=True)
        return create_backup(
            self.installation(), repository, kind, CopyPolicy(self.compress, self.encrypt), sources, on_step
        )

    def replicate(self, on_step: Callable[[str], None] = lambda step: None) -> ReplicaReport | None:
        """Copy every backup to the replica, after a replication or deletion there that runs; None where none is set.

        See `replicate` of the core. Busy where the other one takes longer than ten minutes.
        """
        if not self.has_replica:
            return None
        self._require_writer()
        with (
            Leases(self.ledger_url).hold_when_free("replication", LEASE, LONGEST_WAIT_S, on_step) as lease,
            scratch_folder(self.lake.address.temp, "backup-replica") as scratch,
        ):
            return replicate(self.repository(), self.replica.open(), scratch, on_step, lease.require)

    def plan_prune(self, *, trusts_clock: bool = False, now: datetime | None = None) -> PrunePlan:
        """What `prune` would do."""
        moment = now or datetime.now(UTC)
        return plan_prune(self.repository(), self.retention_days, moment, trusts_clock=trusts_clock)

    def prune(self, *, trusts_clock: bool = False, now: datetime | None = None) -> PruneReport:
        """Delete what is due, beside no backup, restore or maintenance."""
        self._require_writer()
        with Leases(self.ledger_url).hold("backup prune") as lease:
            return prune(
                self.repository(),
                self.retention_days,
                now or datetime.now(UTC),
                trusts_clock=trusts_clock,
                require_lease=lease.require,
            )

    def plan_prune_replica(self, *, trusts_clock: bool = False, now: datetime | None = None) -> PrunePlan | None:
        """What `prune_replica` would do; None where it would do nothing."""
        replica = self._repository_of_replica()
        if replica is None:
            return None
        return plan_prune(replica, self.retention_days, now or datetime.now(UTC), trusts_clock=trusts_clock)

    def prune_replica(self, *, trusts_clock: bool = False, now: datetime | None = None) -> PruneReport | None:
        """Delete what is due in the replica, beside no replication; None where there is none, or nothing in it."""
        replica = self._repository_of_replica()
        if replica is None:
            return None
        self._require_writer()
        with Leases(self.ledger_url).hold("backup prune", LEASE) as lease:
            return prune(
                replica,
                self.retention_days,
                now or datetime.now(UTC),
                trusts_clock=trusts_clock,
                require_lease=lease.require,
            )

    def _require_writer(self) -> None:
        """Raise TakenOver where another installation took over, here or in the replica."""
        ledger = origin_of(self.ledger_url)
        for store in (self.store, self.replica):
            require_writer(store.open(), ledger)

    def _repository_of_replica(self) -> Repository | None:
        if not self.has_replica:
            return None
        store = self.replica.open()
        return None if read_stored_key(store) is None else Repository(store, self.repository().key)

    def verify(
        self,
        backup_id: str | None = None,
        *,
        verifies_all: bool = False,
        on_step: Callable[[str], None] = lambda step: None,
    ) -> BackupFindings:
        """Verify backups; see `verify_backups`."""
        log = AuditLog(self.ledger_url)
        try:
            entries, log_problem = list(log.entries()), beginning_lost_beside(self.lake.address, log)
        finally:
            log.close()
        with scratch_folder(self.lake.address.temp, "backup-verify") as scratch:
            return verify_backups(
                self.repository(),
                entries,
                scratch,
                backup_id,
                verifies_all=verifies_all,
                log_problem=log_problem,
                on_step=on_step,
            )


def backups_of(settings: Settings, *, from_replica: bool = False) -> Backups:
    """The backups; or those in the replica, with `from_replica`. SettingsError where that is set nowhere."""
    data, replica = settings.lake_data_url, replica_store_of(settings)
    if from_replica and replica is None:
        raise SettingsError("BACKUP_REPLICA is not set: there is no replica to read")
    return Backups(
        store=(replica if from_replica else None) or backup_store_of(settings),
        replica=replica or backup_store_of(settings),
        has_replica=replica is not None and not from_replica,
        data=store_of(settings, data if "://" in data else Path(data).absolute().as_uri()),
        lake=lake_of(settings),
        vault=vault_of(settings),
        ledger_url=settings.ledger_url,
        compress=settings.backup_compression,
        encrypt=settings.backup_encryption,
        retention_days=settings.backup_retention_days,
        recovery_key_file=str(settings.backup_recovery_key_file or ""),
    )


def tombstones_of(settings: Settings, *, from_replica: bool = False) -> list[Tombstone]:
    """Every tombstone that a restore needs; StorageError where one cannot be read, was changed or is missing.

    `from_replica`: the primary store is gone, and is not read.
    """
    backups = backups_of(settings, from_replica=from_replica)
    stores = vault_backup_of(settings).stores(without_primary=from_replica)
    vault = None if backups.recovery_key_file else backups.vault.vault
    return tombstones_to_restore(stores, newest_head(backups.repository().read_manifests()), vault)


def logged_details(created: CreatedBackup) -> dict[str, Any]:
    """What the audit log says of a backup that exists."""
    manifest = created.manifest
    return {
        "backup": manifest.id,
        "manifest": created.digest,
        "sequence": manifest.sequence,
        "snapshot": manifest.snapshot,
        "objects": len(manifest.files),
        "copied_bytes": manifest.copied_bytes,
    }


def _read_key(path: Path) -> str:
    try:
        return path.read_text()
    except OSError as error:
        raise StorageError(f"cannot read the recovery key {path}: {error.strerror or error}") from None
