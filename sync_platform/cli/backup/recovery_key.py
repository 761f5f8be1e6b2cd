"""`sync-platform backup recovery-key`: makes the key that opens the backups where the vault is lost."""

from __future__ import annotations

from sync_platform.backup.repository_key import make_recovery_key
from sync_platform.cli.audited import audited
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import console, write_json, write_line
from sync_platform.settings import load_settings
from sync_platform.storage.operation_name import OperationName


def print_recovery_key(*, as_json: bool) -> int:
    """Make a recovery key, and print it on standard output; 0."""
    from sync_platform.defs.backups import backups_of

    settings = load_settings()
    backups = backups_of(settings)
    repository = backups.repository()
    with audited(settings, OperationName.make_recovery_key, {"store": repository.store.url}) as operation:
        key = make_recovery_key(repository.store, repository.key)
        operation.ended("complete")
    if as_json:
        write_json({"recovery_key": key, "store": repository.store.url})
        return OK
    console().print(key, soft_wrap=True)
    write_line(
        "It is stored nowhere: keep it where neither the vault nor the backups are. An earlier one is invalid now."
    )
    return OK
