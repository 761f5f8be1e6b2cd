"""How long landed syncs are kept: the days of a setting, or fewer where the platform's terms require that.

A sync is kept or deleted as a whole. The sources of the current tables are kept: per dataset the newest sync of its
latest period, and the newest complete one. A sync whose manifest is damaged is kept too where it may be one of these.
Only terms override that.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from sync_platform.errors import DamagedManifest
from sync_platform.landing.manifest import find_manifest, manifest_key
from sync_platform.landing.sync_id import time_of_sync
from sync_platform.settings import PlatformSettings, platform_settings
from sync_platform.sources.client import is_loopback
from sync_platform.sources.declaration import Platform
from sync_platform.storage.held_lock import needs_no_lock
from sync_platform.storage.object_store import ObjectInfo, ObjectStore

LANDING = "landing/"
OnDamage = Callable[[DamagedManifest], None]
AT_WORK = timedelta(days=1)
"""A sync that wrote an object within this time may still be running, or be resumed if it has no manifests."""


@dataclass(frozen=True)
class LandingLimit:
    """The days that the landing of a platform is kept. `terms_days`: the most that its terms allow, if they say so."""

    days: int
    terms_days: int | None = None


@dataclass
class LandedSync:
    """One sync in the store: its objects by dataset."""

    platform: str
    partition: str
    sync_id: str
    entries: dict[str, list[ObjectInfo]] = field(default_factory=dict)

    @property
    def is_whole(self) -> bool:
        """True if every dataset has its manifest; otherwise the sync was interrupted."""
        return all(any(_is_manifest(entry) for entry in entries) for entries in self.entries.values())

    @property
    def newest_object_at(self) -> datetime:
        return max(entry.modified_at for entries in self.entries.values() for entry in entries)

    @property
    def began_at(self) -> datetime:
        """When the sync began, from its id."""
        return time_of_sync(self.sync_id) or self.newest_object_at

    @property
    def size_bytes(self) -> int:
        return sum(entry.size_bytes for entries in self.entries.values() for entry in entries)

    @property
    def folders(self) -> list[str]:
        return [f"{LANDING}{self.platform}/{dataset}/{self.partition}/{self.sync_id}" for dataset in self.entries]


@dataclass(frozen=True)
class ExpiredSync:
    """A sync that is to be deleted, and why."""

    sync: LandedSync
    reason: str

    def document(self) -> dict[str, Any]:
        return {"folders": self.sync.folders, "size_bytes": self.sync.size_bytes, "reason": self.reason}


def limits_of(platforms: Mapping[str, Platform], days: int) -> Callable[[str], LandingLimit]:
    """The limit of each platform by name; a platform that is no longer declared has no known terms."""

    def limit(name: str) -> LandingLimit:
        return limit_of(platforms[name], platform_settings(name), days) if name in platforms else LandingLimit(days)

    return limit


def limit_of(platform: Platform, own: PlatformSettings, days: int) -> LandingLimit:
    """The limit of a platform. Terms apply to data from a live address, not to invented data of the sandbox."""
    is_live = any(url and not is_loopback(url) for url in (own.base_url, own.archive_url))
    return LandingLimit(days, platform.terms.cache_days if is_live else None)


def ignore_damage(error: DamagedManifest) -> None:
    """Does nothing with a damaged manifest: verification and maintenance name it."""


def find_expired(
    store: ObjectStore, limit: Callable[[str], LandingLimit], now: datetime, on_damage: OnDamage = ignore_damage
) -> list[ExpiredSync]:
    """The syncs that are to be deleted, oldest first within a platform.

    `limit` returns the limit of a platform. `on_damage` gets each damaged manifest that keeps its sync.
    """
    expired = []
    syncs = sorted(landed_syncs(store), key=lambda sync: (sync.platform, sync.sync_id))
    for platform, of_platform in groupby(syncs, key=lambda sync: sync.platform):
        listed = list(of_platform)
        needed = _needed(store, listed, on_damage)
        for sync in listed:
            reason = _reason(sync, limit(platform), now, sync.sync_id in needed)
            if reason:
                expired.append(ExpiredSync(sync, reason))
    return expired


def delete_expired(
    store: ObjectStore, expired: list[ExpiredSync], now: datetime, require_lock: Callable[[], None] = needs_no_lock
) -> None:
    """Delete them, manifests first: if this is killed, the rest counts as an interrupted sync and is deleted later.

    `require_lock` is asked before each sync; it raises where the caller may not delete any more.
    """
    for expired_sync in expired:
        require_lock()
        entries = [entry for keys in expired_sync.sync.entries.values() for entry in keys]
        for entry in sorted(entries, key=lambda entry: not _is_manifest(entry)):
            store.delete(entry.key)
    store.sweep(LANDING, now - AT_WORK)


def damage_in_words(damaged: Sequence[DamagedManifest]) -> str:
    """What keeps syncs that may be past their retention, and what a person does about it."""
    named = "; ".join(str(error) for error in damaged)
    return (
        f"{named}; the sync is kept, and all else is done. Put the manifest back from a copy of the landing store; "
        "where there is none, delete its folder: the rows stay in the lake"
    )


def landed_syncs(store: ObjectStore) -> list[LandedSync]:
    """Every sync in the store, interrupted ones included."""
    syncs: dict[tuple[str, str, str], LandedSync] = {}
    for entry in store.entries(LANDING):
        parts = entry.key.split("/")
        if len(parts) == 6:
            _, platform, dataset, partition, sync_id, _ = parts
            sync = syncs.setdefault((platform, partition, sync_id), LandedSync(platform, partition, sync_id))
            sync.entries.setdefault(dataset, []).append(entry)
    return list(syncs.values())


def _needed(store: ObjectStore, syncs: list[LandedSync], on_damage: OnDamage) -> set[str]:
    """The ids of the syncs of one platform that are kept regardless of their age."""
    needed: set[str] = set()
    for dataset in {dataset for sync in syncs for dataset in sync.entries}:
        landed = [sync for sync in syncs if dataset in sync.entries and sync.is_whole]
        newest_first = sorted(landed, key=lambda sync: (sync.partition, sync.sync_id), reverse=True)
        needed.update(sync.sync_id for sync in newest_first[:1])
        for sync in newest_first:
            try:
                manifest = find_manifest(store, manifest_key(sync.platform, dataset, sync.partition, sync.sync_id))
            except DamagedManifest as error:
                on_damage(error)
                needed.add(sync.sync_id)
                continue
            if manifest is not None and manifest.complete:
                needed.add(sync.sync_id)
                break
    return needed


def _reason(sync: LandedSync, limit: LandingLimit, now: datetime, is_needed: bool) -> str | None:
    """Why a sync is to be deleted; None for one that is kept."""
    if max(sync.newest_object_at, sync.began_at) > now - AT_WORK:
        return None
    age = now - sync.began_at
    if not sync.is_whole:
        return "interrupted, and not resumed for a day"
    if limit.terms_days is not None and age > timedelta(days=limit.terms_days):
        return f"older than the {limit.terms_days} days that the platform's terms allow"
    if age > timedelta(days=limit.days) and not is_needed:
        return f"older than {limit.days} days"
    return None


def _is_manifest(entry: ObjectInfo) -> bool:
    return entry.key.endswith("/manifest.json")
