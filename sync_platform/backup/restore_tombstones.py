"""The tombstones that every restore of the lake needs: read before anything is restored, and brought into the vault.

What belongs here: proof that they are complete, and their import. A restore that cannot read them all refuses, and the
target's vault has them before a restored row can be read. So nobody who was erased after the backup comes back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import sqlalchemy as sa

from sync_platform.backup.backup_manifest import TombstoneHead
from sync_platform.backup.repository import ReadManifest
from sync_platform.backup.tombstone_store import FOLDER, read_all_tombstones
from sync_platform.documents.typed_command import typed
from sync_platform.errors import StorageError
from sync_platform.storage.hash_chain import FIRST
from sync_platform.storage.object_store import ObjectStore
from sync_platform.storage.relational import transaction
from sync_platform.vault.destruction import destroy_keys
from sync_platform.vault.seal import Vault
from sync_platform.vault.tombstones import Tombstone, import_tombstones, read_tombstones


def tombstone_head(vault: Vault) -> TombstoneHead:
    """The last tombstone of a vault, as a manifest records it."""
    chain = _tombstones_of(vault.engine)
    number, link = (chain[-1].number, chain[-1].link) if chain else (0, FIRST)
    return TombstoneHead(number, link, vault.tombstones.public_key)


def newest_head(manifests: Iterable[ReadManifest]) -> TombstoneHead | None:
    """The last tombstone that any backup records; None where no backup records one."""
    heads = [each.manifest.tombstones for each in manifests if each.manifest and each.manifest.tombstones]
    return max(heads, key=lambda head: head.number, default=None)


def tombstones_to_restore(
    stores: Sequence[ObjectStore], recorded: TombstoneHead | None, vault: Vault | None
) -> list[Tombstone]:
    """Every tombstone of the installation, in order.

    `recorded`: the last one that a backup records. `vault`: the vault of the backed-up lake, None where it is lost.
    StorageError where one cannot be read, was changed or is missing.
    """
    public_key = vault.tombstones.public_key if vault else recorded.public_key if recorded else None
    where = ", ".join(store.url for store in stores)
    if public_key is None:
        if any(True for store in stores for _ in store.keys(FOLDER)):
            raise StorageError(
                f"the tombstones in {where} cannot be checked without the master key, because no backup records its "
                "public key; nothing was restored"
            )
        return []
    chain = read_all_tombstones(stores, public_key)
    if recorded and recorded.number and [each.link for each in chain[recorded.number - 1 :]][:1] != [recorded.link]:
        raise StorageError(
            f"a backup records {recorded.number:,} tombstones, and they are not among the {len(chain):,} in {where}: a "
            "tombstone was deleted or changed; nothing was restored"
        )
    if vault is not None:
        _require_all_of(vault.engine, chain, where)
    return chain


def apply_tombstones(engine: sa.Engine, chain: Sequence[Tombstone]) -> None:
    """Bring the tombstones into a vault, and destroy the keys of their subjects there. A repeat is harmless.

    StorageError where the vault has others; then nothing is changed.
    """
    with transaction(engine) as connection:
        import_tombstones(connection, chain)
    destroy_keys(engine)


def _require_all_of(engine: sa.Engine, chain: Sequence[Tombstone], where: str) -> None:
    """StorageError where the stores do not have every tombstone of the vault."""
    in_vault = _tombstones_of(engine)
    if len(in_vault) > len(chain):
        raise StorageError(
            f"the vault has {len(in_vault):,} tombstones, and {where} {len(chain):,}: one was deleted, or an erasure "
            f"is not complete; `{typed('vault', 'backup')}` writes the missing ones. Nothing was restored"
        )
    if in_vault != list(chain[: len(in_vault)]):
        raise StorageError(f"the tombstones in {where} are not those of the vault; nothing was restored")


def _tombstones_of(engine: sa.Engine) -> list[Tombstone]:
    with transaction(engine) as connection:
        return read_tombstones(connection)
