"""The erasures that a restore repeats, so that a person who was erased after the backup stays erased."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from sync_platform.backup.restore_tombstones import apply_tombstones
from sync_platform.lake.row_erasure import erase_rows
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.vault.seal import open_vault_database
from sync_platform.vault.tombstones import Tombstone


@dataclass(frozen=True)
class RepeatedErasures:
    """The tombstones of everybody who was erased, read before anything is restored."""

    tombstones: tuple[Tombstone, ...]

    @property
    def subjects(self) -> Set[str]:
        return frozenset(each.subject_id for each in self.tombstones)

    def repeat_in_vault(self, vault_url: str) -> None:
        """Bring the tombstones into a vault, before a restored row can be read."""
        apply_tombstones(open_vault_database(vault_url), self.tombstones)

    def repeat_in_lake(
        self, address: LakeAddress, history: str, platforms: Mapping[str, Platform], run_id: str
    ) -> None:
        """Give the restored rows of the erased persons their erased form."""
        if self.tombstones:
            with Lake(address) as lake:
                erase_rows(lake, history, platforms, self.subjects, run_id)


def read_erasures(settings: Settings, *, from_replica: bool) -> RepeatedErasures:
    """The erasures to repeat. StorageError where a tombstone cannot be read, was changed or is missing: then a restore
    refuses."""
    from sync_platform.defs.backups import tombstones_of

    return RepeatedErasures(tuple(tombstones_of(settings, from_replica=from_replica)))
