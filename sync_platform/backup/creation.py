"""Making a backup: the catalog at one moment, every file that it names, the evidence, and last the manifest.

A backup that is killed leaves only objects that no manifest lists; the next one uses or replaces them. A backup exists
once every object that it wrote was read back and its manifest is written.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from sync_platform import __version__
from sync_platform.backup.backup_id import BackupKind, new_backup_id
from sync_platform.backup.backup_manifest import FORMAT, BackupManifest, Predecessor, StoredFile, TombstoneHead
from sync_platform.backup.catalog_copy import copy_catalog, keep_only
from sync_platform.backup.file_copies import CopyPolicy, FileCopies, require_as_recorded
from sync_platform.backup.lake_commits import commits_of
from sync_platform.backup.lake_files import CopiedCatalog
from sync_platform.backup.ledger_copy import write_ledger_copy
from sync_platform.backup.repository import ReadManifest, Repository
from sync_platform.backup.scratch_folder import scratch_folder
from sync_platform.errors import MissingFile
from sync_platform.storage.file_lists import FileLists
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lease import Leases
from sync_platform.storage.object_digest import ObjectDigest
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.operation_step import OnStep, ignore_step

ACTIVITY = "backup"
CATALOG_PATH = "catalog.sqlite"
CATALOG_COPIES = 3
"""How often the catalog is copied while files that it names disappear."""
ALWAYS_KEPT = ("main", "lineage", "sync", "quality", "privacy")
"""Schemas that every backup has whole: the history is one chain for all platforms, and what persons asked for holds in
it."""


@dataclass(frozen=True)
class BackedUpInstallation:
    """What is backed up: a lake, the store of its data files, the schema of its history, and a ledger.

    `tombstones`: the last tombstone of the vault; None without the vault.
    """

    lake: LakeAddress
    data: ObjectStore
    history_schema: str
    ledger_url: str
    tombstones: TombstoneHead | None = None


@dataclass(frozen=True)
class CreatedBackup:
    """A backup that exists: its manifest, and the digest of it."""

    manifest: BackupManifest
    digest: str


def create_backup(
    installation: BackedUpInstallation,
    repository: Repository,
    kind: BackupKind,
    policy: CopyPolicy,
    sources: Sequence[str] = (),
    on_step: OnStep = ignore_step,
) -> CreatedBackup:
    """Back up the lake, or only some sources of it. An incremental backup without an earlier one becomes a full one.

    Raises Busy during maintenance or a restore, UsageError for an unknown source, NoLakeYet, and StorageError where
    anything cannot be read or written; then there is no new backup.
    """
    with (
        Leases(installation.ledger_url).hold(ACTIVITY) as lease,
        scratch_folder(installation.lake.temp, ACTIVITY) as scratch,
    ):
        creation = _Creation(installation, repository, policy, sorted(set(sources)) or None, scratch, on_step)
        return creation.run(kind, lease.require)


@dataclass
class _Creation:
    installation: BackedUpInstallation
    repository: Repository
    policy: CopyPolicy
    sources: list[str] | None
    scratch: Path
    on_step: Callable[[str], None]

    def run(self, kind: BackupKind, require_lease: Callable[[], None]) -> CreatedBackup:
        earlier = self.repository.read_manifests()
        previous = next((each for each in reversed(earlier) if self._is_of_same_sources(each)), None)
        kind = "incremental" if kind == "incremental" and previous else "full"
        now = datetime.now(UTC)
        copies = FileCopies(self.repository, earlier, self.scratch, self.policy)
        catalog, files = self._copy_lake(copies, previous if kind == "incremental" else None)
        require_as_recorded(files, self._recorded())
        self.on_step("copying the catalog and the evidence")
        policy = self.policy.encrypted if self.policy.encrypt or self.installation.lake.is_encrypted else self.policy
        files.append(copies.copy_file(catalog.path, CATALOG_PATH, "catalog", policy))
        for name in write_ledger_copy(self.installation.ledger_url, self.scratch):
            files.append(copies.copy_file(self.scratch / name, name, "ledger", policy))
        self.on_step("reading the new objects back")
        copies.read_back()
        digests = {file.path: file.sha256 for file in files}
        manifest = BackupManifest(
            format=FORMAT,
            id=new_backup_id(kind, now),
            kind=kind,
            sequence=_next_sequence(earlier),
            created_at=now,
            sources=self.sources,
            predecessor=_predecessor(earlier),
            snapshot=catalog.snapshots()[-1].number,
            files=files,
            copied=sorted(copies.written),
            tables=catalog.tables(digests),
            commits=commits_of(self.installation.lake, catalog.snapshots()),
            versions=_versions(catalog),
            tombstones=self.installation.tombstones,
        )
        require_lease()
        return CreatedBackup(manifest, self.repository.write_manifest(manifest))

    def _copy_lake(self, copies: FileCopies, previous: ReadManifest | None) -> tuple[CopiedCatalog, list[StoredFile]]:
        """The catalog and its files. Where one is gone, maintenance may have replaced it: a newer catalog is copied."""
        for _ in range(CATALOG_COPIES - 1):
            catalog = self._copy_catalog()
            try:
                return catalog, self._copy_files(copies, catalog, previous)
            except MissingFile as error:
                self.on_step(f"{error}: copying the catalog again")
        catalog = self._copy_catalog()
        return catalog, self._copy_files(copies, catalog, previous)

    def _recorded(self) -> dict[str, ObjectDigest]:
        """The digests of the lake's files as they were written. A damaged list is found by `lineage verify`."""
        lists = FileLists(self.installation.ledger_url)
        try:
            return lists.read()[0]
        finally:
            lists.close()

    def _is_of_same_sources(self, each: ReadManifest) -> bool:
        return each.manifest is not None and each.manifest.sources == self.sources

    def _copy_catalog(self) -> CopiedCatalog:
        self.on_step("copying the catalog")
        path = self.scratch / CATALOG_PATH
        path.unlink(missing_ok=True)
        copy_catalog(self.installation.lake, path)
        if self.sources is not None:
            keep_only(path, [*ALWAYS_KEPT, self.installation.history_schema, *self.sources], self.sources)
        return CopiedCatalog(path)

    def _copy_files(
        self, copies: FileCopies, catalog: CopiedCatalog, previous: ReadManifest | None
    ) -> list[StoredFile]:
        manifest = previous.manifest if previous else None
        copied_before = {file.path: file for file in manifest.with_role("data")} if manifest else {}
        return copies.copy_lake(self.installation.data, catalog.files(), copied_before, self.on_step)


def _next_sequence(earlier: Sequence[ReadManifest]) -> int:
    """A number after every earlier one; a manifest that cannot be read may have any, so each counts."""
    numbers = [each.manifest.sequence for each in earlier if each.manifest]
    return max(numbers, default=0) + len(earlier) - len(numbers) + 1


def _predecessor(earlier: Sequence[ReadManifest]) -> Predecessor | None:
    """The newest backup whose manifest can be read."""
    readable = [each for each in earlier if each.manifest]
    return Predecessor(readable[-1].backup_id, readable[-1].digest) if readable else None


def _versions(catalog: CopiedCatalog) -> dict[str, str]:
    return {"ducklake": catalog.version(), "duckdb": duckdb.__version__, "sync_platform": __version__}
