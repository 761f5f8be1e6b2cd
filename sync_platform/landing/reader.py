"""Reads landed objects, and compares each with its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import orjson
import zstandard

from sync_platform.errors import StorageError
from sync_platform.landing.manifest import Manifest, PageEntry
from sync_platform.sources.received import Record
from sync_platform.storage.object_store import ObjectStore


class LandedRecords:
    """Reads records page by page, sealed as they were landed. It keeps the last object in memory."""

    def __init__(self, store: ObjectStore) -> None:
        self._store, self._key, self._lines = store, "", list[bytes]()

    def of(self, entry: PageEntry) -> list[Record]:
        """The records of a page; StorageError where the object is missing or is not what was landed."""
        if entry.object is None:
            return []
        if entry.object != self._key:
            self._lines = read_object(self._store, entry.object, entry.object_sha256 or "").splitlines()
            self._key = entry.object
        return [orjson.loads(line) for line in self._lines[entry.first_line - 1 : entry.first_line - 1 + entry.records]]


def read_object(store: ObjectStore, key: str, digest: str) -> bytes:
    """An object's lines (NDJSON, UTF-8); StorageError where it is missing or differs from the digest."""
    try:
        body = store.get(key)
    except KeyError:
        raise StorageError(f"the landing object {store.url}/{key} is missing") from None
    if hashlib.sha256(body).hexdigest() != digest:
        raise StorageError(f"the landing object {store.url}/{key} is not what was landed (SHA-256 differs)")
    return zstandard.ZstdDecompressor().decompress(body)


@dataclass(frozen=True)
class LandedDataset:
    """One landed dataset: its manifest, and the store of its objects."""

    manifest: Manifest
    store: ObjectStore

    def objects(self) -> Iterator[tuple[str, bytes]]:
        """Each object's key and its lines (NDJSON, UTF-8), in landing order.

        StorageError where an object is missing or differs from the manifest's digest.
        """
        for key, digest in self.manifest.objects.items():
            yield key, read_object(self.store, key, digest)

    def page_of(self, key: str, line: int) -> PageEntry:
        """The page of a landed line."""
        pages = [page for page in self.manifest.pages if page.object == key and page.first_line <= line]
        return max(pages, key=lambda page: page.first_line)
