"""The backup of the vault as a resource: which vault, where its backup is, and under which key.

What belongs here: opening them. The backup itself belongs in backup/, and its daily job in defs/vault_backup_job.py.
"""

from dataclasses import dataclass
from pathlib import Path

import dagster as dg
from pydantic import Field

from sync_platform.backup.key_rotation import KeyRotation
from sync_platform.backup.store_writer import require_writer
from sync_platform.backup.subject_erasure import SubjectErasure
from sync_platform.backup.vault_backup import LEASE, StoredVault, VaultBackup
from sync_platform.backup.vault_copy import VaultCopy
from sync_platform.backup.vault_recovery import RecoveredVault, recover_vault
from sync_platform.defs.resources import (
    StoreResource,
    VaultResource,
    backup_store_of,
    replica_store_of,
    store_of,
    vault_of,
)
from sync_platform.documents.typed_command import typed
from sync_platform.errors import SettingsError, StorageError
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import origin_of
from sync_platform.storage.lease import Leases
from sync_platform.storage.ledger import Ledger
from sync_platform.storage.object_store import ObjectStore
from sync_platform.vault.key_file import from_key_file
from sync_platform.vault.key_place import open_master_key
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.rotation_record import is_rotating
from sync_platform.vault.seal import Vault, has_master_key, open_vault_database


@dataclass(frozen=True)
class BackedUpVault:
    """A vault with its backup. `stores`: those that have tombstones.

    `master_key`: in hex; empty where another service keeps it.
    """

    vault: Vault
    backup: VaultBackup
    stores: tuple[ObjectStore, ...]
    master_key: str
    rotation: KeyRotation
    leases: Leases

    def create(self) -> StoredVault:
        """Replace the backup, and complete an interrupted rotation; Busy where another process does either."""
        with self.leases.hold("a backup of the vault", LEASE) as lease:
            self.erasure.publish()
            if is_rotating(self.vault.engine):
                self.rotation.complete(lease.require)
            return self.backup.create(self.vault.engine, self.master_key, lease.require)

    @property
    def erasure(self) -> SubjectErasure:
        return SubjectErasure(self.vault, self.backup, self.stores, self.master_key, self.leases)


class VaultBackupResource(dg.ConfigurableResource[None]):
    """The vault's own backup, in another place and under another key than the backups of the data."""

    vault: dg.ResourceDependency[VaultResource]
    place: dg.ResourceDependency[StoreResource]
    backups: dg.ResourceDependency[StoreResource]
    replica: dg.ResourceDependency[StoreResource]
    key_file: str = Field(description="Key file of the backup, made with mode 0600 on first use.")
    temp: str = Field(description="Folder for the encrypted backup while it is made.")
    ledger_url: str = Field(description="SQLAlchemy URL of the ledger, which has the lease.")

    def opened(self) -> BackedUpVault:
        """The opened vault and its backup; StorageError or SettingsError where a part cannot be used.

        TakenOver where another installation took over: this one has no keys of persons that the other one met since.
        """
        if not self.has_vault():
            raise StorageError(f"there is no vault yet: the first sync makes it, or `{typed('vault', 'restore')}`")
        require_writer(self.place.open(), origin_of(self.ledger_url))
        vault, backup = self.vault.vault, self.backup()
        place = self.vault.key_place(vault.engine)
        master_key = "" if place.is_outside else open_master_key(place, vault.engine).text
        leases = Leases(self.ledger_url)
        return BackedUpVault(vault, backup, self.stores(), master_key, self.rotation(), leases)

    def rotation(self, previous: VaultResource | None = None) -> KeyRotation:
        """The rotation of the master key; `previous`: the vault with the place where the key is, if not the present."""
        engine = open_vault_database(self.vault.url)
        repositories = {store.url: store for store in (self.backups, self.replica)}
        return KeyRotation(
            engine,
            self.vault.key_place(engine),
            (previous or self.vault).key_place(engine),
            Ledger(self.ledger_url),
            self.backup(),
            [store.open() for store in repositories.values()],
        )

    def has_vault(self) -> bool:
        """True if the vault was ever used. A new one is not backed up: it would replace the backup of a lost one."""
        return has_master_key(open_vault_database(self.vault.url))

    def has_backup(self) -> bool:
        """True if the place has a backup."""
        return next(iter(self.place.open().keys("vault/")), None) is not None

    def backup(self) -> VaultBackup:
        """The backup without its vault. A key is made only where there is no backup yet."""
        if self.place.url.rstrip("/") == self.backups.url.rstrip("/"):
            raise SettingsError(f"VAULT_BACKUP={self.place.url!r}: must be another place than that of other backups")
        if Path(self.key_file) == Path(self.vault.key_file):
            raise SettingsError(f"VAULT_BACKUP_KEY_FILE={self.key_file!r}: must be another file than the master key's")
        store = self.place.open()
        try:
            key = from_key_file(Path(self.key_file), may_create=not self.has_backup())
        except StorageError as error:
            raise StorageError(f"the key of the vault's backup (VAULT_BACKUP_KEY_FILE): {error}") from None
        return VaultBackup(store, key, Path(self.temp))

    def restore(self) -> RecoveredVault:
        """Fill the new vault from its backup; see `recover_vault`."""
        key_file = Path(self.vault.key_file)
        engine = open_vault_database(self.vault.url)
        return recover_vault(self.backup(), engine, self.stores(), key_file, self._unwrap)

    def stores(self, *, without_primary: bool = False) -> tuple[ObjectStore, ...]:
        """The stores that have tombstones: beside the backups of the data, in their replica, and beside this one."""
        every = (self.replica, self.place) if without_primary else (self.backups, self.replica, self.place)
        places = {store.url: store for store in every}
        return tuple(store.open() for store in places.values())

    def _unwrap(self, copy: VaultCopy) -> MasterKey:
        """The master key of a copy that does not have it."""
        engine = open_vault_database(self.vault.url)
        if wrapped := copy.wrapped_keys.get(self.vault.kms_key_id):
            return self.vault.kms_key(self.vault.kms_key_id, engine).unwrap(wrapped)
        place = self.vault.key_place(engine)
        present = place.present() if place.is_outside else None
        if present is None:
            names = ", ".join(sorted(copy.wrapped_keys)) or "none"
            raise StorageError(
                "another service keeps the master key of this vault: set VAULT_KMS_KEY_ID to its KMS key "
                f"({names}), or VAULT_SECRET_ID to its secret"
            )
        return present


def vault_backup_of(settings: Settings) -> VaultBackupResource:
    return VaultBackupResource(
        vault=vault_of(settings),
        place=store_of(settings, settings.vault_backup_url),
        backups=backup_store_of(settings),
        replica=replica_store_of(settings) or backup_store_of(settings),
        key_file=str(settings.vault_backup_key),
        temp=str(settings.temp),
        ledger_url=settings.ledger_url,
    )
