"""Which commit of which backup is restored: the newest of a backup, or the one that was current at a moment."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_platform.backup.backup_id import created_at_of, is_backup_id
from sync_platform.backup.backup_manifest import BackedUpCommit, BackupManifest
from sync_platform.backup.made_backups import MadeBackup
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
    repository: Repository,
    backup_id: str | None,
    moment: datetime | None,
    sources: Sequence[str] = (),
    made: Sequence[MadeBackup] = (),
) -> ChosenCommit:
    """The newest commit of a backup, or the commit that was current at a moment, of all backups that have it.

    UsageError where there is no such backup, where none has all of `sources`, or where the moment lies before the
    oldest commit in any backup. DamagedBackup where the manifest of a newer backup, which may have a newer commit,
    cannot be used, or is gone though it is among those that were `made`.
    """
    if backup_id is not None:
        manifest = repository.manifest(backup_id)
        _require_sources(manifest, sources)
        return _newest(manifest)
    read = repository.read_manifests()
    manifests = [each.manifest for each in read if each.manifest]
    manifests = [each for each in manifests if each.commits and _has_sources(each, sources)]
    gone = _gone_backups(repository, read, made, sources)
    if not manifests:
        _require_usable(read, None)
        _require_present(gone, None, repository)
        raise UsageError(
            f"there is no backup{_of_sources(sources)} in {repository.store.url}: `{typed('backup', 'create')}`"
        )
    if moment is None or all(commit.at <= moment for each in manifests for commit in each.commits):
        _require_usable(read, manifests[-1])
        _require_present(gone, manifests[-1], repository)
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
            raise DamagedBackup(
                f"the manifest of {each.backup_id} cannot be used: {each.problem}; nothing was restored. To do "
                f"without it, {_instead_of_it(newest)}"
            )


def _gone_backups(
    repository: Repository, read: Sequence[ReadManifest], made: Sequence[MadeBackup], sources: Sequence[str]
) -> list[MadeBackup]:
    """Those that were made, that have all of `sources`, and whose manifest is gone although no retention removed it."""
    there = {each.backup_id for each in read}
    gone = [each for each in made if each.id not in there and _has_all(each, sources)]
    removed = repository.removed_backups() if gone else set()
    return [each for each in gone if each.id not in removed]


def _has_all(made: MadeBackup, sources: Sequence[str]) -> bool:
    return not made.sources or (bool(sources) and made.sources.issuperset(sources))


def _require_present(gone: Sequence[MadeBackup], newest: BackupManifest | None, repository: Repository) -> None:
    """DamagedBackup where a backup that is gone is newer than `newest`, by the time in its name."""
    for each in reversed(gone):
        if is_backup_id(each.id) and (newest is None or created_at_of(each.id) > newest.created_at):
            raise DamagedBackup(
                f"the newer backup {each.id} is not in {repository.store.url}, though {each.in_words}; nothing was "
                f"restored. To do without it, {_instead_of_it(newest)}"
            )


def _instead_of_it(newest: BackupManifest | None) -> str:
    return f"restore {newest.id} by its id" if newest else "restore from a replica"


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
