"""A backup as a read-only lake in a folder: its catalog and the needed files, each compared with its SHA-256.

What belongs here: fetching from the repository. A staged lake lies beside one in use (restore_into_lake.py), or is
committed again as of one of its commits (point_in_time.py).
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

from sync_platform.backup.backup_manifest import BackupManifest, StoredFile
from sync_platform.backup.catalog_copy import keep_only
from sync_platform.backup.file_copies import THREADS
from sync_platform.backup.lake_files import CopiedCatalog
from sync_platform.backup.repository import Repository, file_blocks
from sync_platform.errors import DamagedBackup, StorageError
from sync_platform.storage.disk_flush import flush_files
from sync_platform.storage.full_disk import full_disk_named
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.operation_step import OnStep
from sync_platform.storage.process_files import remove_left_drafts_below

KNOWN_VERSIONS = ("1.0",)
"""The versions of DuckLake's catalog format that this program reads."""


def stage_backup(
    repository: Repository,
    manifest: BackupManifest,
    folder: Path,
    on_step: OnStep,
    schemas: Collection[str] = (),
    folders: Collection[str] = ("",),
    snapshot: int | None = None,
) -> Lake:
    """A read-only lake in `folder`, a new one, at a snapshot of the backup (default: its newest).

    `schemas`: only these; all if none is named. `folders`: only files whose paths begin with one of these. Raises
    DamagedBackup, naming the file, where one is not what was backed up.
    """
    catalog, data = folder / "catalog.sqlite", folder / "data"
    fetch_catalog(repository, manifest, catalog, str(data), schemas)
    wanted = [file for file in files_of(manifest, catalog) if file.path.startswith(tuple(folders))]
    fetch_files(repository, wanted, data, on_step)
    address = LakeAddress(f"sqlite:{catalog}", str(data), folder / "temp")
    return Lake(address, read_only=True, snapshot=snapshot)


def fetch_catalog(
    repository: Repository, manifest: BackupManifest, target: Path, data_path: str, schemas: Collection[str] = ()
) -> None:
    """Write the backup's catalog to `target`, for data files in `data_path`; only `schemas`, if any are named.

    StorageError where it is of a newer format than this program reads.
    """
    version = manifest.versions.get("ducklake", "")
    if version not in KNOWN_VERSIONS:
        raise StorageError(
            f"{manifest.id} has a catalog of format {version or 'unknown'}, and this program reads "
            f"{', '.join(KNOWN_VERSIONS)}: use a newer version of this program; nothing was restored"
        )
    repository.read_into(manifest.catalog, target)
    with full_disk_named(target):
        if schemas:
            keep_only(target, schemas, ())
        with closing(sqlite3.connect(target)) as connection:
            with connection:
                connection.execute(
                    "UPDATE ducklake_metadata SET value = ? WHERE key = 'data_path'", [f"{data_path.rstrip('/')}/"]
                )
            connection.execute("PRAGMA journal_mode=WAL")


def files_of(manifest: BackupManifest, catalog: Path) -> list[StoredFile]:
    """The files that a fetched catalog names; DamagedBackup where the manifest does not list one."""
    files = {file.path: file for file in manifest.with_role("data")}
    named = [file.path for file in CopiedCatalog(catalog).files()]
    if missing := [path for path in named if path not in files]:
        raise DamagedBackup(f"{manifest.id}: its catalog names {missing[0]}, which is not in its manifest")
    return [files[path] for path in named]


def fetch_files(repository: Repository, files: Collection[StoredFile], data: Path, on_step: OnStep) -> None:
    """Write files to the folder `data`; those that are there already, with the right content, stay.

    What a killed process left of a file is removed.
    """
    remove_left_drafts_below(data)

    def fetch(file: StoredFile) -> None:
        path = data / file.path
        if not _is_there(file, path):
            repository.read_into(file, path)

    work_on_each(files, fetch, on_step)
    with full_disk_named(data):
        flush_files((str(data / file.path) for file in files), data)


def work_on_each(files: Collection[StoredFile], work: Callable[[StoredFile], None], on_step: OnStep) -> None:
    """Do the work for every file, several at a time; `on_step` is called with the progress."""
    total, size, done = len(files), sum(file.size_bytes for file in files), 0
    with ThreadPoolExecutor(THREADS) as pool:
        try:
            for number, (file, _) in enumerate(zip(files, pool.map(work, files), strict=True), 1):
                done += file.size_bytes
                on_step(f"{number:,} of {total:,} files, {done / 1e6:,.1f} of {size / 1e6:,.1f} MB")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _is_there(file: StoredFile, path: Path) -> bool:
    if not path.exists() or path.stat().st_size != file.size_bytes:
        return False
    digest = hashlib.sha256()
    for block in file_blocks(path):
        digest.update(block)
    return digest.hexdigest() == file.sha256
