"""The key of a repository: random, made once, and stored in the repository wrapped by the master key.

A recovery key, kept elsewhere, wraps it a second time: with it the backups can be read where the vault and its master
key are lost. Every use derives its own key from the repository key.
"""

from __future__ import annotations

import hmac
import secrets
from typing import Any

import msgspec

from sync_platform.documents.typed_command import typed
from sync_platform.errors import DamagedBackup, StorageError
from sync_platform.storage.object_store import ObjectStore
from sync_platform.vault.key_wrapping import KeyWrapping
from sync_platform.vault.master_key import MASTER_KEY_BYTES, MasterKey
from sync_platform.vault.signature import Signer

FORMAT = "sync-platform backup repository 1"
KEY_FILE = "repository.json"
RECOVERY_USE = "backup-recovery"
RECOVERY_PREFIX = "sync-platform-recovery-"


class RepositoryKey:
    """What is derived from the key of a repository."""

    def __init__(self, material: bytes) -> None:
        self.material = material
        key = MasterKey(material)
        self.objects = key.derive("backup-objects")
        self.signer = Signer(key, "backup-manifests")
        self._names = key.derive("backup-object-names")

    def object_name(self, sha256: str, ending: str) -> str:
        """The name of the object with that content: nobody without the key can compare it with a known file."""
        name = hmac.digest(self._names, f"{sha256}{ending}".encode(), "sha256").hex()
        return f"objects/{name[:2]}/{name}{ending}"


class StoredKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`repository.json`: the wrapped key, and the public key that verifies manifests, in hex; and a signature."""

    format: str
    public_key: str
    wrapped_key: str
    recovery_wrapped_key: str = ""
    signature: str = ""

    def signed(self, signer: Signer) -> StoredKey:
        unsigned = msgspec.structs.replace(self, signature="")
        return msgspec.structs.replace(self, signature=signer.sign(msgspec.json.encode(unsigned)))


def open_repository_key(store: ObjectStore, wrapping: KeyWrapping, *, may_create: bool = False) -> RepositoryKey:
    """The key of the repository in a store, unwrapped by the master key.

    StorageError where the store has none (unless it `may_create` one), where it was lost, or where another key
    wrapped it.
    """
    stored = read_stored_key(store)
    if stored is None:
        if not may_create or _has_backups(store):
            raise no_backup_in(store)
        key = RepositoryKey(secrets.token_bytes(MASTER_KEY_BYTES))
        made = StoredKey(FORMAT, key.signer.public_key, wrapping.wrap(key.material))
        store.put_new(KEY_FILE, _body(made.signed(key.signer)))
        return key
    return _unwrapped(store, stored, wrapping, stored.wrapped_key, "the master key")


def no_backup_in(store: ObjectStore) -> StorageError:
    """The error for a store without a key: no backup was ever made there, or the key was lost."""
    if _has_backups(store):
        return StorageError(
            f"{store.url}/{KEY_FILE} is gone, and without its key no backup there can be read: put its copy back, "
            "such as that of a replica. To give these backups up, take another store (S3_BACKUP_BUCKET)"
        )
    return StorageError(
        f"there is no backup in {store.url}: is this the store of your backups (SYNC_HOME, S3_BACKUP_BUCKET)? "
        f"`{typed('backup', 'create')}` makes the first one"
    )


def _has_backups(store: ObjectStore) -> bool:
    """True if there is the manifest of a backup. The key is stored before every manifest."""
    return next(iter(store.keys("manifests/")), None) is not None


def open_with_recovery_key(store: ObjectStore, recovery_key: str) -> RepositoryKey:
    """The key of the repository in a store, unwrapped by the recovery key; StorageError where that is not its key."""
    stored = read_stored_key(store)
    if stored is None:
        raise no_backup_in(store)
    if not stored.recovery_wrapped_key:
        raise StorageError(f"no recovery key was ever made for {store.url}: `{typed('backup', 'recovery-key')}`")
    wrapping = _recovery_wrapping(recovery_key)
    return _unwrapped(store, stored, wrapping, stored.recovery_wrapped_key, "the recovery key")


def make_recovery_key(store: ObjectStore, key: RepositoryKey) -> str:
    """Make a new recovery key for the repository, in place of an earlier one; returns it. It is stored nowhere."""
    stored = read_stored_key(store)
    if stored is None:
        raise no_backup_in(store)
    recovery_key = RECOVERY_PREFIX + secrets.token_hex(MASTER_KEY_BYTES)
    wrapped = _recovery_wrapping(recovery_key).wrap(key.material)
    changed = msgspec.structs.replace(stored, recovery_wrapped_key=wrapped)
    store.put(KEY_FILE, _body(changed.signed(key.signer)))
    return recovery_key


def rewrap_repository_key(store: ObjectStore, wrapping: KeyWrapping) -> bool:
    """Wrap the key of a repository by the present master key; False where that is done, or where there is no backup.

    Objects, manifests and the recovery key stay as they are.
    """
    stored = read_stored_key(store)
    if stored is None or wrapping.is_current(stored.wrapped_key):
        return False
    key = _unwrapped(store, stored, wrapping, stored.wrapped_key, "the master key")
    changed = msgspec.structs.replace(stored, wrapped_key=wrapping.wrap(key.material))
    store.put(KEY_FILE, _body(changed.signed(key.signer)))
    return True


def read_stored_key(store: ObjectStore) -> StoredKey | None:
    """`repository.json` of a store; None where there is none. DamagedBackup where it cannot be read."""
    try:
        body = store.get(KEY_FILE)
    except KeyError:
        return None
    try:
        document: Any = msgspec.json.decode(body)
        if document["format"] != FORMAT:
            raise StorageError(
                f"{store.url}/{KEY_FILE} is of another format, {document['format']!r}: use a newer version of this "
                "program; nothing was read or written"
            )
        stored = msgspec.convert(document, StoredKey)
        if _body(stored) != body:
            raise DamagedBackup(f"{store.url}/{KEY_FILE} was changed after it was signed: restore it from a replica")
        return stored
    except (msgspec.MsgspecError, KeyError, TypeError, UnicodeDecodeError):
        raise DamagedBackup(f"{store.url}/{KEY_FILE} was changed: restore it from a replica") from None


def _unwrapped(store: ObjectStore, stored: StoredKey, wrapping: KeyWrapping, wrapped: str, what: str) -> RepositoryKey:
    try:
        key = RepositoryKey(wrapping.unwrap(wrapped))
    except StorageError:
        raise StorageError(
            f"{what} is not the one of the backups in {store.url}, or {KEY_FILE} was changed: use the key that they "
            "were made with, or the newest recovery key (BACKUP_RECOVERY_KEY_FILE); nothing was read or written"
        ) from None
    if stored.signed(key.signer) != stored or key.signer.public_key != stored.public_key:
        raise DamagedBackup(f"{store.url}/{KEY_FILE} was changed after it was signed: restore it from a replica")
    return key


def _recovery_wrapping(recovery_key: str) -> KeyWrapping:
    try:
        material = bytes.fromhex(recovery_key.strip().removeprefix(RECOVERY_PREFIX))
    except ValueError:
        material = b""
    if len(material) != MASTER_KEY_BYTES:
        raise StorageError(f"this is not a recovery key: it has the form {RECOVERY_PREFIX} and 64 hex digits")
    return KeyWrapping(MasterKey(material), RECOVERY_USE)


def _body(stored: StoredKey) -> bytes:
    return msgspec.json.format(msgspec.json.encode(stored), indent=2) + b"\n"
