"""Tombstones in object stores: beside the backups of the data, and beside the backup of the vault.

What belongs here: writing them to a store, and reading them from several stores. A restore reads them first, and
refuses where a store cannot be read or where one is missing: otherwise the keys of an erased person would be restored.
"""

from __future__ import annotations

from collections.abc import Sequence

from sync_platform.errors import StorageError
from sync_platform.storage.object_store import ObjectStore
from sync_platform.vault.signature import Signer
from sync_platform.vault.tombstones import Tombstone, read_signed_tombstone, require_whole, signed_tombstone

FOLDER = "tombstones/"


def write_tombstones(store: ObjectStore, chain: Sequence[Tombstone], signer: Signer) -> int:
    """Write the tombstones that the store does not have yet; the number of them. Nothing is overwritten.

    StorageError where the store has another tombstone of the same number.
    """
    present = set(store.keys(FOLDER))
    missing = [each for each in chain if _key(each.number) not in present]
    for each in missing:
        store.put_new(_key(each.number), signed_tombstone(each, signer))
    return len(missing)


def read_stored_tombstones(store: ObjectStore, public_key: str) -> list[Tombstone]:
    """Every tombstone in a store, in order. StorageError where one cannot be read, was changed, or is missing."""
    tombstones = []
    for key in store.keys(FOLDER):
        try:
            body = store.get(key)
        except KeyError:
            raise StorageError(f"the tombstone {store.url}/{key} is gone") from None
        tombstones.append(read_signed_tombstone(f"{store.url}/{key}", body, public_key))
    require_whole(tombstones, store.url)
    return tombstones


def has_tombstones(store: ObjectStore, wanted: Sequence[Tombstone], public_key: str) -> bool:
    """True if a store has these tombstones. StorageError where one of them was changed."""
    for each in wanted:
        name = _key(each.number)
        try:
            body = store.get(name)
        except KeyError:
            return False
        if read_signed_tombstone(f"{store.url}/{name}", body, public_key) != each:
            return False
    return True


def read_all_tombstones(stores: Sequence[ObjectStore], public_key: str) -> list[Tombstone]:
    """The tombstones of several stores of one installation: the longest list, of which the others are beginnings.

    A store may have fewer: an erasure that is not complete has written to one of them only.
    """
    lists = sorted((read_stored_tombstones(store, public_key) for store in stores), key=len)
    longest = lists[-1] if lists else []
    for each in lists:
        if each != longest[: len(each)]:
            raise StorageError(
                "the tombstones of two stores contradict each other, so that nothing was restored: "
                + ", ".join(store.url for store in stores)
            )
    return longest


def _key(number: int) -> str:
    return f"{FOLDER}{number:012d}.json"
