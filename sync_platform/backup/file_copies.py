"""Copies of files into a repository: what is there already is not copied again, what is new is read back."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from sync_platform.backup.backup_manifest import Role, StoredFile
from sync_platform.backup.lake_files import LakeFile
from sync_platform.backup.object_format import SAMPLE_BYTES, Codec, is_worth_compressing
from sync_platform.backup.repository import ReadManifest, Repository, StoredObject, file_blocks
from sync_platform.errors import MissingFile, StorageError
from sync_platform.storage.object_digest import ObjectDigest
from sync_platform.storage.object_store import ObjectStore

MAX_NAMED = 3
THREADS = min(4, (os.cpu_count() or 1) + 1)
HELD_BYTES = 16 << 20
"""A file up to this size is read once, and held while it is hashed, compressed and encrypted; a larger one twice."""


@dataclass(frozen=True)
class CopyPolicy:
    """Whether objects are compressed and encrypted."""

    compress: bool
    encrypt: bool

    @property
    def encrypted(self) -> CopyPolicy:
        return replace(self, encrypt=True)


class FileCopies:
    """The copies of one backup. Safe to use from several threads.

    `written`: each object that was written, by name.
    """

    def __init__(
        self, repository: Repository, earlier: Sequence[ReadManifest], scratch: Path, policy: CopyPolicy
    ) -> None:
        self._repository, self._scratch, self._policy = repository, scratch, policy
        self._known = known_objects(earlier)
        self._proven: dict[str, StoredObject] = {}
        self.written: dict[str, StoredObject] = {}
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def copy_lake(
        self,
        data: ObjectStore,
        files: Sequence[LakeFile],
        copied_before: Mapping[str, StoredFile],
        on_step: Callable[[str], None],
    ) -> list[StoredFile]:
        """Copy the files of a lake. Those in `copied_before` are not read again if their object is there.

        MissingFile or StorageError, naming the file, where one is missing or has another size than in the catalog.
        """
        total, done = sum(file.size_bytes for file in files), 0
        stored: list[StoredFile] = []
        with ThreadPoolExecutor(THREADS) as pool:
            try:
                copied = pool.map(lambda each: self._copy(data, each, copied_before), files)
                for file, entry in zip(files, copied, strict=True):
                    stored.append(entry)
                    done += file.size_bytes
                    on_step(f"{len(stored):,} of {len(files):,} files, {done / 1e6:,.1f} of {total / 1e6:,.1f} MB")
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        return stored

    def copy_file(self, path: Path, name: str, role: Role, policy: CopyPolicy) -> StoredFile:
        """Copy a file of this machine; `name`: its path in the backup."""
        return self._stored(lambda: file_blocks(path), name, role, path.stat().st_size, policy)

    def read_back(self) -> None:
        """Read everything that was written; StorageError, naming the object, where it is not what was written."""
        with ThreadPoolExecutor(THREADS) as pool:
            for written, read in zip(self.written.values(), pool.map(self._hash, self.written), strict=True):
                if read != written:
                    raise StorageError(
                        f"{self._repository.store.url}/{written.name} is not what was written: the store lost or "
                        "changed it; there is no new backup"
                    )

    def _hash(self, name: str) -> StoredObject | None:
        try:
            return self._repository.hash_object(name)
        except KeyError:
            return None

    def _copy(self, data: ObjectStore, file: LakeFile, copied_before: Mapping[str, StoredFile]) -> StoredFile:
        before = copied_before.get(file.path)
        if before is not None and before.size_bytes == file.size_bytes and self._is_usable(before):
            return before
        try:
            return self._stored(lambda: data.stream(file.path), file.path, "data", file.size_bytes, self._policy)
        except KeyError:
            raise MissingFile(f"the catalog names {data.url}/{file.path}, and the file is missing") from None

    def _is_usable(self, before: StoredFile) -> bool:
        """True if the object is there with a size that it was written with, and is encrypted if it should be."""
        if self._policy.encrypt and not Codec.of(before.name).is_encrypted:
            return False
        return self._sizes.get(before.name) in {each.size_bytes for each in self._known.get(before.name, ())}

    @cached_property
    def _sizes(self) -> dict[str, int]:
        return self._repository.sizes()

    def _stored(
        self, blocks: Callable[[], Iterator[bytes]], path: str, role: Role, size: int, policy: CopyPolicy
    ) -> StoredFile:
        held = list(blocks()) if size <= HELD_BYTES else None
        sha256, read, sample = _digest(blocks() if held is None else held)
        if read != size:
            raise StorageError(f"{path} has {read:,} bytes, and {size:,} in the catalog: it is damaged")
        codec = Codec(policy.compress and is_worth_compressing(sample), policy.encrypt)
        name = self._repository.name_of(sha256, codec)
        with self._lock_of(name):  # two files may have the same content
            stored = self._proven_object(name) or self._put(blocks() if held is None else held, name)
        return StoredFile(path, role, sha256, size, name, stored.sha256, stored.size_bytes)

    def _proven_object(self, name: str) -> StoredObject | None:
        """The object with that name if it is what an earlier backup wrote, or this one; its every byte is read."""
        if name in self.written or name in self._proven:
            return self.written.get(name) or self._proven[name]
        recorded = self._known.get(name)
        stored = self._hash(name) if recorded else None
        if stored is None or stored not in (recorded or ()):
            return None
        self._proven[name] = stored
        return stored

    def _put(self, blocks: Iterable[bytes], name: str) -> StoredObject:
        stored = self.written[name] = self._repository.put_blocks(blocks, name, self._scratch)
        return stored

    def _lock_of(self, name: str) -> threading.Lock:
        with self._lock:
            return self._locks.setdefault(name, threading.Lock())


def require_as_recorded(files: Iterable[StoredFile], recorded: Mapping[str, ObjectDigest]) -> None:
    """StorageError, naming the first files, where one is not what it was when the lake wrote it.

    `recorded`: the digest of each file, by its path. A file that is not recorded yet is taken as it is.
    """
    changed = [each for each in files if each.path in recorded and each.sha256 != recorded[each.path].sha256]
    if changed:
        named = "; ".join(
            f"{each.path} had the SHA-256 {recorded[each.path].sha256}, and has {each.sha256}"
            for each in changed[:MAX_NAMED]
        )
        more = f", and {len(changed) - MAX_NAMED:,} more" if len(changed) > MAX_NAMED else ""
        raise StorageError(
            f"files of the lake were changed after they were written: {named}{more}; there is no new backup. An "
            "earlier backup has them as they were"
        )


def known_objects(manifests: Iterable[ReadManifest]) -> dict[str, set[StoredObject]]:
    """Every form in which an object was written, by name.

    An object that was damaged and written again has another form than before, because encryption is random. Its name
    stands for its content, so every form that a signed manifest lists is right.
    """
    objects: dict[str, set[StoredObject]] = {}
    for each in manifests:
        for file in each.manifest.files if each.manifest else ():
            objects.setdefault(file.name, set()).add(StoredObject(file.name, file.stored_sha256, file.stored_bytes))
    return objects


def _digest(blocks: Iterable[bytes]) -> tuple[str, int, bytes]:
    """The SHA-256 (hex), the size, and the first bytes of a stream."""
    digest, size, sample = hashlib.sha256(), 0, b""
    for block in blocks:
        sample = sample or block[:SAMPLE_BYTES]
        digest.update(block)
        size += len(block)
    return digest.hexdigest(), size, sample
