"""The backups of an installation as a resource: where they are, what they are made of, and the key that opens them."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from sync_platform.backup.backup_verification import BackupFindings, verify_backups
from sync_platform.backup.creation import CreatedBackup, Origin, create_backup
from sync_platform.backup.file_copies import Policy
from sync_platform.backup.identifier import BackupKind
from sync_platform.backup.repository import Repository
from sync_platform.backup.repository_key import open_repository_key, open_with_recovery_key, read_stored_key
from sync_platform.backup.scratch_folder import scratch_folder
from sync_platform.defs.resources import LakeResource, LandingStore, VaultResource, lake_of, store_of, vault_of
from sync_platform.errors import StorageError
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog


class Backups(dg.ConfigurableResource[None]):
    """Makes and verifies backups of the lake, and opens their repository."""

    store: dg.ResourceDependency[LandingStore]
    data: dg.ResourceDependency[LandingStore]
    lake: dg.ResourceDependency[LakeResource]
    vault: dg.ResourceDependency[VaultResource]
    ledger_url: str = Field(description="SQLAlchemy URL of the ledger.")
    compress: bool = Field(description="Whether backups are compressed.")
    encrypt: bool = Field(description="Whether backups are encrypted.")
    recovery_key_file: str = Field(description="File with the recovery key; empty to use the master key.")

    def repository(self, *, may_create: bool = False) -> Repository:
        """The repository; StorageError where there is none, or where its key is not the one that we have."""
        store = self.store.open()
        if self.recovery_key_file:
            return Repository(store, open_with_recovery_key(store, _read_key(Path(self.recovery_key_file))))
        wrapping = self.vault.vault.backups
        return Repository(store, open_repository_key(store, wrapping, may_create=may_create))

    def repository_or_none(self) -> Repository | None:
        """The repository; None where no backup was ever made."""
        return None if read_stored_key(self.store.open()) is None else self.repository()

    def origin(self) -> Origin:
        """What a backup is made of."""
        return Origin(self.lake.address, self.data.open(), self.lake.history.split(".")[0], self.ledger_url)

    def create(
        self, kind: BackupKind, sources: Sequence[str] = (), on_step: Callable[[str], None] = lambda step: None
    ) -> CreatedBackup:
        """Make a backup; see `create_backup`."""
        repository = self.repository(may_create=True)
        return create_backup(self.origin(), repository, kind, Policy(self.compress, self.encrypt), sources, on_step)

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
            entries = list(log.entries())
        finally:
            log.close()
        with scratch_folder(self.lake.address.temp, "backup-verify") as scratch:
            return verify_backups(
                self.repository(), entries, scratch, backup_id, verifies_all=verifies_all, on_step=on_step
            )


def backups_of(settings: Settings) -> Backups:
    data = settings.lake_data_url
    return Backups(
        store=store_of(settings, settings.backup_url),
        data=store_of(settings, data if "://" in data else Path(data).absolute().as_uri()),
        lake=lake_of(settings),
        vault=vault_of(settings),
        ledger_url=settings.ledger_url,
        compress=settings.backup_compression,
        encrypt=settings.backup_encryption,
        recovery_key_file=str(settings.backup_recovery_key_file or ""),
    )


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
