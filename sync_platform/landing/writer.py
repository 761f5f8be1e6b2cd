"""Writes the pages of one dataset: seals them, packs them into zstd NDJSON objects, and keeps the manifest's entries.

Small pages share an object: a thousand replies of one record do not become a thousand objects. Each page keeps its own
entry with the digest of the body as received.
"""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Literal

import msgspec
import orjson
import zstandard

from sync_platform.landing.completeness import ReceivedCounts, completeness_of, notes_of, unproven_of
from sync_platform.landing.destination import Destination
from sync_platform.landing.interrupted_syncs import Journal, scope_text
from sync_platform.landing.manifest import JOURNAL, Manifest, PageEntry, folder_key
from sync_platform.landing.undeclared_personal import UndeclaredPersonal
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.fingerprints import Fingerprints
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.loose_records import LooseReading
from sync_platform.sources.received import Body, Page, Record
from sync_platform.sources.scope import Scope
from sync_platform.vault.personal_fields import NOTHING_PERSONAL, Personal, PersonalKind

ZSTD_LEVEL = 1
OnObject = Callable[[str, str, str], None]
"""Called after each object with its dataset, its key and its SHA-256 (hex)."""


@dataclass(frozen=True)
class FullObject:
    """An object that is full: its lines, and the pages of these lines."""

    lines: list[bytes]
    pages: list[PageEntry]


class DatasetWriter:
    """Takes pages in one thread, and stores objects in one thread, which may be another one.

    Memory: the lines of one object beside those that are not stored yet, the records of one object that are not sealed
    yet, and 9 bytes per distinct id.
    """

    def __init__(
        self,
        destination: Destination,
        platform: str,
        dataset: Dataset,
        partition: str,
        sync_id: str,
        ids_only: bool = False,
        scope: Scope | None = None,
        started_at: datetime | None = None,
        on_object: OnObject = lambda dataset, key, digest: None,
    ) -> None:
        self._destination, self._ids_only, self._on_object = destination, ids_only, on_object
        self._platform, self._dataset, self._partition, self._sync_id = platform, dataset, partition, sync_id
        self._folder = folder_key(platform, dataset.name, partition, sync_id)
        self._compressor = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=True)
        self._undeclared = UndeclaredPersonal.of(dataset)
        self._unsealed: list[Record] = []
        self._names: list[str] = []  # the id of each unsealed record
        self._alike: Counter[str] = Counter()  # records without an id, by content
        self._unsealed_bytes = 0
        self._lines: list[bytes] = []
        self._line_bytes = 0
        self._open_pages: list[PageEntry] = []
        self._objects = 0
        self._opened_at = time.monotonic()
        self._scope, self._started_at = scope_text(scope or Scope()), started_at or datetime.now(UTC)
        self._seen, self._seen_without_id = Fingerprints(), Fingerprints()
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
        """Take a page, and store the object if it is full then; StorageError."""
        filled = self.take(page)
        if filled is not None:
            self.store(filled)

    def take(self, page: Page) -> FullObject | None:
        """Put a page into the current object, and seal its records unless they come from landing; StorageError, or
        UndeclaredField for a page that is refused.

        Small pages are sealed together, because each sealing reads from the vault. Returns the object when it is full:
        the caller hands it to `store`.
        """
        records, limits = page.records, self._destination.limits
        personal = NOTHING_PERSONAL if page.landed or self._ids_only else self._personal_of(records)
        own_ids = [self._dataset.source_id(record) for record in records]
        known = [own_id for own_id in own_ids if own_id is not None]
        self.without_id += len(own_ids) - len(known)
        self._seen.add(map(hash, known))
        contents = [None if own_id else orjson.dumps(record) for record, own_id in zip(records, own_ids, strict=True)]
        self._seen_without_id.add(hash(content) for content in contents if content is not None)
        bodies = list(page.landed) or [Body.of(reply) for reply in page.replies]
        first_line = len(self._lines) + len(self._unsealed) + 1
        self._open_pages.append(PageEntry(bodies, len(records), first_line=first_line, part=page.part))
        self.records += len(records)
        if page.landed:  # sealed when it was landed first
            self._seal()
            self._encode(records)
        elif self._ids_only:
            self._encode([_only_fields(record, self._dataset.key) for record in records])
        elif not personal.fields:
            self._encode(records)
        else:
            self._unsealed += records
            self._names += [own_id or self._name_by(content) for own_id, content in zip(own_ids, contents, strict=True)]
            self._unsealed_bytes += sum(body.size_bytes for body in bodies)
            if len(self._unsealed) >= limits.sealed_at_once or self._unsealed_bytes >= limits.size_bytes:
                self._seal()
        is_old = page.part is not None and time.monotonic() - self._opened_at > limits.age_s
        if self._line_bytes >= limits.size_bytes or is_old:
            return self._filled()
        return None

    def store(self, filled: FullObject) -> None:
        """Write an object. Objects are stored in the order in which they were filled. StorageError."""
        key = digest = None
        if filled.lines:
            body = self._compressor.compress(b"".join(filled.lines))
            self._objects += 1
            key = f"{self._folder}/pages-{self._objects:06d}.ndjson.zst"
            digest = hashlib.sha256(body).hexdigest()
            self._destination.store.put(key, body)
            self._on_object(self._dataset.name, key, digest)
        closed = [
            msgspec.structs.replace(page, object=key, object_sha256=digest) if page.records else page
            for page in filled.pages
        ]
        self.pages += closed
        self._write_journal(closed)

    def finish(
        self,
        *,
        run_id: str,
        mode: Literal["full", "incremental"],
        started_at: datetime,
        observed_at: datetime,
        gaps: Gaps,
        missing_parents_share: float | None = 0.0,
        left_out: int = 0,
        loose_readings: Mapping[LooseReading, int] = MappingProxyType({}),
        clock_ahead_s: float | None = None,
        day: date | None = None,
    ) -> Manifest:
        """Write the rest. The dataset is landed once the manifest that this returns is written.

        `missing_parents_share`: the missing share of the dataset `gaps.parent`.
        """
        self.store(self._filled())
        came = ReceivedCounts(len(self.pages), self.distinct_ids, len(self._seen_without_id))
        completeness = completeness_of(gaps, came, missing_parents_share)
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
            findings=gaps.findings + gaps.part_findings,
            reasons=completeness.reasons,
            missing_share=completeness.missing_share,
            parts=completeness.parts,
            notes=[*notes_of(gaps), *self._undeclared.notes()],
            unproven=unproven_of(gaps),
            left_out=left_out,
            day=day,
            loose_readings=sorted(loose_readings.items()),
            clock_ahead_s=clock_ahead_s,
        )

    def _personal_of(self, records: list[Record]) -> Personal:
        """The personal fields of the dataset: those that it declares, and the undeclared ones found until now.

        UndeclaredField where they are refused, before any of these records is written.
        """
        undeclared = self._undeclared.look(records)
        if undeclared and self._destination.refuses_undeclared:
            raise self._undeclared.refusal(f"{self._platform}.{self._dataset.name}", undeclared)
        return self._personal

    @property
    def _personal(self) -> Personal:
        declared = self._dataset.personal or NOTHING_PERSONAL
        undeclared = dict.fromkeys(sorted(self._undeclared.found), PersonalKind.unstated)
        return replace(declared, fields={path: declared.kind_of(path) for path in declared.fields} | undeclared)

    def _name_by(self, content: bytes | None) -> str:
        """The name of a record without an id: the same in each sync, and another one for a second record like it."""
        digest = hashlib.sha256(content or b"").hexdigest()
        self._alike[digest] += 1
        return f"{digest}/{self._alike[digest]}"

    def _seal(self) -> None:
        """Seal the waiting records, in the order in which they came."""
        if self._unsealed:
            self._destination.vault.seal_records(
                self._platform, self._personal, self._unsealed, self._names, self._dataset.name
            )
            self._encode(self._unsealed)
        self._unsealed, self._names, self._unsealed_bytes = [], [], 0

    def _encode(self, records: list[Record]) -> None:
        for record in records:
            line = orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE)
            self._lines.append(line)
            self._line_bytes += len(line)

    def _filled(self) -> FullObject:
        """The current object, closed; the next one begins."""
        self._seal()
        filled = FullObject(self._lines, self._open_pages)
        self._lines, self._line_bytes, self._open_pages = [], 0, []
        self._opened_at = time.monotonic()
        return filled

    def _write_journal(self, pages: list[PageEntry]) -> None:
        """Write the journal of an object: the next sync reuses its complete parts if this one dies."""
        parts = [page for page in pages if page.part is not None]
        if parts:
            key = f"{self._folder}/pages-{len(self.pages):06d}{JOURNAL}"
            self._destination.store.put(key, msgspec.json.encode(Journal(self._scope, self._started_at, parts)))


def _only_fields(record: Record, names: tuple[str, ...]) -> Record:
    return {name: record[name] for name in names if name in record}
