"""The manifest of one landed dataset: every page with its digests, and what is known of its completeness.

A dataset counts as landed once its manifest is in the store. Pages without a manifest belong to an interrupted sync.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Literal

import msgspec

from sync_platform.errors import DamagedManifest
from sync_platform.landing.completeness import ReadParts, UnprovenParts
from sync_platform.sources.loose_records import LooseReading
from sync_platform.sources.received import Body, Part
from sync_platform.storage.object_store import ObjectStore

JOURNAL = ".journal.json"
"""The ending of the journals of a sync under way (landing/interrupted_syncs.py)."""


class PageEntry(msgspec.Struct, frozen=True):
    """One page: the bodies that it was read from, and the lines of its records (`first_line` counts from 1).

    A page without records has no object. `part`: the complete part that the page belongs to, if it does.
    """

    bodies: list[Body]
    records: int
    object: str | None = None
    object_sha256: str | None = None
    first_line: int = 1
    part: Part | None = None


class Manifest(msgspec.Struct):
    """What one sync landed of one dataset. Times are UTC; `object` keys are relative to the landing store.

    `reasons`, `missing_share` and `parts` are its completeness (landing/completeness.py). `left_out`: listed records
    that were not requested, because they are out of scope. `loose_readings`: fields of answers that were read although
    they have another form than declared, each with the number of its answers. `notes`: what was odd and cost nothing.
    `clock_ahead_s`: by how much this machine's clock was ahead of the server's; None where the server does not say its
    time. `day`: the day that the source shows, if it is not the day of `observed_at`: that of a sandbox with a fixed
    date.
    """

    platform: str
    dataset: str
    partition: str
    sync_id: str
    run_id: str
    mode: Literal["full", "incremental"]
    observed_at: datetime
    started_at: datetime
    finished_at: datetime
    pages: list[PageEntry]
    records: int
    distinct_ids: int
    without_id: int
    claimed: int | None
    pages_expected: int
    capped_slices: list[str]
    omitted_ids: list[str]
    failures: list[str]
    findings: list[str]
    reasons: list[str]
    version: int = 1
    missing_share: float | None = None
    parts: ReadParts | None = None
    left_out: int = 0
    loose_readings: list[tuple[LooseReading, int]] = []
    notes: list[str] = []
    unproven: UnprovenParts | None = None
    clock_ahead_s: float | None = None
    day: date | None = None

    @property
    def complete(self) -> bool:
        """True if nothing is known to be missing. Only then may a full sync retire every row that it did not see."""
        return not self.reasons

    @property
    def bodies(self) -> list[Body]:
        """Every HTTP body, in landing order."""
        return [body for page in self.pages for body in page.bodies]

    @property
    def body_bytes(self) -> int:
        """Bytes received, as HTTP bodies."""
        return sum(body.size_bytes for body in self.bodies)

    @property
    def key(self) -> str:
        return manifest_key(self.platform, self.dataset, self.partition, self.sync_id)

    @property
    def objects(self) -> dict[str, str]:
        """Every object's key with its SHA-256, in landing order."""
        return {page.object: page.object_sha256 or "" for page in self.pages if page.object}


def folder_key(platform: str, dataset: str, partition: str, sync_id: str) -> str:
    return f"landing/{platform}/{dataset}/{partition}/{sync_id}"


def manifest_key(platform: str, dataset: str, partition: str, sync_id: str) -> str:
    return f"{folder_key(platform, dataset, partition, sync_id)}/manifest.json"


def land(store: ObjectStore, manifests: list[Manifest]) -> None:
    """Write the manifests of a sync, that of the first dataset last: once it is in the store, the sync is landed.

    The journals are not needed any more, and are deleted.
    """
    for manifest in reversed(manifests):
        store.put(manifest.key, msgspec.json.format(msgspec.json.encode(manifest), indent=1))
    for manifest in manifests:
        if any(page.part for page in manifest.pages):
            for key in store.keys(manifest.key.removesuffix("manifest.json")):
                if key.endswith(JOURNAL):
                    store.delete(key)


def find_manifest(store: ObjectStore, key: str) -> Manifest | None:
    """The manifest at a key, or None; DamagedManifest where it cannot be read."""
    try:
        return msgspec.json.decode(store.get(key), type=Manifest)
    except KeyError:
        return None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DamagedManifest(f"the manifest {store.url}/{key} is damaged: {error}") from error


def manifest_digest(store: ObjectStore, key: str) -> str | None:
    """The SHA-256 (hex) of a manifest in the store; None where it is gone."""
    try:
        return hashlib.sha256(store.get(key)).hexdigest()
    except KeyError:
        return None


def newest_sync_id(store: ObjectStore, platform: str, dataset: str, partition: str) -> str | None:
    """The id of the sync that was landed last for a dataset and period; None where there is none."""
    prefix = f"landing/{platform}/{dataset}/{partition}/"
    landed = [key for key in store.keys(prefix) if key.endswith("/manifest.json")]
    return landed[-1].split("/")[-2] if landed else None


def newest_landing(store: ObjectStore, platform: str, datasets: list[str], partition: str) -> list[Manifest]:
    """The manifests of the sync that was landed last for a period; empty where there is none.

    Sync ids sort by time. A dataset that the sync did not fetch (terms may allow ids only) has no manifest.
    """
    sync_id = newest_sync_id(store, platform, datasets[0], partition)
    if sync_id is None:
        return []
    manifests = (find_manifest(store, manifest_key(platform, dataset, partition, sync_id)) for dataset in datasets)
    return [manifest for manifest in manifests if manifest is not None]
