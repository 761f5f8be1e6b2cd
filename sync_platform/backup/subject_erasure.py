"""The destruction of the keys of erased data subjects: in the vault and in its backup. They never come back.

What belongs here: the steps. Each is harmless when repeated, so a repeat completes an erasure that was interrupted
anywhere. The order of all steps of an erasure, and its record, belong in privacy/erasure_work.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sync_platform.backup.tombstone_store import write_tombstones
from sync_platform.backup.vault_backup import LEASE, VaultBackup
from sync_platform.storage.lease import Leases
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.relational import transaction
from sync_platform.vault.destruction import destroy_keys
from sync_platform.vault.seal import Vault
from sync_platform.vault.tombstones import add_tombstones, read_tombstones

LONGEST_WAIT_S = 30.0


@dataclass(frozen=True)
class SubjectErasure:
    """What an erasure reaches: the vault, its backup, and every store that has tombstones.

    `master_key`: in hex, for the backup of the vault; empty where KMS wraps it.
    """

    vault: Vault
    backup: VaultBackup
    stores: Sequence[ObjectStore]
    master_key: str
    leases: Leases

    def erase(self, subjects: Iterable[str]) -> None:
        """Destroy the keys of these subjects everywhere; complete when this returns.

        StorageError where a step fails. Then no process uses the keys any more, but the erasure is not complete:
        `complete` goes on with it.
        """
        self.forbid(subjects)
        self.complete()

    def forbid(self, subjects: Iterable[str]) -> None:
        """Append the tombstones: from now on no process uses the keys of these subjects, and none makes them again."""
        add_tombstones(self.vault.engine, subjects)

    def publish(self) -> None:
        """Write the vault's tombstones to every store that does not have them yet."""
        with transaction(self.vault.engine) as connection:
            chain = read_tombstones(connection)
        for store in self.stores:
            write_tombstones(store, chain, self.vault.tombstones)

    def complete(self) -> None:
        """Do the steps of every erasure that are not done yet."""
        self.publish()
        self.destroy()
        self.renew_backup()

    def destroy(self) -> None:
        """Destroy the key of everybody who has a tombstone, in the vault."""
        destroy_keys(self.vault.engine)

    def renew_backup(self) -> None:
        """Replace the vault's backup, if there is one, by one without the destroyed keys.

        It waits half a minute for another process that replaces it; Busy after that.
        """
        if not self.backup.exists():
            return
        with self.leases.hold_when_free("an erasure", LEASE, LONGEST_WAIT_S) as lease:
            self.backup.create(self.vault.engine, self.master_key, lease.require)
