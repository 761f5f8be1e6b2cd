"""Verification of backups: every byte of every object, manifests against the audit log, catalogs against files.

An object that an interrupted backup left is no finding: no manifest lists it, and its content is what its name says.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sync_platform.backup.backup_manifest import BackupManifest, StoredFile
from sync_platform.backup.file_copies import THREADS, known_objects
from sync_platform.backup.lake_files import CopiedCatalog, LakeFile
from sync_platform.backup.made_backups import made_backups
from sync_platform.backup.object_format import Codec
from sync_platform.backup.repository import ReadManifest, Repository, StoredObject
from sync_platform.errors import DamagedBackup, StorageError, UsageError
from sync_platform.storage.audit_log import AuditEntry
from sync_platform.storage.operation_step import OnStep, ignore_step


@dataclass(frozen=True)
class BackupFinding:
    """Something that is not as it should be. `backups`: the ids of the backups that cannot be restored from it."""

    where: str
    what: str
    backups: tuple[str, ...] = ()

    def __str__(self) -> str:
        needed = f" (needed by {', '.join(self.backups)})" if self.backups else ""
        return f"{self.where}: {self.what}{needed}"

    def document(self) -> dict[str, Any]:
        return {"where": self.where, "what": self.what, "backups": list(self.backups)}


@dataclass
class BackupFindings:
    """The result: what was read, and what was found. `left`: objects of interrupted backups, which harm nothing."""

    backups: list[str] = field(default_factory=list)
    objects: int = 0
    bytes_read: int = 0
    left: int = 0
    found: list[BackupFinding] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.found

    def document(self) -> dict[str, Any]:
        return {
            "holds": self.holds,
            "backups": self.backups,
            "objects": self.objects,
            "bytes_read": self.bytes_read,
            "objects_left_by_interrupted_backups": self.left,
            "findings": [each.document() for each in self.found],
        }


def verify_backups(
    repository: Repository,
    audit_log: Sequence[AuditEntry],
    scratch: Path,
    backup_id: str | None = None,
    *,
    verifies_all: bool = False,
    log_problem: str | None = None,
    on_step: OnStep = ignore_step,
) -> BackupFindings:
    """Verify one backup with all before it down to its full one; the newest if none is named; or all backups.

    `log_problem`: why the audit log does not name every backup, which is a finding.

    UsageError for an unknown id. A damaged backup is a finding, not an error; StorageError where the store fails.
    """
    findings = BackupFindings(found=[BackupFinding("audit log", log_problem)] if log_problem else [])
    read = repository.read_manifests()
    on_step("manifests")
    _check_manifests(repository, read, audit_log, findings)
    chosen = _chosen_manifests(read, backup_id, verifies_all, repository, findings)
    findings.backups = [each.id for each in chosen]
    _check_objects(repository, read, chosen, findings, on_step)
    _check_unlisted(repository, read, findings)
    for manifest in chosen:
        on_step(f"the catalog of {manifest.id}")
        _check_catalog(repository, manifest, scratch, findings)
    return findings


def _chosen_manifests(
    read: Sequence[ReadManifest],
    backup_id: str | None,
    verifies_all: bool,
    repository: Repository,
    findings: BackupFindings,
) -> list[BackupManifest]:
    readable = [each.manifest for each in read if each.manifest]
    if verifies_all:
        return readable
    if backup_id is not None and backup_id not in {each.backup_id for each in read}:
        if any(finding.where == f"backup {backup_id}" for finding in findings.found):
            return []  # it is gone, which is a finding
        raise UsageError(f"there is no backup {backup_id} in {repository.store.url}")
    last = next((each for each in reversed(readable) if backup_id in (None, each.id)), None)
    return chain_of(last, readable) if last else []


def chain_of(last: BackupManifest, manifests: Sequence[BackupManifest]) -> list[BackupManifest]:
    """A backup and those of the same sources before it, down to the newest full one, oldest first."""
    chain: list[BackupManifest] = []
    for each in sorted(manifests, key=lambda each: -each.sequence):
        if each.sequence <= last.sequence and each.sources == last.sources:
            chain.insert(0, each)
            if each.kind == "full":
                break
    return chain


def _check_manifests(
    repository: Repository, read: Sequence[ReadManifest], audit_log: Sequence[AuditEntry], findings: BackupFindings
) -> None:
    """Each manifest is whole, is the one that the audit log names, and none is missing."""
    digests = {each.backup_id: each.digest for each in read}
    for each in read:
        if each.problem:
            findings.found.append(BackupFinding(f"manifest {each.backup_id}", each.problem, (each.backup_id,)))
    removed = repository.removed_backups()
    missing: dict[str, str] = {}
    for each in read:
        before = each.manifest.predecessor if each.manifest else None
        if before is not None and before.id not in removed:
            _compare(before.id, before.digest, digests, f"{each.backup_id} follows on it", missing, findings)
    for made in made_backups(audit_log, repository.store.url):
        if made.id not in removed:
            _compare(made.id, made.digest, digests, made.in_words, missing, findings)
    findings.found += [BackupFinding(f"backup {gone}", f"it is gone, though {why}") for gone, why in missing.items()]


def _compare(
    backup_id: str,
    digest: str,
    digests: dict[str, str],
    why: str,
    missing: dict[str, str],
    findings: BackupFindings,
) -> None:
    if backup_id not in digests:
        missing.setdefault(backup_id, why)
    elif digests[backup_id] != digest and not any(each.where == f"manifest {backup_id}" for each in findings.found):
        what = f"it is not the manifest that was written: {why}, with another digest"
        findings.found.append(BackupFinding(f"manifest {backup_id}", what, (backup_id,)))


def _check_objects(
    repository: Repository,
    read: Sequence[ReadManifest],
    chosen: Sequence[BackupManifest],
    findings: BackupFindings,
    on_step: Callable[[str], None],
) -> None:
    """Every byte of every object is what was written."""
    recorded = known_objects(read)
    files: dict[str, list[tuple[BackupManifest, StoredFile]]] = {}
    for manifest in chosen:
        for file in manifest.files:
            files.setdefault(file.name, []).append((manifest, file))
    with ThreadPoolExecutor(THREADS) as pool:
        for name, stored in zip(files, pool.map(lambda each: _hashed(repository, each), files), strict=True):
            findings.objects += 1
            findings.bytes_read += stored.size_bytes if stored else 0
            if findings.objects % 20 == 0:
                on_step(f"{findings.objects:,} of {len(files):,} objects, {findings.bytes_read / 1e6:,.1f} MB")
            if stored is None or stored not in recorded[name]:
                backups = tuple(manifest.id for manifest, _ in files[name])
                what = f"{_problem(stored, recorded[name])}; it holds {files[name][0][1].path}"
                findings.found.append(BackupFinding(f"object {name}", what, backups))


def _hashed(repository: Repository, name: str) -> StoredObject | None:
    try:
        return repository.hash_object(name)
    except KeyError:
        return None


def _problem(stored: StoredObject | None, recorded: Iterable[StoredObject]) -> str:
    if stored is None:
        return "it is missing"
    sizes = sorted({each.size_bytes for each in recorded})
    if stored.size_bytes not in sizes:
        return f"it has {stored.size_bytes:,} bytes, and was written with {sizes[0]:,}"
    return f"its bytes were changed: their SHA-256 is {stored.sha256}"


def _check_unlisted(repository: Repository, read: Sequence[ReadManifest], findings: BackupFindings) -> None:
    """An object that no manifest lists was left by an interrupted backup, or it does not belong there."""
    names = known_objects(read).keys()
    for name in repository.sizes():
        if name not in names:
            if _is_what_its_name_says(repository, name):
                findings.left += 1
            else:
                what = "no backup lists it, and its content is not what its name says: it is a copy or a foreign file"
                findings.found.append(BackupFinding(f"object {name}", what))


def _is_what_its_name_says(repository: Repository, name: str) -> bool:
    digest = hashlib.sha256()
    try:
        for block in repository.content(name):
            digest.update(block)
    except DamagedBackup:
        return False
    return repository.name_of(digest.hexdigest(), Codec.of(name)) == name


def _check_catalog(repository: Repository, manifest: BackupManifest, scratch: Path, findings: BackupFindings) -> None:
    """The catalog names exactly the files of the manifest, and its tables and snapshots are those of the manifest."""
    path = scratch / f"{manifest.id}.sqlite"
    try:
        repository.read_into(manifest.catalog, path)
        catalog = CopiedCatalog(path)
        named = set(catalog.files())
        files = {LakeFile(file.path, file.size_bytes) for file in manifest.with_role("data")}
        absent, extra = sorted(named - files, key=str), sorted(files - named, key=str)
        problems = [f"its catalog names {file.path}, which it does not have" for file in absent]
        problems += [f"it has {file.path}, which its catalog does not name" for file in extra]
        if not problems and catalog.tables({file.path: file.sha256 for file in manifest.files}) != manifest.tables:
            problems.append("its catalog has other tables than its manifest")
        if [each.number for each in catalog.snapshots()] != [each.snapshot for each in manifest.commits]:
            problems.append("its catalog has other snapshots than its manifest")
    except DamagedBackup:
        return  # found above, by its name
    except StorageError as error:
        problems = [str(error)]
    finally:
        path.unlink(missing_ok=True)
    findings.found += [BackupFinding(f"backup {manifest.id}", problem, (manifest.id,)) for problem in problems]
