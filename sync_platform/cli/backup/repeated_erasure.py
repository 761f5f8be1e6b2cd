"""The erasures that a restore repeats, so that a person who was erased after the backup stays erased."""

from __future__ import annotations

from collections.abc import Callable

from sync_platform.backup.restore_tombstones import apply_tombstones
from sync_platform.settings import Settings
from sync_platform.vault.seal import open_vault_database


def require_tombstones(settings: Settings, *, from_replica: bool) -> None:
    """StorageError where a tombstone cannot be read, was changed or is missing: a restore refuses then."""
    from sync_platform.defs.backups import tombstones_of

    tombstones_of(settings, from_replica=from_replica)


def erasure_in(vault_url: str, settings: Settings, *, from_replica: bool) -> Callable[[], None]:
    """Reads the tombstones now. What it returns brings them into a vault, before a restored row can be read.

    StorageError where a tombstone cannot be read, was changed or is missing.
    """
    from sync_platform.defs.backups import tombstones_of

    tombstones = tombstones_of(settings, from_replica=from_replica)
    return lambda: apply_tombstones(open_vault_database(vault_url), tombstones)
