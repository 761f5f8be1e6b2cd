"""A year of monthly syncs of the sandbox, with default settings: every month is complete, whatever ended meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path

import httpx
import pytest

from sync_platform.lake.commit import commit_landed
from sync_platform.lake.rows import TypedRows
from sync_platform.lake.syncs import SyncRecord
from sync_platform.landing.destination import Destination
from sync_platform.landing.extract import Fetch, extract
from sync_platform.landing.manifest import land
from sync_platform.landing.reader import LandedDataset
from sync_platform.landing.source import Source
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.platforms import load_platforms
from sync_platform.sandbox.city import City
from sync_platform.sandbox.server import create_app
from sync_platform.sources.declaration import Platform
from sync_platform.sources.period import HONG_KONG, period_of
from sync_platform.sources.scope import Scope
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.objects import open_store
from sync_platform.vault.master_key import MasterKey
from sync_platform.vault.seal import Vault, open_vault_database
from sync_platform_tests.extent import only_in_full
from sync_platform_tests.platforms.replay import BASE, CREDENTIALS, MemorySecrets

PLATFORMS = load_platforms()
MONTHS = [date(2024 + month // 12, month % 12 + 1, 5) for month in range(13)]
"""All in the past: a sync that is observed in the future would be corrected."""
QUARTER = MONTHS[:4]
SMALL, LARGE = 30, 250


@dataclass
class SyncedMonthly:
    """A platform, and the lake and landing store into which it is synced month by month."""

    platform: Platform
    folder: Path
    places: int
    secrets: MemorySecrets = field(default_factory=MemorySecrets)

    def __post_init__(self) -> None:
        self.vault = Vault(open_vault_database(f"sqlite:///{self.folder / 'vault.sqlite'}"), MasterKey(bytes(32)))
        self.store = open_store((self.folder / "landing").as_uri())
        self.lake = Lake(
            LakeAddress(f"sqlite:{self.folder / 'catalog.sqlite'}", f"{self.folder / 'data'}/", self.folder / "spill")
        )

    def sync(self, day: date) -> list[SyncRecord]:
        """Sync the sandbox of that day at noon; the records of all datasets."""
        name, period = self.platform.name, period_of(self.platform.cadence, day)
        source = Source(
            base_url=f"{BASE}/{name}",
            archive_url=f"{BASE}/{name}_archive",
            credentials=CREDENTIALS,
            requests_per_second=None,
            concurrency=8,
            ids_only=False,
            transport=httpx.ASGITransport(create_app(City(self.places, today=day))),
        )
        fetch = Fetch(self.platform, source, self.secrets, Scope(), period.key, new_sync_id(), run_id="run")
        noon = datetime.combine(day, time(12), HONG_KONG).astimezone(UTC)
        manifests = extract(fetch, Destination(self.store, self.vault), started_at=noon)
        land(self.store, manifests)
        landed = (TypedRows(LandedDataset(manifest, self.store), self.platform) for manifest in manifests)
        return [commit_landed(self.lake, "lineage.changes", typed, "run").record for typed in landed]

    def syncs(self, days: list[date]) -> Iterator[tuple[date, SyncRecord]]:
        """The record of every dataset on every day."""
        for day in days:
            for record in self.sync(day):
                yield day, record


@pytest.mark.parametrize(
    ("name", "places", "days"),
    [
        ("chope", SMALL, QUARTER),
        ("data_gov_hk", SMALL, QUARTER),
        *(only_in_full(name, LARGE, MONTHS) for name in PLATFORMS),
    ],
)
def test_every_month_is_complete(tmp_path: Path, name: str, places: int, days: list[date]) -> None:
    synced = SyncedMonthly(PLATFORMS[name], tmp_path, places)
    counts: Counter[str] = Counter()
    try:
        for day, record in synced.syncs(days):
            assert (record.status, record.gaps, record.notes) == ("complete", [], []), (day, record)
            counts.update(inserted=record.inserted, ended=record.removed + record.past)
            counts[f"{record.dataset} past"] += record.past
    finally:
        synced.lake.close()
    assert counts["inserted"] > counts["ended"] > 0
    windows = {dataset.name for dataset in synced.platform.datasets if dataset.window}
    assert {dataset for dataset in windows if counts[f"{dataset} past"]} == windows
