"""A lake without its catalog: none was made yet, or the catalog was lost, and the data are still there."""

from __future__ import annotations

from pathlib import Path

from sync_platform.documents.typed_command import typed
from sync_platform.errors import NoLakeYet, StorageError
from sync_platform.storage.lake_address import LakeAddress


def missing_lake(address: LakeAddress) -> StorageError:
    """The error for a reader where there is no catalog."""
    return _lost_catalog(address) or NoLakeYet(f"{address} does not exist yet: run `{typed('sync')}` first")


def require_not_lost(address: LakeAddress) -> None:
    """StorageError where the data of a lake are there and its catalog is not: a new lake would hide that it is lost,
    and maintenance would delete the data as files that no snapshot needs.

    Only a catalog in a file is looked for: a database of PostgreSQL is not lost as a file is.
    """
    if (lost := _lost_catalog(address)) is not None:
        raise lost


def _lost_catalog(address: LakeAddress) -> StorageError | None:
    if address.exists or address.is_remote or not any(Path(address.data).rglob("*.parquet")):
        return None
    return StorageError(
        f"the catalog {address.catalog_file} is gone or empty, though the data in {address.data} are there: put a copy "
        f"of the catalog back, or restore a backup with `{typed('backup', 'restore')}`; an interrupted restore is "
        "repeated. To begin a new lake, move the data away"
    )
