"""Backups and restores as the API takes and answers them."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from sync_platform.api.emergency_answer import SourceName
from sync_platform.api.envelope import ApiBody, ApiModel
from sync_platform.api.last_backup import record_count
from sync_platform.backup.backup_id import BackupKind
from sync_platform.backup.backup_manifest import BackupManifest
from sync_platform.backup.repository import ReadManifest
from sync_platform.settings import Settings

EnvironmentName = Literal["development", "staging", "production"]
ConflictMode = Literal["overwrite", "merge", "skip"]
BackupId = Annotated[str, StringConstraints(min_length=1, max_length=100)]


class BackupBody(ApiBody):
    """A backup to make. The first backup is always a full one."""

    type: BackupKind = Field("incremental", description="full reads every file again; incremental copies what is new.")
    sources: list[SourceName] = Field(
        [], max_length=100, description="Only these platforms, and the history; empty for everything."
    )


class RestoreBody(ApiBody):
    """A restore into the lake of this installation. It undoes no commit: the difference becomes a new commit."""

    backup_id: BackupId
    target_environment: EnvironmentName = Field(description="The environment of this installation (ENVIRONMENT).")
    validate_integrity: bool = Field(
        True, description="Read every byte of the backup first, and restore nothing if it is not intact."
    )
    dry_run: bool = Field(False, description="Only find out what would change, by table.")
    conflict_resolution: ConflictMode = Field(
        "skip",
        description="skip: only rows that are missing or removed return; merge: the later change wins; overwrite: "
        "exactly the rows of the backup, after a backup of the present state.",
    )
    sources: list[SourceName] = Field([], max_length=100, description="Only these platforms; empty for all.")


class BackupAnswer(ApiModel):
    """A backup. `problem`: why its manifest cannot be used; then only `backupId` is known.

    `recordCount`: the records of all platforms in it.
    """

    backup_id: str
    type: str | None = None
    created_at: datetime | None = None
    sequence: int | None = None
    sources: list[str] | None = Field(None, description="The platforms in it; null for all.")
    predecessor: str | None = None
    newest_commit_at: datetime | None = None
    commits: int | None = None
    tables: int | None = None
    files: int | None = None
    record_count: int | None = None
    size_bytes: int | None = None
    stored_bytes: int | None = None
    copied_bytes: int | None = None
    manifest_sha256: str | None = None
    problem: str | None = None


def backup_answer(read: ReadManifest, settings: Settings) -> BackupAnswer:
    """A backup by its manifest."""
    manifest = read.manifest
    if manifest is None:
        return BackupAnswer(backup_id=read.backup_id, problem=read.problem)
    return BackupAnswer(
        backup_id=manifest.id,
        type=manifest.kind,
        created_at=manifest.created_at,
        sequence=manifest.sequence,
        sources=manifest.sources,
        predecessor=manifest.predecessor.id if manifest.predecessor else None,
        newest_commit_at=manifest.newest_commit.at if manifest.newest_commit else None,
        commits=len(manifest.commits),
        tables=len(manifest.tables),
        files=len(manifest.files),
        record_count=record_count(manifest, settings),
        size_bytes=manifest.size_bytes,
        stored_bytes=manifest.stored_bytes,
        copied_bytes=manifest.copied_bytes,
        manifest_sha256=read.digest,
    )


def has_source(manifest: BackupManifest, source: str) -> bool:
    """True if a backup has the tables of a platform."""
    return any(name.split(".")[0] == source for name in manifest.tables)
