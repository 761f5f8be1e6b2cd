"""The backup of the vault: one encrypted object, in another place and under another key than the backups of the data.

There is one generation. Each backup replaces the one before, once it was read back, so no backup has a destroyed key.
It has the keys of persons, wrapped by the master key, and the master key itself where that is in a key file.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa

from sync_platform.backup.object_format import Codec, decode, encode
from sync_platform.backup.scratch_folder import scratch_folder
from sync_platform.backup.vault_copy import (
    VaultCopy,
    read_vault_lines,
    summarise_vault,
    tombstones_in,
    vault_lines,
    write_vault,
)
from sync_platform.documents.typed_command import typed
from sync_platform.errors import DamagedBackup, StorageError, UsageError
from sync_platform.storage.held_lock import needs_no_lock
from sync_platform.storage.object_store import ObjectStore
from sync_platform.vault.key_check import check_value, stored_check_value
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.tombstones import Tombstone

FOLDER = "vault/"
CODEC = Codec(is_compressed=True, is_encrypted=True)
USE = "vault-backup"
LEASE = "backup of the vault"
"""The lease that everything needs that replaces the backup: otherwise a slower one would bring back a destroyed key."""
EVER = datetime.max.replace(tzinfo=UTC)
GRACE = timedelta(days=1)
"""The age at which a file is what a killed put left, where others may put something now."""


@dataclass(frozen=True)
class StoredVault:
    """The backup of a vault as found in its store."""

    name: str
    copy: VaultCopy

    def figures(self) -> dict[str, str | int]:
        """What the audit log says of it."""
        return {
            "backup": self.name,
            "made_at": self.copy.created_at,
            "keys": self.copy.rows["subject_keys"],
            "tombstones": len(self.copy.tombstones),
        }


class VaultBackup:
    """The backup of a vault in a store, under its own key; `scratch` is a folder for the encrypted object."""

    def __init__(self, store: ObjectStore, key: MasterKey, scratch: Path) -> None:
        self.store, self._key, self._scratch = store, key.derive(USE), scratch

    def create(
        self, engine: sa.Engine, master_key: str, require_lock: Callable[[], None] = needs_no_lock
    ) -> StoredVault:
        """Back the vault up, read the backup back, and delete the one before. `master_key`: in hex, or empty.

        `require_lock` is asked before each change; it raises where another process may replace the backup by now.
        StorageError, and the backup before stays, where that fails, or where it has keys that this vault does not have.
        """
        _require_current(engine, master_key)
        self._require_continued(summarise_vault(engine, master_key))
        name = f"{FOLDER}vault-{datetime.now(UTC):%Y-%m-%dT%H-%M-%S-%fZ}-{secrets.token_hex(3)}{CODEC.ending}"
        require_lock()
        self._put(name, encode(vault_lines(engine, master_key), CODEC, self._key, name.encode()))
        copy = self._read(name)
        for key in list(self.store.keys(FOLDER)):
            if key != name:
                require_lock()
                self.store.delete(key)
        self.store.sweep(FOLDER, EVER)  # a killed backup may have left a copy that has a key which is destroyed now
        self.store.sweep("", datetime.now(UTC) - GRACE)  # an erasure may put a tombstone meanwhile
        return StoredVault(name, copy)

    def verify(self) -> StoredVault:
        """Read every byte of the newest backup; UsageError where there is none, DamagedBackup where it is not whole."""
        name = self._newest()
        return StoredVault(name, self._read(name))

    def erased_subjects(self) -> dict[str, set[str]]:
        """The subjects with a tombstone in each stored backup, by its name; a killed backup may have left a second one.

        No backup has a key of such a subject. Only what comes before the keys is read.
        """
        return {name: tombstones_in(self._lines(name)) for name in self.store.keys(FOLDER)}

    def restore(self, engine: sa.Engine, erased: Sequence[Tombstone]) -> StoredVault:
        """Fill a new vault, without the keys of `erased` subjects; see `write_vault`."""
        name = self._newest()
        return StoredVault(name, write_vault(engine, self._lines(name), erased))

    def _require_continued(self, copy: VaultCopy) -> None:
        """StorageError where a backup has keys that this vault does not have. It is checked before anything is written,
        because a killed process could not delete it again."""
        for key in self.store.keys(FOLDER):
            earlier = self._read(key)
            if not copy.continues(earlier):
                raise StorageError(
                    f"{self.store.url} has the backup of a vault with {earlier.rows['subject_keys']:,} keys, and this "
                    f"one has {copy.rows['subject_keys']:,} or another master key: run `{typed('vault', 'restore')}` "
                    "to get that vault back, or set another VAULT_BACKUP; the backup was not replaced"
                )

    def exists(self) -> bool:
        return next(iter(self.store.keys(FOLDER)), None) is not None

    def _newest(self) -> str:
        """The newest backup: a killed backup may have left two, of which the newer one has all keys of the other."""
        keys = list(self.store.keys(FOLDER))
        if not keys:
            raise UsageError(f"there is no backup of the vault in {self.store.url}: `{typed('vault', 'backup')}`")
        return keys[0] if len(keys) == 1 else max(keys, key=lambda name: (self._read(name).keys_ever, name))

    def _put(self, name: str, blocks: Iterable[bytes]) -> None:
        with scratch_folder(self._scratch, USE) as scratch:
            path, digest = scratch / "vault", hashlib.sha256()
            with path.open("wb") as file:
                for block in blocks:
                    digest.update(block)
                    file.write(block)
            self.store.put_file(name, path, digest.digest())

    def _read(self, name: str) -> VaultCopy:
        return read_vault_lines(self._lines(name))

    def _lines(self, name: str) -> Iterator[bytes]:
        rest = b""
        try:
            for block in decode(self.store.stream(name), CODEC, self._key, name.encode()):
                *lines, rest = (rest + block).split(b"\n")
                yield from lines
        except KeyError:
            raise DamagedBackup(f"{self.store.url}/{name} is gone") from None
        except DamagedBackup as error:
            raise DamagedBackup(f"{self.store.url}/{name}: {error}") from None
        if rest:
            raise DamagedBackup(f"{self.store.url}/{name}: its last line is cut off")


def _require_current(engine: sa.Engine, master_key: str) -> None:
    """StorageError where the vault has another master key by now: with it, a restored vault could not be opened."""
    stored = stored_check_value(engine)
    if master_key and stored not in (None, check_value(MasterKey(bytes.fromhex(master_key)))):
        raise StorageError("the master key was rotated while this process ran: start it again")
