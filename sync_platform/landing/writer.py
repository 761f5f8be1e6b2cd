"""Writes one dataset's pages: seals them, packs them into zstd NDJSON objects, and keeps the manifest's entries.

Small pages share an object, so that a thousand one-record replies do not become a thousand objects; each page keeps
its own entry with the digest of the body as received.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import msgspec
import orjson
import zstandard

from sync_platform.landing.interrupted import Journal, scope_text
from sync_platform.landing.manifest import JOURNAL, Manifest, PageEntry, folder_key, reasons_for_gaps
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.fingerprints import Fingerprints
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.received import Body, Page, Record
from sync_platform.sources.scope import Scope
from sync_platform.storage.objects import ObjectStore
from sync_platform.vault.seal import Vault

OBJECT_BYTES = 1_000_000  # before compression: a page that reaches it closes the object
OBJECT_AGE_S = 20.0  # a slow platform's object is closed by time, so that little is lost with a sync that dies
SEALED_AT_ONCE = 1_000  # records: beyond, looking into the vault once more costs next to nothing
ZSTD_LEVEL = 1
OnObject = Callable[[str, str, str], None]
"""Called after each object with its dataset, its key and its SHA-256 (hex)."""


@dataclass(frozen=True)
class Filled:
    """An object that is to be stored: its lines, and the pages that they came on."""

    lines: list[bytes]
    pages: list[PageEntry]


class DatasetWriter:
    """Pages are taken by one thread and objects stored by one, which may be another: storing is waiting.

    Memory: one object's lines, beside those that are to be stored; the records of one that wait to be sealed; and 9
    bytes per distinct id.
    """

    def __init__(
        self,
        store: ObjectStore,
        vault: Vault,
        platform: str,
        dataset: Dataset,
        partition: str,
        sync_id: str,
        ids_only: bool = False,
        scope: Scope | None = None,
        started_at: datetime | None = None,
        on_object: OnObject = lambda dataset, key, digest: None,
    ) -> None:
        self._store, self._vault, self._ids_only, self._on_object = store, vault, ids_only, on_object
        self._platform, self._dataset, self._partition, self._sync_id = platform, dataset, partition, sync_id
        self._folder = folder_key(platform, dataset.name, partition, sync_id)
        self._compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
        self._unsealed: list[Record] = []
        self._names: list[str] = []  # beside each unsealed record, what names it
        self._unsealed_bytes = 0
        self._lines: list[bytes] = []
        self._line_bytes = 0
        self._open_pages: list[PageEntry] = []
        self._objects = 0
        self._opened_at = time.monotonic()
        self._scope, self._started_at = scope_text(scope or Scope()), started_at or datetime.now(UTC)
        self._seen = Fingerprints()
        self.pages: list[PageEntry] = []
        self.records = 0
        self.without_id = 0

    @property
    def distinct_ids(self) -> int:
        return len(self._seen)

    @property
    def has_pages(self) -> bool:
        return bool(self.pages or self._open_pages)

    def add(self, page: Page) -> None:
        """Take a page, and store the object if that filled it; StorageError."""
        filled = self.take(page)
        if filled is not None:
            self.store(filled)

    def take(self, page: Page) -> Filled | None:
        """Put a page into the current object, its records sealed unless they are landed ones; StorageError.

        Sealing takes a look into the vault, so small pages are sealed together. Returns the object once it is full:
        whoever takes pages hands it to `store`.
        """
        records = page.records
        own_ids = [self._dataset.source_id(record) for record in records]
        known = [own_id for own_id in own_ids if own_id is not None]
        self.without_id += len(own_ids) - len(known)
        self._seen.add(map(hash, known))
        bodies = list(page.landed) or [Body.of(reply) for reply in page.replies]
        first_line = len(self._lines) + len(self._unsealed) + 1
        self._open_pages.append(PageEntry(bodies, len(records), first_line=first_line, part=page.part))
        self.records += len(records)
        if page.landed:  # sealed by the sync that was interrupted
            self._seal()
            self._encode(records)
        elif self._ids_only or not self._dataset.personal:
            self._encode([_only(record, self._dataset.key) for record in records] if self._ids_only else records)
        else:
            self._unsealed += records
            self._names += [own_id or f"{bodies[0].sha256}/{line}" for line, own_id in enumerate(own_ids)]
            self._unsealed_bytes += sum(body.size_bytes for body in bodies)
            if len(self._unsealed) >= SEALED_AT_ONCE or self._unsealed_bytes >= OBJECT_BYTES:
                self._seal()
        if self._line_bytes >= OBJECT_BYTES or (page.part and time.monotonic() - self._opened_at > OBJECT_AGE_S):
            return self._filled()
        return None

    def store(self, filled: Filled) -> None:
        """Write an object; in the order in which they were filled. StorageError."""
        key = digest = None
        if filled.lines:
            body = self._compressor.compress(b"".join(filled.lines))
            self._objects += 1
            key = f"{self._folder}/pages-{self._objects:06d}.ndjson.zst"
            digest = hashlib.sha256(body).hexdigest()
            self._store.put(key, body)
            self._on_object(self._dataset.name, key, digest)
        closed = [
            msgspec.structs.replace(page, object=key, object_sha256=digest) if page.records else page
            for page in filled.pages
        ]
        self.pages += closed
        self._keep_journal(closed)

    def finish(
        self,
        *,
        run_id: str,
        mode: Literal["full", "incremental"],
        started_at: datetime,
        observed_at: datetime,
        gaps: Gaps,
    ) -> Manifest:
        """Write what is left; the dataset is landed once its manifest, returned here, is written too."""
        self.store(self._filled())
        return Manifest(
            platform=self._platform,
            dataset=self._dataset.name,
            partition=self._partition,
            sync_id=self._sync_id,
            run_id=run_id,
            mode=mode,
            observed_at=observed_at,
            started_at=started_at,
            finished_at=datetime.now(UTC),
            pages=self.pages,
            records=self.records,
            distinct_ids=self.distinct_ids,
            without_id=self.without_id,
            claimed=gaps.claimed,
            pages_expected=gaps.pages_expected,
            capped_slices=gaps.capped_slices,
            omitted_ids=gaps.omitted_ids,
            failures=gaps.failures,
            findings=gaps.findings,
            reasons=reasons_for_gaps(gaps, len(self.pages), self.distinct_ids, self.without_id),
        )

    def _seal(self) -> None:
        """Seal what waits for it, in the order in which it came."""
        if self._unsealed and self._dataset.personal:
            self._vault.seal_records(self._platform, self._dataset.personal, self._unsealed, self._names)
            self._encode(self._unsealed)
        self._unsealed, self._names, self._unsealed_bytes = [], [], 0

    def _encode(self, records: list[Record]) -> None:
        for record in records:
            line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
            self._lines.append(line)
            self._line_bytes += len(line)

    def _filled(self) -> Filled:
        """What is in the current object; the next begins."""
        self._seal()
        filled = Filled(self._lines, self._open_pages)
        self._lines, self._line_bytes, self._open_pages = [], 0, []
        self._opened_at = time.monotonic()
        return filled

    def _keep_journal(self, pages: list[PageEntry]) -> None:
        """Beside the object just written, its whole parts: the next sync goes on with them if this one dies."""
        parts = [page for page in pages if page.part is not None]
        if parts:
            key = f"{self._folder}/pages-{len(self.pages):06d}{JOURNAL}"
            self._store.put(key, msgspec.json.encode(Journal(self._scope, self._started_at, parts)))


def _only(record: Record, keys: tuple[str, ...]) -> Record:
    return {key: record[key] for key in keys if key in record}
