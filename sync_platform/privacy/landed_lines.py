"""The landed lines of a dataset: every record as received, sealed, in every object that landing still has."""

from __future__ import annotations

from collections.abc import Iterator

import zstandard

from sync_platform.errors import StorageError
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.storage.object_store import ObjectStore

OBJECT = ".ndjson.zst"


def landed_objects(store: ObjectStore, platform: Platform, dataset: Dataset) -> Iterator[tuple[str, bytes]]:
    """Each object's key and its lines (NDJSON), in order of their keys; StorageError for a damaged object.

    An object that retention deletes meanwhile is left out.
    """
    for key in store.keys(f"landing/{platform.name}/{dataset.name}/"):
        if not key.endswith(OBJECT):
            continue
        try:
            yield key, zstandard.ZstdDecompressor().decompress(store.get(key))
        except KeyError:
            continue
        except zstandard.ZstdError as error:
            raise StorageError(f"the landing object {store.url}/{key} is damaged: {error}") from None
