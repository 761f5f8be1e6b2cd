"""Which backups are kept, and deletion in two steps a day apart: the first marks, the second deletes.

A mark is the time at which something was first found to be unneeded. What a kept backup needs loses its mark. Nothing
is deleted while a manifest cannot be read, or while the clock may have jumped.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import msgspec

from sync_platform.backup.backup_manifest import BackupManifest, manifest_key
from sync_platform.backup.repository import REMOVED, ReadManifest, Repository
from sync_platform.errors import DamagedBackup, StorageError

MARKS = "marks.json"
GRACE = timedelta(days=1)
LONGEST_GAP = timedelta(days=60)
"""A longer time without a backup, or between two of them, is taken for a jump of the clock."""
JUMPED = "the clock may have jumped, so nothing was deleted; if the time is right, repeat with --clock-is-right"


@dataclass
class PrunePlan:
    """What is due. `expired`: ids of backups past their retention. `marked`, `deletable`: keys of objects in the store.

    `stopped`: why nothing may be deleted now; None if it may.
    """

    expired: list[str] = field(default_factory=list)
    marked: list[str] = field(default_factory=list)
    deletable: list[str] = field(default_factory=list)
    kept: int = 0
    stopped: str | None = None

    def document(self) -> dict[str, Any]:
        return {
            "expired_backups": self.expired,
            "marked": self.marked,
            "deletable": self.deletable,
            "backups_kept": self.kept,
            "stopped": self.stopped,
        }


@dataclass
class PruneReport:
    """What was done. `removed_backups`: ids; `refused`: keys that the store does not let go, such as locked objects."""

    plan: PrunePlan
    removed_backups: list[str] = field(default_factory=list)
    deleted_objects: int = 0
    refused: list[str] = field(default_factory=list)

    def document(self) -> dict[str, Any]:
        return {
            **self.plan.document(),
            "removed_backups": self.removed_backups,
            "deleted_objects": self.deleted_objects,
            "refused": self.refused,
        }


def plan_prune(repository: Repository, retention_days: int, now: datetime, *, trusts_clock: bool = False) -> PrunePlan:
    """What `prune` would do. DamagedBackup where a manifest cannot be read: what it needs is not known."""
    read = repository.read_manifests()
    _require_readable(read)
    manifests = [each.manifest for each in read if each.manifest]
    expired = expired_backups(manifests, retention_days, now)
    manifests_kept = [each for each in manifests if each not in expired]
    needed = {file.name for each in manifests_kept for file in each.files}
    unneeded = [manifest_key(each.id) for each in expired] + [name for name in repository.sizes() if name not in needed]
    marks = _read_marks(repository)
    return PrunePlan(
        expired=[each.id for each in expired],
        marked=[key for key in unneeded if key not in marks or now - marks[key] < GRACE],
        deletable=[key for key in unneeded if key in marks and now - marks[key] >= GRACE],
        kept=len(manifests_kept),
        stopped=None if trusts_clock else jump_of_clock(manifests, now),
    )


def prune(
    repository: Repository,
    retention_days: int,
    now: datetime,
    *,
    trusts_clock: bool = False,
    require_lease: Callable[[], None] = lambda: None,
) -> PruneReport:
    """Delete what was marked a day ago or earlier and is still unneeded, and mark what is unneeded since.

    The caller has the lease on the stored data, so no backup runs. A killed prune is continued by the next one.
    """
    plan = plan_prune(repository, retention_days, now, trusts_clock=trusts_clock)
    report = PruneReport(plan)
    if plan.stopped:
        return report
    read = {manifest_key(each.backup_id): each for each in repository.read_manifests()}
    marks = {key: mark for key, mark in _read_marks(repository).items() if key in {*plan.marked, *plan.deletable}}
    for key in sorted(plan.deletable, key=lambda each: each not in read):  # manifests before their objects
        require_lease()
        if key in read:
            _leave_note(repository, read[key], now)
        try:
            repository.store.delete(key)
        except StorageError as error:
            report.refused.append(f"{key}: {error}")
            continue
        marks.pop(key)
        if key in read:
            report.removed_backups.append(read[key].backup_id)
        else:
            report.deleted_objects += 1
    require_lease()
    marks |= {key: now for key in plan.marked if key not in marks}
    repository.store.put(MARKS, msgspec.json.encode(marks, order="sorted"))
    repository.store.sweep("", now - GRACE)  # what killed puts left
    return report


def expired_backups(manifests: Sequence[BackupManifest], retention_days: int, now: datetime) -> list[BackupManifest]:
    """The backups past their retention, but never the newest of the same sources, and never its full one."""
    newest: dict[tuple[str, ...] | None, set[str]] = {}
    for each in sorted(manifests, key=lambda manifest: -manifest.sequence):
        chain = newest.setdefault(tuple(each.sources) if each.sources else None, set())
        if not chain or not any(name.startswith("full-") for name in chain):
            chain.add(each.id)
    protected = {name for chain in newest.values() for name in chain}
    limit = now - timedelta(days=retention_days)
    return [each for each in manifests if each.created_at < limit and each.id not in protected]


def jump_of_clock(manifests: Sequence[BackupManifest], now: datetime) -> str | None:
    """Why the clock may be ahead: two backups, or the last one and now, lie too far apart.

    A backup dated after now was made under a clock that was ahead. It says nothing about the clock now, and expires
    late. A clock that is behind deletes too little, which harms nothing.
    """
    past = sorted((each.created_at, each.id) for each in manifests if each.created_at <= now)
    for (before, name), (after, following) in pairwise([*past, (now.astimezone(UTC), "now")]):
        if after - before > LONGEST_GAP:
            return f"{following} is {(after - before).days:,} days after {name}: {JUMPED}"
    return None


def _require_readable(read: Sequence[ReadManifest]) -> None:
    if damaged := [each for each in read if each.manifest is None]:
        raise DamagedBackup(
            f"the manifest of {damaged[0].backup_id} cannot be used: {damaged[0].problem}; nothing was deleted, "
            "because what that backup needs is not known"
        )


def _read_marks(repository: Repository) -> dict[str, datetime]:
    try:
        return msgspec.json.decode(repository.store.get(MARKS), type=dict[str, datetime])
    except (KeyError, msgspec.MsgspecError):
        return {}  # without marks, everything is marked anew


def _leave_note(repository: Repository, removed: ReadManifest, now: datetime) -> None:
    """A note in place of a removed manifest, so that verification knows that it was not lost."""
    note = {"backup": removed.backup_id, "manifest": removed.digest, "removed_at": now}
    repository.store.put(f"{REMOVED}{removed.backup_id}.json", msgspec.json.encode(note))
