"""The registers of persons' rights that a restore brings into the ledger of a new lake.

What belongs here: which copy of them counts. A person may have asked for something after the chosen backup was made,
so the copy of the newest backup is restored, and what the ledger of this installation has beyond it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sync_platform.backup.backup_manifest import BackupManifest
from sync_platform.backup.ledger_copy import REGISTERS, restore_registers, write_register_copies
from sync_platform.backup.repository import Repository
from sync_platform.cli.backup.restore_request import RestoreRequest
from sync_platform.cli.output import report_problem
from sync_platform.errors import DamagedBackup, StorageError
from sync_platform.storage.relational import database_exists


def restore_newest_registers(request: RestoreRequest, ledger_url: str, scratch: Path) -> None:
    """Append to a ledger what the newest registers have more than it. A repeat appends nothing.

    StorageError where the ledger has other events than the newest backup: it is of another installation.
    """
    newest, *others = _copies(request, ledger_url, scratch)
    restore_registers(ledger_url, newest)
    for copy in others:
        try:
            restore_registers(ledger_url, copy)
        except StorageError as error:
            report_problem(f"the registers of privacy requests in {copy.name} are left out: {error}")


def _copies(request: RestoreRequest, ledger_url: str, scratch: Path) -> Iterator[Path]:
    """Folders with the registers: of the newest backup, of the chosen one, and of this installation."""
    repository, chosen = request.backups.repository(), request.chosen.manifest
    yield _newest(repository, chosen, scratch)
    yield _of_backup(repository, chosen, scratch)
    if request.settings.ledger_url != ledger_url and database_exists(request.settings.ledger_url):
        own = scratch / "the ledger of this installation"
        own.mkdir(parents=True, exist_ok=True)
        write_register_copies(request.settings.ledger_url, own)
        yield own


def _newest(repository: Repository, chosen: BackupManifest, scratch: Path) -> Path:
    """The copy of the newest backup that can be read; DamagedBackup where the chosen one cannot."""
    for manifest in reversed(repository.manifests()):
        try:
            return _of_backup(repository, manifest, scratch)
        except DamagedBackup as error:
            if manifest.id == chosen.id:
                raise
            report_problem(f"the registers of privacy requests in {manifest.id} cannot be read: {error}")
    return _of_backup(repository, chosen, scratch)


def _of_backup(repository: Repository, manifest: BackupManifest, scratch: Path) -> Path:
    folder = scratch / manifest.id
    folder.mkdir(parents=True, exist_ok=True)
    for file in manifest.with_role("ledger"):
        if Path(file.path).stem in REGISTERS:
            repository.read_into(file, folder / file.path)
    return folder
