"""Interrupted syncs: what one landed in whole parts before it died, so that the next one need not fetch it again.

While a sync runs, every object that holds whole parts has a journal beside it with its pages; the manifest, at the
end, takes the journals' place. Only what belongs to one restaurant is gone on with (its reviews, its menu): the lists
themselves may have moved on in between.
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
from sync_platform.storage.objects import ObjectStore

RESUMABLE = timedelta(hours=6)


class Journal(msgspec.Struct):
    """The pages of one landing object, written right after it; `scope` is what the sync asked for."""

    scope: str
    started_at: datetime
    pages: list[PageEntry]


def scope_text(scope: Scope) -> str:
    """What a sync asks for, as text to compare: parts fetched under another scope are other parts."""
    since = ",".join(f"{dataset}>{moment}" for dataset, moment in sorted(scope.since.items()))
    return f"{scope.mode} {since} {scope.archive_period}"


@dataclass
class Interrupted:
    """The whole parts of interrupted syncs, by dataset and name; `started_at` of the first sync they come from."""

    store: ObjectStore
    started_at: datetime
    parts: dict[tuple[str, str], list[PageEntry]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._records = LandedRecords(self.store)

    def pages(self, dataset: str, part: str) -> list[Page]:
        """The pages of a part, their records sealed as they stand; none where it is not there whole or unharmed."""
        entries = self.parts.get((dataset, part), [])
        try:
            return [Page(dataset, self._records.of(entry), (), entry.part, tuple(entry.bodies)) for entry in entries]
        except StorageError:
            return []


def find_interrupted(
    store: ObjectStore, platform: str, datasets: list[str], partition: str, scope: Scope, now: datetime | None = None
) -> Interrupted | None:
    """What fresh syncs of the period left in journals, without a manifest, after the last one that was landed; of
    those that asked for the same. None where there is nothing to go on with."""
    journals: dict[str, list[str]] = defaultdict(list)
    landed = {""}
    for dataset in datasets:
        for key in store.keys(folder_key(platform, dataset, partition, "")):
            sync_id = key.split("/")[-2]
            if key.endswith("/manifest.json"):
                landed.add(sync_id)
            elif key.endswith(JOURNAL):
                journals[sync_id].append(key)
    found = Interrupted(store, datetime.max.replace(tzinfo=UTC))
    oldest = (now or datetime.now(UTC)) - RESUMABLE
    for sync_id in sorted(journals):
        began = time_of_sync(sync_id)
        if began and began >= oldest and sync_id > max(landed):
            _read_into(found, journals[sync_id], scope)
    return found if found.parts else None


def _read_into(found: Interrupted, keys: list[str], scope: Scope) -> None:
    """Add one sync's whole parts; its word counts over an earlier sync's."""
    parts: dict[tuple[str, str], list[PageEntry]] = defaultdict(list)
    for key in keys:
        try:
            journal = msgspec.json.decode(found.store.get(key), type=Journal)
        except (KeyError, msgspec.DecodeError):
            continue  # being written when the sync died
        if journal.scope != scope_text(scope):
            return
        found.started_at = min(found.started_at, journal.started_at)
        for entry in journal.pages:
            if entry.part is not None:
                parts[key.split("/")[2], entry.part.name].append(entry)
    for name, entries in parts.items():
        if entries[0].part and len(entries) == entries[0].part.pages:
            found.parts[name] = entries
