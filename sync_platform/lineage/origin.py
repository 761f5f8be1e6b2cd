"""The origin of a change: the landing object and line of its version, its page, and whether they are intact.

What belongs here: reading and checking the landing store. Nothing is written.
"""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import orjson
import zstandard

from sync_platform.errors import DamagedManifest
from sync_platform.landing.manifest import Manifest, PageEntry, find_manifest, manifest_digest
from sync_platform.lineage.changes import Change
from sync_platform.sources.declaration import Platform
from sync_platform.sources.received import Body
from sync_platform.sources.source_ids import is_same_id
from sync_platform.storage.object_store import ObjectStore

State = Literal["intact", "altered", "other_record", "rewritten", "missing", "gone", "unproved"]
WORDS: dict[State, str] = {
    "intact": "it hashes to what its manifest says, and the line holds this record",
    "altered": "ALTERED: it does not hash to what its manifest says",
    "other_record": "WRONG: it hashes to what its manifest says, but the line does not hold this record",
    "rewritten": "REWRITTEN: its manifest is not the one that the chain of batches names",
    "missing": "MISSING: its manifest exists, the object does not",
    "gone": "no longer kept: object and manifest are gone, as after their retention",
    "unproved": "UNPROVED: its manifest is missing or damaged, or does not name it",
}
MANIFESTS_KEPT, OBJECTS_KEPT = 8, 2


@dataclass(frozen=True)
class LandedOrigin:
    """The place where one version of a record is landed.

    `line` counts from 1. `sha256`: the object's, as its manifest names it. `bodies`: the responses from which the page
    was made, each with its SHA-256 as received.
    """

    object: str
    line: int
    manifest: str
    sha256: str | None
    state: State
    bodies: tuple[Body, ...] = ()

    @property
    def words(self) -> str:
        return WORDS[self.state]


@dataclass(frozen=True)
class _LandedObject:
    """An object as it is stored now: the SHA-256 of its bytes, and its lines if the SHA-256 is the expected one."""

    sha256: str
    lines: list[bytes]


class OriginFinder:
    """Finds origins in a landing store. It caches recent manifests and objects; records of one object need one read."""

    def __init__(
        self, store: ObjectStore, platforms: Mapping[str, Platform], chained_digest: Callable[[str], str | None]
    ) -> None:
        """`chained_digest`: the SHA-256 that the chain of batches has for the manifest at a key (lake/chain.py)."""
        self._store, self._platforms, self._chained_digest = store, platforms, chained_digest
        self._manifest = lru_cache(MANIFESTS_KEPT)(self._read_manifest)
        self._object = lru_cache(OBJECTS_KEPT)(self._read_object)

    def origin(self, change: Change) -> LandedOrigin | None:
        """The origin of a change; None for a change without a landed line, such as a removal.

        Raises StorageError where the store cannot be read.
        """
        key, line = change.landing_object, change.landing_line
        if key is None or line is None:
            return None
        manifest_key = f"{key.rpartition('/')[0]}/manifest.json"
        pages, is_chained = self._manifest(manifest_key)
        page = _page(pages.get(key, []) if pages is not None else [], line)
        if page is None:
            is_gone = pages is None and self._object(key, None) is None
            return LandedOrigin(key, line, manifest_key, None, "gone" if is_gone else "unproved")
        state = self._state(change, key, line, page.object_sha256 or "") if is_chained else "rewritten"
        return LandedOrigin(key, line, manifest_key, page.object_sha256, state, tuple(page.bodies))

    def _state(self, change: Change, key: str, line: int, expected: str) -> State:
        found_object = self._object(key, expected)
        if found_object is None:
            return "missing"
        if found_object.sha256 != expected:
            return "altered"
        return "intact" if self._has_record(change, found_object.lines, line) else "other_record"

    def _has_record(self, change: Change, lines: list[bytes], line: int) -> bool:
        """True if the line has the record; for a dataset that is no longer declared, True if the line exists."""
        if line > len(lines):
            return False
        platform = self._platforms.get(change.platform)
        dataset = next((each for each in platform.datasets if each.name == change.dataset), None) if platform else None
        found = dataset.source_id(orjson.loads(lines[line - 1])) if dataset else change.entity_id
        return found is not None and is_same_id(found, change.entity_id)

    def _read_manifest(self, key: str) -> tuple[dict[str, list[PageEntry]] | None, bool]:
        """The pages of a manifest by object, in order of their lines, or None if it is missing.

        The second value is True if it is the manifest that the chain names. A manifest in no batch passes, because no
        change has named any of its objects.
        """
        try:
            manifest = find_manifest(self._store, key)
        except DamagedManifest:
            return {}, False  # a damaged manifest proves nothing
        if manifest is None:
            return None, False
        return _by_object(manifest), self._chained_digest(key) in (None, manifest_digest(self._store, key))

    def _read_object(self, key: str, expected: str | None) -> _LandedObject | None:
        try:
            body = self._store.get(key)
        except KeyError:
            return None
        digest = hashlib.sha256(body).hexdigest()
        lines = zstandard.ZstdDecompressor().decompress(body).splitlines() if digest == expected else []
        return _LandedObject(digest, lines)


def _by_object(manifest: Manifest) -> dict[str, list[PageEntry]]:
    entries_by_object: dict[str, list[PageEntry]] = {}
    for page in manifest.pages:
        if page.object:
            entries_by_object.setdefault(page.object, []).append(page)
    return entries_by_object


def _page(pages: list[PageEntry], line: int) -> PageEntry | None:
    """The page that the line came on; `pages` are those of one object, in order."""
    position = bisect_right(pages, line, key=lambda page: page.first_line) - 1
    return pages[position] if position >= 0 and line < pages[position].first_line + pages[position].records else None
