"""`sync-platform vault rotate`: replaces the master key, beside no sync, and says what was protected anew."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sync_platform.backup.vault_backup import LEASE
from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import console, showing_steps, write_json, write_line
from sync_platform.cli.platform_locks import take_platform_locks
from sync_platform.errors import UsageError
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings
from sync_platform.storage.held_lock import HeldLocks
from sync_platform.storage.lease import STORED_DATA, Leases
from sync_platform.storage.operation_name import OperationName

if TYPE_CHECKING:
    from sync_platform.backup.key_rotation import RotationReport
    from sync_platform.defs.resources import VaultResource

ACTIVITY = "rotation of the master key"


def rotate_master_key(from_file: Path | None, from_kms: str, from_secret: str, *, as_json: bool) -> int:
    """Rotate the master key, or complete an interrupted rotation; 0. StorageError where a step fails."""
    from sync_platform.defs.vault_backup import vault_backup_of

    settings = load_settings()
    vault_backups = vault_backup_of(settings)
    if not vault_backups.has_vault():
        raise UsageError("there is no vault yet: the first sync makes it, with its master key")
    rotation = vault_backups.rotation(_before_the_move(vault_backups.vault, from_file, from_kms, from_secret))
    with HeldLocks() as locks, audited(settings, OperationName.rotate_master_key, {}) as operation:
        take_platform_locks(locks, settings.ledger_url, load_platforms(settings.platform_path), ACTIVITY)
        for lease in (LEASE, STORED_DATA):
            locks.take(Leases(settings.ledger_url).hold(ACTIVITY, lease))
        with showing_steps("rotating the master key") as show_step:
            report = rotation.run(show_step, locks.require)
        operation.ended("complete", **vars(report))
    if as_json:
        write_json({"place": rotation.place.name, **vars(report)})
    else:
        _show(report, rotation.place.name, rotation.previous_place.name)
    return OK


def _before_the_move(vault: VaultResource, file: Path | None, kms: str, secret: str) -> VaultResource | None:
    """The vault with the place where its master key is now; None where that is the place of the settings."""
    if sum(map(bool, (file, kms, secret))) > 1:
        raise UsageError("name one place: --from-file, --from-kms or --from-secret")
    if file is not None and not file.exists():
        raise UsageError(f"there is no file {file}")
    if not (file or kms or secret):
        return None
    return vault.model_copy(update={"key_file": str(file or ""), "kms_key_id": kms, "secret_id": secret})


def _show(report: RotationReport, place: str, previous: str) -> None:
    if report.is_continued:
        console().print("the rotation that was interrupted is complete")
    else:
        console().print(f"{report.subject_keys:,} keys of persons are wrapped by a new master key")
    write_line(
        f"Sealed anew: {report.secrets:,} secrets of platforms. Wrapped anew: the keys of {report.repositories:,} "
        f"stores of backups. Backup of the vault: {'replaced' if report.has_backup else 'there is none'}."
    )
    write_line(f"The new key is {place}. Replace every copy of the old one, on other machines too.")
    if place != previous:
        write_line(f"The old key, {previous}, opens nothing any more: delete it.")
