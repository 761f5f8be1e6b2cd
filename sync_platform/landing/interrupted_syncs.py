"""Interrupted syncs: the next sync reuses the complete parts that one landed before it died.

While a sync runs, every object with complete parts has a journal beside it that lists its pages. At the end the
manifest replaces the journals. Only parts of one restaurant are reused (its reviews, its menu): the lists themselves
may have changed in between.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import msgspec

from sync_platform.errors import StorageError
from sync_platform.landing.manifest import JOURNAL, PageEntry, folder_key
from sync_platform.landing.reader import LandedRecords
from sync_platform.landing.sync_id import time_of_sync
from sync_platform.sources.received import Page
from sync_platform.sources.scope import Scope
from sync_platform.storage.object_store import ObjectStore

RESUMABLE = timedelta(hours=6)


class Journal(msgspec.Struct):
    """The pages of one landing object, written right after it; `scope` is what the sync requested."""

    scope: str
    started_at: datetime
    pages: list[PageEntry]


def scope_text(scope: Scope) -> str:
    """The scope of a sync as text, for comparison: parts that were fetched under another scope are not reused."""
    since = ",".join(f"{dataset}>{moment}" for dataset, moment in sorted(scope.since.items()))
    return f"{scope.mode} {since} {scope.archive_period}"


@dataclass
class InterruptedParts:
    """The complete parts of interrupted syncs, by dataset and name; `started_at` is that of their first sync."""

    store: ObjectStore
    started_at: datetime
    parts: dict[tuple[str, str], list[PageEntry]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._records = LandedRecords(self.store)

    def pages(self, dataset: str, part: str) -> list[Page]:
        """The pages of a part, their records sealed; none where the part is missing, incomplete or damaged."""
        entries = self.parts.get((dataset, part), [])
        try:
            return [Page(dataset, self._records.of(entry), (), entry.part, tuple(entry.bodies)) for entry in entries]
        except StorageError:
            return []


def find_interrupted(
    store: ObjectStore, platform: str, datasets: list[str], partition: str, scope: Scope, now: datetime | None = None
) -> InterruptedParts | None:
    """The complete parts of interrupted syncs of the period; None where there are none.

    A sync is used only if it began within the last six hours and after the last landed sync, with the same scope.
    """
    journals: dict[str, list[str]] = defaultdict(list)
    landed = {""}
    for dataset in datasets:
        for key in store.keys(folder_key(platform, dataset, partition, "")):
            sync_id = key.split("/")[-2]
            if key.endswith("/manifest.json"):
                landed.add(sync_id)
            elif key.endswith(JOURNAL):
                journals[sync_id].append(key)
    interrupted = InterruptedParts(store, datetime.max.replace(tzinfo=UTC))
    oldest = (now or datetime.now(UTC)) - RESUMABLE
    for sync_id in sorted(journals):
        began = time_of_sync(sync_id)
        if began and began >= oldest and sync_id > max(landed):
            _read_into(interrupted, journals[sync_id], scope)
    return interrupted if interrupted.parts else None


def _read_into(interrupted: InterruptedParts, keys: list[str], scope: Scope) -> None:
    """Add the complete parts of one sync. They replace those of an earlier sync."""
    parts: dict[tuple[str, str], list[PageEntry]] = defaultdict(list)
    for key in keys:
        try:
            journal = msgspec.json.decode(interrupted.store.get(key), type=Journal)
        except (KeyError, msgspec.DecodeError, UnicodeDecodeError):
            continue  # it was not written completely when the sync died
        if journal.scope != scope_text(scope):
            return
        interrupted.started_at = min(interrupted.started_at, journal.started_at)
        for entry in journal.pages:
            if entry.part is not None:
                parts[key.split("/")[2], entry.part.name].append(entry)
    for name, entries in parts.items():
        if entries[0].part and len(entries) == entries[0].part.pages:
            interrupted.parts[name] = entries
