"""The recovery of a vault from its backup: tombstones first, then the master key, then the keys of persons.

What belongs here: the order of the steps. Killed after any of them, a repeat goes on. Where only the key file is lost,
only the key file is restored.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from sync_platform.backup.tombstone_store import read_all_tombstones
from sync_platform.backup.vault_backup import StoredVault, VaultBackup
from sync_platform.backup.vault_copy import VaultCopy
from sync_platform.errors import StorageError
from sync_platform.storage.object_store import ObjectStore
from sync_platform.vault.key_check import check_value, stored_check_value
from sync_platform.vault.key_file import from_key_file, write_key_file
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.seal import has_subject_keys
from sync_platform.vault.signature import Signer
from sync_platform.vault.tombstones import TOMBSTONES_USE


@dataclass(frozen=True)
class RecoveredVault:
    """`stored`: the backup. `is_key_only`: the vault was there, and only its master key was restored."""

    stored: StoredVault
    is_key_only: bool


def recover_vault(
    backup: VaultBackup,
    engine: sa.Engine,
    stores: Sequence[ObjectStore],
    key_file: Path,
    unwrap: Callable[[VaultCopy], MasterKey],
) -> RecoveredVault:
    """Fill a new vault from the backup, without the keys of anybody who was erased.

    `stores` have the tombstones. `unwrap` gives the master key of a backup that has none, from KMS or Secrets Manager.
    A master key of the backup is written to `key_file`. StorageError, and no key is restored, where a tombstone cannot
    be read or is missing, where the vault has keys already, or where the key file has another key.
    """
    stored = backup.verify()
    copy = stored.copy
    master = MasterKey(bytes.fromhex(copy.master_key)) if copy.master_key else unwrap(copy)
    if copy.check_value and copy.check_value != check_value(master):
        raise StorageError("the master key is not the one that this vault was made with; nothing was restored")
    if stored_check_value(engine) not in (None, check_value(master)):
        raise StorageError("the vault was opened under another master key before; nothing was restored")
    is_key_only = bool(copy.master_key) and not key_file.exists() and has_subject_keys(engine)
    erased = [] if is_key_only else read_all_tombstones(stores, Signer(master, TOMBSTONES_USE).public_key)
    if copy.master_key:
        write_key_file(key_file, master)
        if from_key_file(key_file) != master:
            raise StorageError(f"{key_file} has another master key than the backup: move it away; nothing was restored")
    return RecoveredVault(stored if is_key_only else backup.restore(engine, erased), is_key_only)
