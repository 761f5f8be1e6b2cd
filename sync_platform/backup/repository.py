"""A repository of backups: content-addressed objects and manifests in one object store, and the key that reads them."""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sync_platform.backup.backup_id import require_backup_id
from sync_platform.backup.backup_manifest import (
    FOLDER,
    BackupManifest,
    StoredFile,
    manifest_digest,
    manifest_key,
    read_body,
    signed_body,
)
from sync_platform.backup.object_format import Codec, decode, encode
from sync_platform.backup.repository_key import RepositoryKey
from sync_platform.errors import DamagedBackup, NotFound, StorageError
from sync_platform.storage.full_disk import full_disk_named
from sync_platform.storage.object_store import BLOCK_BYTES, ObjectStore
from sync_platform.storage.process_files import draft_of

OBJECTS, REMOVED = "objects/", "removed/"


@dataclass(frozen=True)
class StoredObject:
    """An object as written: its name, and the SHA-256 (hex) and the size of its bytes."""

    name: str
    sha256: str
    size_bytes: int


@dataclass(frozen=True)
class ReadManifest:
    """A manifest as found in the store: the manifest, or its problem; and the digest of its bytes."""

    key: str
    digest: str
    manifest: BackupManifest | None
    problem: str | None = None

    @property
    def backup_id(self) -> str:
        return self.key.removeprefix(FOLDER).removesuffix(".json")


class Repository:
    """The backups in a store. Safe to use from several threads. Raises StorageError where the store fails."""

    def __init__(self, store: ObjectStore, key: RepositoryKey) -> None:
        self.store, self.key = store, key

    def name_of(self, sha256: str, codec: Codec) -> str:
        """The name of the object with that content (SHA-256 in hex)."""
        return self.key.object_name(sha256, codec.ending)

    def put_blocks(self, blocks: Iterable[bytes], name: str, scratch: Path) -> StoredObject:
        """Write the content of an object, in constant memory; `scratch` is a folder for its stored form."""
        path = scratch / secrets.token_hex(8)
        digest, size = hashlib.sha256(), 0
        try:
            with path.open("wb") as file:
                for block in encode(blocks, Codec.of(name), self.key.objects, name.encode()):
                    digest.update(block)
                    size += file.write(block)
            self.store.put_file(name, path, digest.digest())
        finally:
            path.unlink(missing_ok=True)
        return StoredObject(name, digest.hexdigest(), size)

    def hash_object(self, name: str) -> StoredObject:
        """Read an object's every byte; KeyError where there is none."""
        digest, size = hashlib.sha256(), 0
        for block in self.store.stream(name):
            digest.update(block)
            size += len(block)
        return StoredObject(name, digest.hexdigest(), size)

    def sizes(self) -> dict[str, int]:
        """The size of every object in the store, by name."""
        return {entry.key: entry.size_bytes for entry in self.store.entries(OBJECTS)}

    def content(self, name: str) -> Iterator[bytes]:
        """The content of an object; DamagedBackup, naming it, where it is missing or changed (see `decode`)."""
        try:
            yield from decode(self.store.stream(name), Codec.of(name), self.key.objects, name.encode())
        except KeyError:
            raise DamagedBackup(f"the object {name} is missing") from None
        except DamagedBackup as error:
            raise DamagedBackup(f"the object {name} is damaged: {error}") from None

    def read_into(self, file: StoredFile, path: Path) -> None:
        """Write a file of a backup to `path`, which appears only when its content is proven.

        DamagedBackup, naming the file and the object, where it is missing or is not what was backed up.
        """
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        try:
            with full_disk_named(path), draft_of(path) as (draft, target):
                for block in self.content(file.name):
                    digest.update(block)
                    target.write(block)
                target.flush()
                os.fsync(target.fileno())
                if digest.hexdigest() != file.sha256:
                    raise DamagedBackup(f"the object {file.name} is not what was backed up")
                draft.replace(path)
        except DamagedBackup as error:
            raise DamagedBackup(f"{file.path}: {error}") from None

    def write_manifest(self, manifest: BackupManifest) -> str:
        """Sign and write a manifest, and read it back; returns its digest. From then on the backup exists."""
        body = signed_body(manifest, self.key.signer)
        key = manifest_key(manifest.id)
        try:
            self.store.put_new(key, body)
        except StorageError:
            if not self._has(key, body):  # where only the answer of the store was lost, the manifest is there
                raise
        if not self._has(key, body):
            raise StorageError(f"{self.store.url}/{key} is not what was written")
        return manifest_digest(body)

    def _has(self, key: str, body: bytes) -> bool:
        try:
            return self.store.get(key) == body
        except KeyError:
            return False

    def read_manifests(self) -> list[ReadManifest]:
        """Every manifest in the store, in order of their sequence; those that cannot be read come last."""
        manifests = [each for key in self.store.keys(FOLDER) if (each := self._read(key)) is not None]
        return sorted(
            manifests, key=lambda each: (each.manifest is None, each.manifest.sequence if each.manifest else 0)
        )

    def manifests(self) -> list[BackupManifest]:
        """Every manifest that can be read, in order of their sequence."""
        return [each.manifest for each in self.read_manifests() if each.manifest]

    def manifest(self, backup_id: str) -> BackupManifest:
        """One manifest; NotFound where there is no such backup, DamagedBackup where it was changed."""
        read = self._read(manifest_key(require_backup_id(backup_id)))
        if read is None:
            raise NotFound(f"there is no backup {backup_id} in {self.store.url}")
        if read.manifest is None:
            raise DamagedBackup(f"the manifest of {backup_id} cannot be used: {read.problem}")
        return read.manifest

    def removed_backups(self) -> set[str]:
        """The ids of backups that retention removed; each has left a note."""
        return {key.removeprefix(REMOVED).removesuffix(".json") for key in self.store.keys(REMOVED)}

    def _read(self, key: str) -> ReadManifest | None:
        try:
            body = self.store.get(key)
        except KeyError:
            return None
        try:
            return ReadManifest(key, manifest_digest(body), read_body(body, key, self.key.signer.public_key))
        except StorageError as error:
            return ReadManifest(key, manifest_digest(body), None, str(error))


def file_blocks(path: Path) -> Iterator[bytes]:
    """The content of a file in blocks."""
    with path.open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block
