"""Whether the vault was lost: the lake has sealed values, and the vault has no person's key and no tombstone.

A sync would make new keys, so that every personal value changes, and would store the values of erased persons again.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import sqlalchemy as sa

from sync_platform.documents.typed_command import typed
from sync_platform.errors import NoLakeYet, StorageError
from sync_platform.settings import without_password
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.lake_tables import has_table
from sync_platform.storage.relational import transaction
from sync_platform.vault.seal import has_subject_keys, open_vault_database
from sync_platform.vault.sealed_values import PREFIX
from sync_platform.vault.tombstones import read_tombstones


def require_vault_of_lake(vault_url: str, lake: LakeAddress, history: str, has_remains: Callable[[], bool]) -> None:
    """StorageError where the vault was lost; nothing is made. `history`: the table of all changes.

    `has_remains`: whether the master key or a backup of the vault is there. Without both, as in a lake that was
    restored elsewhere, or where a person has given the keys up, a new vault may begin.
    """
    if _is_used(vault_url) or not _has_sealed_values(lake, history) or not has_remains():
        return
    raise StorageError(
        f"the vault at {without_password(vault_url)} is empty, though the lake has values that are sealed under its "
        f"keys: put a copy of it back, or restore its backup with `{typed('vault', 'restore')}`. Without either, "
        "docs/vault.md says how to go on"
    )


def _is_used(vault_url: str) -> bool:
    """True if the vault has a person's key, or a tombstone of one."""
    vault = open_vault_database(vault_url)
    try:
        return has_subject_keys(vault) or _has_tombstones(vault)
    finally:
        vault.dispose()


def _has_tombstones(vault: sa.Engine) -> bool:
    with transaction(vault) as connection:
        return bool(read_tombstones(connection))


def _has_sealed_values(lake: LakeAddress, history: str) -> bool:
    with suppress(NoLakeYet), Lake(lake, read_only=True) as opened, opened.session() as session:
        if not has_table(session, history):  # of a first sync that has just begun
            return False
        found = session.execute(
            f"SELECT 1 FROM {LAKE}.{history} WHERE contains(after::VARCHAR, ?) LIMIT 1", [f'"{PREFIX}']
        )
        return bool(found.fetchall())
    return False
