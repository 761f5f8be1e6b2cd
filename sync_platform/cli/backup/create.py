"""`sync-platform backup create`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sync_platform.backup.backup_id import BackupKind
from sync_platform.backup.backup_manifest import BackupManifest
from sync_platform.backup.creation import CreatedBackup
from sync_platform.cli.audited import audited
from sync_platform.cli.backup.replicate import replicate_audited
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import console, report_problem, showing_steps, write_json, write_line
from sync_platform.cli.preconditions import require_lake
from sync_platform.documents.typed_command import typed
from sync_platform.documents.wording import counted
from sync_platform.errors import SyncError
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.operation_name import OperationName


def create(kind: BackupKind, sources: list[str], *, as_json: bool) -> int:
    """Make a backup and print what it is; 0. StorageError where there is no lake, or the backup fails."""
    settings = load_settings()
    require_lake(settings)
    created = create_audited(settings, kind, sources)
    if as_json:
        write_json(document_of(created))
    else:
        _show(created, kind)
    return OK


def create_audited(settings: Settings, kind: BackupKind, sources: Sequence[str] = ()) -> CreatedBackup:
    """Make a backup, with entries in the audit log."""
    from sync_platform.defs.backups import backups_of, logged_details

    backups = backups_of(settings)
    subject = {"type": kind, "store": backups.store.url, **({"sources": sorted(sources)} if sources else {})}
    with audited(settings, OperationName.backup, subject) as operation, showing_steps("backing up") as show_step:
        created = backups.create(kind, sources, show_step)
        operation.ended("complete", **logged_details(created))
    if backups.has_replica:
        replicate_audited(settings)
    return created


def back_up_after_sync(settings: Settings) -> bool:
    """Make the backup that follows a sync where BACKUP_AFTER_SYNC is set; False, with a message, where it fails."""
    if not settings.backup_after_sync or not LakeAddress.of(settings).exists:
        return True
    try:
        made = create_audited(settings, "incremental").manifest
    except SyncError as error:
        report_problem(f"the backup after the sync failed: {error}; run `{typed('backup', 'create')}`")
        return False
    write_line(f"backed up: {made.id} ({made.copied_bytes / 1e6:,.1f} MB new)")
    return True


def document_of(created: CreatedBackup) -> dict[str, Any]:
    return {**summary_of(created.manifest), "manifest": created.digest}


def summary_of(manifest: BackupManifest) -> dict[str, Any]:
    """A backup in one row."""
    newest = manifest.newest_commit
    return {
        "backup": manifest.id,
        "type": manifest.kind,
        "sequence": manifest.sequence,
        "created_at": manifest.created_at,
        "sources": manifest.sources,
        "predecessor": manifest.predecessor.id if manifest.predecessor else None,
        "newest_commit_at": newest.at if newest else None,
        "commits": len(manifest.commits),
        "tables": len(manifest.tables),
        "files": len(manifest.files),
        "size_bytes": manifest.size_bytes,
        "stored_bytes": manifest.stored_bytes,
        "copied_objects": len(manifest.copied),
        "copied_bytes": manifest.copied_bytes,
    }


def _show(created: CreatedBackup, asked: BackupKind) -> None:
    manifest, terminal = created.manifest, console()
    if manifest.kind != asked:
        terminal.print("There is no backup yet to build on: this is a full one.")
    terminal.print(
        f"{manifest.id}: {counted(len(manifest.files), 'file')} ({manifest.size_bytes / 1e6:,.1f} MB); "
        f"{counted(len(manifest.copied), 'new object')} ({manifest.copied_bytes / 1e6:,.1f} MB stored), "
        "read back and intact",
        soft_wrap=True,
    )
    terminal.print(f"manifest {created.digest}", soft_wrap=True)
