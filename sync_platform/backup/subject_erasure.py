"""The erasure of data subjects: their keys are destroyed in the vault and in its backup, and never come back.

What belongs here: the order of the steps. Each is harmless when repeated, so a repeat completes an erasure that was
interrupted anywhere.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sync_platform.backup.tombstone_store import write_tombstones
from sync_platform.backup.vault_backup import VaultBackup
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.relational import transaction
from sync_platform.vault.destruction import destroy_keys
from sync_platform.vault.seal import Vault
from sync_platform.vault.tombstones import add_tombstones, read_tombstones


@dataclass(frozen=True)
class SubjectErasure:
    """What an erasure reaches: the vault, its backup, and every store that has tombstones.

    `master_key`: in hex, for the backup of the vault; empty where KMS wraps it.
    """

    vault: Vault
    backup: VaultBackup
    stores: Sequence[ObjectStore]
    master_key: str

    def erase(self, subjects: Iterable[str]) -> None:
        """Destroy the keys of these subjects everywhere; complete when this returns.

        StorageError where a step fails. Then no process uses the keys any more, but the erasure is not complete:
        `complete` goes on with it.
        """
        add_tombstones(self.vault.engine, subjects)
        self.complete()

    def publish(self) -> None:
        """Write the vault's tombstones to every store that does not have them yet."""
        with transaction(self.vault.engine) as connection:
            chain = read_tombstones(connection)
        for store in self.stores:
            write_tombstones(store, chain, self.vault.tombstones)

    def complete(self) -> None:
        """Do the steps of every erasure that are not done yet."""
        self.publish()
        destroy_keys(self.vault.engine)
        if self.backup.exists():
            self.backup.create(self.vault.engine, self.master_key)
