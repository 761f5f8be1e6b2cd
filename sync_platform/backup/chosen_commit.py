"""Which commit of which backup is restored: the newest of a backup, or the one that was current at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_platform.backup.backup_id import created_at_of, is_backup_id
from sync_platform.backup.backup_manifest import BackedUpCommit, BackupManifest
from sync_platform.backup.repository import ReadManifest, Repository
from sync_platform.documents.local_time import local_time
from sync_platform.documents.typed_command import typed
from sync_platform.errors import DamagedBackup, UsageError


@dataclass(frozen=True)
class ChosenCommit:
    """A commit of a backup."""

    manifest: BackupManifest
    commit: BackedUpCommit

    @property
    def is_newest(self) -> bool:
        """True if it is the state that the backup was made of, which is restored file by file."""
        return self.commit.snapshot == self.manifest.snapshot

    @property
    def in_words(self) -> str:
        return f"{self.manifest.id}, commit {self.commit.snapshot} of {local_time(self.commit.at)}"


def choose_commit(
    repository: Repository, backup_id: str | None, moment: datetime | None, sources: Sequence[str] = ()
) -> ChosenCommit:
    """The newest commit of a backup, or the commit that was current at a moment, of all backups that have it.

    UsageError where there is no such backup, where none has all of `sources`, or where the moment lies before the
    oldest commit in any backup. DamagedBackup where the manifest of a newer backup, which may have a newer commit,
    cannot be used.
    """
    if backup_id is not None:
        manifest = repository.manifest(backup_id)
        _require_sources(manifest, sources)
        return _newest(manifest)
    read = repository.read_manifests()
    manifests = [each.manifest for each in read if each.manifest]
    manifests = [each for each in manifests if each.commits and _has_sources(each, sources)]
    if not manifests:
        _require_usable(read, None)
        raise UsageError(
            f"there is no backup{_of_sources(sources)} in {repository.store.url}: `{typed('backup', 'create')}`"
        )
    if moment is None or all(commit.at <= moment for each in manifests for commit in each.commits):
        _require_usable(read, manifests[-1])
    if moment is None:
        return _newest(manifests[-1])
    commits = [
        ChosenCommit(manifest, commit) for manifest in manifests for commit in manifest.commits if commit.at <= moment
    ]
    if not commits:
        oldest = min(manifest.commits[0].at for manifest in manifests)
        raise UsageError(
            f"--at {local_time(moment)}: the oldest commit in any backup{_of_sources(sources)} "
            f"is of {local_time(oldest)}"
        )
    # the state that a backup was made of is restored faster than an earlier commit of a later backup
    return max(commits, key=lambda each: (each.commit.at, each.is_newest, each.manifest.sequence))


def _require_usable(read: Sequence[ReadManifest], newest: BackupManifest | None) -> None:
    """DamagedBackup where a manifest cannot be used and is newer than `newest`, by the time in its name."""
    for each in read:
        is_unusable = each.manifest is None and is_backup_id(each.backup_id)
        if is_unusable and (newest is None or created_at_of(each.backup_id) > newest.created_at):
            instead = f"restore {newest.id} by its id" if newest else "restore from a replica"
            raise DamagedBackup(
                f"the manifest of {each.backup_id} cannot be used: {each.problem}; nothing was restored. To do "
                f"without it, {instead}"
            )


def _newest(manifest: BackupManifest) -> ChosenCommit:
    if manifest.newest_commit is None:
        raise UsageError(f"{manifest.id} holds no commit: there is nothing to restore")
    return ChosenCommit(manifest, manifest.newest_commit)


def _has_sources(manifest: BackupManifest, sources: Sequence[str]) -> bool:
    if sources:
        return set(sources) <= _sources_of(manifest)
    return manifest.sources is None


def _require_sources(manifest: BackupManifest, sources: Sequence[str]) -> None:
    if missing := sorted(set(sources) - _sources_of(manifest)):
        has = ", ".join(sorted(_sources_of(manifest)))
        raise UsageError(f"{manifest.id} has nothing of {', '.join(missing)}; it has {has}")


def _sources_of(manifest: BackupManifest) -> set[str]:
    return {table.split(".")[0] for table in manifest.tables}


def _of_sources(sources: Sequence[str]) -> str:
    return f" of {', '.join(sources)}" if sources else ""
