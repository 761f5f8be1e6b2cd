"""The replica: every backup copied to a second store, without any key, and read back there.

Objects are copied as they are stored. A manifest is copied last, so a replica never lists what it does not have.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from sync_platform.backup.backup_manifest import FOLDER, BackupManifest, manifest_key
from sync_platform.backup.file_copies import known_objects
from sync_platform.backup.repository import OBJECTS, REMOVED, Repository, StoredObject, file_blocks
from sync_platform.backup.repository_key import KEY_FILE
from sync_platform.backup.tombstone_store import FOLDER as TOMBSTONES
from sync_platform.errors import DamagedBackup, StorageError
from sync_platform.storage.held_lock import needs_no_lock
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.operation_step import OnStep, ignore_step

LEASE = "replica"
"""The lease of replication and of retention in the replica: what is copied there is not deleted meanwhile."""


@dataclass
class ReplicaReport:
    """What was copied: ids of backups, objects and bytes. `skipped`: backups that cannot be copied, each with why."""

    store: str
    backups: list[str] = field(default_factory=list)
    objects: int = 0
    bytes_copied: int = 0
    skipped: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        return vars(self)


def replicate(
    repository: Repository,
    replica: ObjectStore,
    scratch: Path,
    on_step: OnStep = ignore_step,
    require_lock: Callable[[], None] = needs_no_lock,
) -> ReplicaReport:
    """Copy every backup that the replica does not have; repeats nothing. Continues where a killed one stopped.

    A backup that retention removed from the replica is not copied again. One that is made meanwhile is copied too, and
    one that retention removes meanwhile is not missed. The tombstones are copied too, since a restore
    needs them. `require_lock` is asked before each manifest, and raises where retention may delete in the replica by
    now. A damaged backup is skipped and reported. StorageError where the replica fails, or is of other backups.
    """
    _copy_key_file(repository.store, replica)
    report = ReplicaReport(replica.url)
    _copy_tombstones(repository.store, replica)
    sizes = {entry.key: entry.size_bytes for entry in replica.entries(OBJECTS)}
    listed_keys = None
    while (keys := set(repository.store.keys(FOLDER))) != listed_keys:  # others make and remove backups meanwhile
        listed_keys = keys
        _copy_missing(repository, replica, sizes, scratch, report, on_step, require_lock)
    for key in repository.store.keys(REMOVED):
        replica.put(key, repository.store.get(key))
    return report


def _copy_missing(
    repository: Repository,
    replica: ObjectStore,
    sizes: dict[str, int],
    scratch: Path,
    report: ReplicaReport,
    on_step: OnStep,
    require_lock: Callable[[], None],
) -> None:
    """Copy every backup that the repository has now and the replica does not have."""
    there = {*replica.keys(FOLDER), *(key.replace(REMOVED, FOLDER) for key in replica.keys(REMOVED))}
    manifests = repository.read_manifests()
    stored = known_objects(manifests)
    report.skipped = []
    for read in manifests:
        if read.key in there:
            continue
        if read.manifest is None:
            report.skipped.append(f"{read.backup_id}: {read.problem}")
            continue
        on_step(f"copying {read.backup_id}")
        try:
            _copy_backup(repository.store, replica, read.manifest, stored, sizes, scratch, report, require_lock)
        except DamagedBackup as error:
            report.skipped.append(f"{read.backup_id}: {error}")
            continue
        report.backups.append(read.backup_id)


def _copy_key_file(store: ObjectStore, replica: ObjectStore) -> None:
    """Copy `repository.json`; StorageError where the replica has that of other backups."""
    body = store.get(KEY_FILE)
    try:
        replica_key = msgspec.json.decode(replica.get(KEY_FILE))
    except KeyError:
        replica_key = None
    if replica_key is not None and replica_key.get("public_key") != msgspec.json.decode(body)["public_key"]:
        raise StorageError(
            f"{replica.url} has other backups than {store.url}: a replica needs a place of its own. If the backups of "
            f"{store.url} were lost, use the replica in its place (S3_BACKUP_BUCKET), and name a new replica"
        )
    replica.put(KEY_FILE, body)


def _copy_tombstones(store: ObjectStore, replica: ObjectStore) -> None:
    """Copy the tombstones that the replica does not have; nothing is overwritten."""
    there = set(replica.keys(TOMBSTONES))
    for key in store.keys(TOMBSTONES):
        if key not in there:
            replica.put_new(key, store.get(key))


def _copy_backup(
    store: ObjectStore,
    replica: ObjectStore,
    manifest: BackupManifest,
    stored: Mapping[str, set[StoredObject]],
    sizes: dict[str, int],
    scratch: Path,
    report: ReplicaReport,
    require_lock: Callable[[], None],
) -> None:
    for name in {file.name for file in manifest.files}:
        if sizes.get(name) not in {each.size_bytes for each in stored[name]}:
            sizes[name] = _copy_object(store, replica, name, stored[name], scratch)
            report.objects += 1
            report.bytes_copied += sizes[name]
    key = manifest_key(manifest.id)
    try:
        body = store.get(key)
    except KeyError:
        raise DamagedBackup(f"the manifest {key} is missing") from None
    require_lock()
    replica.put_new(key, body)
    if replica.get(key) != body:
        raise StorageError(f"{replica.url}/{key} is not what was written")


def _copy_object(store: ObjectStore, replica: ObjectStore, name: str, stored: set[StoredObject], scratch: Path) -> int:
    """Copy one object, and read it back; returns its size. DamagedBackup where its source is not what was written."""
    path = scratch / "object"
    try:
        with path.open("wb") as target:
            for block in store.stream(name):
                target.write(block)
    except KeyError:
        raise DamagedBackup(f"the object {name} is missing") from None
    copied = _hashed(name, file_blocks(path))
    if copied not in stored:
        raise DamagedBackup(f"the object {name} is damaged")
    replica.put_file(name, path, bytes.fromhex(copied.sha256))
    path.unlink()
    if _hashed(name, replica.stream(name)) != copied:
        raise StorageError(f"{replica.url}/{name} is not what was written")
    return copied.size_bytes


def _hashed(name: str, blocks: Iterable[bytes]) -> StoredObject:
    digest, size = hashlib.sha256(), 0
    for block in blocks:
        digest.update(block)
        size += len(block)
    return StoredObject(name, digest.hexdigest(), size)
