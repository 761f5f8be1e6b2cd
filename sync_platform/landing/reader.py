"""Reads what was landed, object by object, proving each against its digest."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import zstandard

from sync_platform.errors import StorageError
from sync_platform.landing.manifest import Manifest, PageEntry
from sync_platform.storage.objects import ObjectStore


@dataclass(frozen=True)
class Landed:
    """One landed dataset: its manifest, and the store its objects stand in."""

    manifest: Manifest
    store: ObjectStore

    def objects(self) -> Iterator[tuple[str, bytes]]:
        """Each object's key and its lines (NDJSON, UTF-8), in landing order.

        StorageError where an object is missing or differs from the manifest's digest.
        """
        for key, digest in self.manifest.objects.items():
            try:
                body = self.store.get(key)
            except KeyError:
                raise StorageError(f"the landing object {self.store.url}/{key} is missing") from None
            if hashlib.sha256(body).hexdigest() != digest:
                raise StorageError(
                    f"the landing object {self.store.url}/{key} is not what was landed (SHA-256 differs)"
                )
            yield key, zstandard.ZstdDecompressor().decompress(body)

    def page_of(self, key: str, line: int) -> PageEntry:
        """The page that a landed line came on."""
        pages = [page for page in self.manifest.pages if page.object == key and page.first_line <= line]
        return max(pages, key=lambda page: page.first_line)
