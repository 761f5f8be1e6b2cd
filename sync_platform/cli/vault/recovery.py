"""`sync-platform vault backup|verify|restore`: runs them, and shows what the backup has."""

from __future__ import annotations

from datetime import datetime

from sync_platform.backup.vault_backup import StoredVault
from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import console, write_json, write_line
from sync_platform.documents.local_time import local_time
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.operation_name import OperationName


def back_up_vault(*, as_json: bool) -> int:
    """Replace the backup; 0. StorageError, and the backup before stays, where that fails."""
    from sync_platform.defs.vault_backup import vault_backup_of

    settings = load_settings()
    with audited(settings, OperationName.back_up_vault, {"store": settings.vault_backup_url}) as operation:
        made = vault_backup_of(settings).opened().create()
        operation.ended("complete", **made.figures())
    _show(settings, made, "backed up", as_json)
    return OK


def verify_vault_backup(*, as_json: bool) -> int:
    """Read the backup; 0. DamagedBackup where it is not whole, UsageError where there is none."""
    from sync_platform.defs.vault_backup import vault_backup_of

    settings = load_settings()
    with audited(settings, OperationName.verify_vault, {"store": settings.vault_backup_url}) as operation:
        vault = vault_backup_of(settings).backup().verify()
        operation.ended("complete", **vault.figures())
    _show(settings, vault, "the backup is whole:", as_json)
    return OK


def restore_vault(*, as_json: bool) -> int:
    """Fill the new vault; 0. StorageError, and no key is restored, where a tombstone is missing."""
    from sync_platform.defs.vault_backup import vault_backup_of

    settings = load_settings()
    with audited(settings, OperationName.restore_vault, {"store": settings.vault_backup_url}) as operation:
        restored = vault_backup_of(settings).restore()
        operation.ended("complete", **restored.stored.figures(), only_the_master_key=restored.is_key_only)
    if restored.is_key_only and not as_json:
        console().print(f"restored the master key: {settings.master_key_file}", soft_wrap=True)
        write_line("The vault itself was there: no key of a person was restored.")
        return OK
    _show(settings, restored.stored, "restored", as_json)
    return OK


def _show(settings: Settings, stored: StoredVault, verb: str, as_json: bool) -> None:
    figures = stored.figures()
    if as_json:
        write_json({"store": settings.vault_backup_url, **figures})
        return
    console().print(
        f"{verb} {figures['keys']:,} keys of persons and {figures['tombstones']:,} tombstones, as of "
        f"{local_time(datetime.fromisoformat(stored.copy.created_at))}: {settings.vault_backup_url}/{stored.name}",
        soft_wrap=True,
    )
