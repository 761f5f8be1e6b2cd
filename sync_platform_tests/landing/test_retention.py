"""Retention deletes old landings, and never one that is needed or being written."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from sync_platform.errors import DamagedManifest
from sync_platform.landing.manifest import Manifest, folder_key, manifest_key, newest_landing
from sync_platform.landing.retention import LandingLimit, delete_expired, find_expired, limit_of, limits_of
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.settings import PlatformSettings
from sync_platform.sources.declaration import Terms
from sync_platform.storage.bucket_store import BucketStore
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.object_store import ObjectStore
from sync_platform_tests.lake.harness import diner
from sync_platform_tests.services import S3Server

NOW = datetime.now(UTC)
LATER = NOW + timedelta(days=200)
"""The clock of the tests. Objects have their real age, so the tests move the time instead."""
_prefixes = (f"retention-{number}" for number in itertools.count(1))


@dataclass
class Landing:
    """A landing store in which tests put syncs of some days ago."""

    store: ObjectStore
    now: datetime = LATER

    def put(
        self, days_ago: float, partition: str = "2026-11", platform: str = "diner", whole: bool = True,
        complete: bool = True, datasets: tuple[str, ...] = ("dishes", "reviews"),
    ) -> str:  # fmt: skip
        """Put a sync into the store, and return its id."""
        at = self.now - timedelta(days=days_ago)
        sync_id = new_sync_id(at)
        for dataset in datasets:
            folder = folder_key(platform, dataset, partition, sync_id)
            self.store.put(f"{folder}/pages-000001.ndjson.zst", b"page")
            reasons = [] if complete else ["1 page failed"]
            manifest = Manifest(
                platform, dataset, partition, sync_id, "run", "full", at, at, at, [], 0, 0, 0, None, 0, [], [], [], [],
                reasons,
            )  # fmt: skip
            if whole or dataset != "dishes":
                self.store.put(manifest.key, msgspec.json.encode(manifest))
        return sync_id

    def expire(self, limit: Callable[[str], LandingLimit] = lambda platform: LandingLimit(90)) -> dict[str, str]:
        """Delete old syncs; the ids of the deleted ones with the reason."""
        expired = find_expired(self.store, limit, self.now)
        delete_expired(self.store, expired, self.now)
        return {each.sync.sync_id: each.reason for each in expired}

    def left(self) -> set[str]:
        return {key.split("/")[4] for key in self.store.keys("landing/")}


@pytest.fixture(params=["folder", "bucket"])
def landing(request: pytest.FixtureRequest, tmp_path: Path) -> Landing:
    if request.param == "folder":
        return Landing(FolderStore(tmp_path))
    server: S3Server = request.getfixturevalue("s3_server")
    return Landing(BucketStore(server.client(), server.bucket, next(_prefixes)))


def test_syncs_past_their_days_are_deleted_whole_and_younger_ones_stay(landing: Landing) -> None:
    old, older, young, newest = (landing.put(days) for days in (91, 150, 89, 2))
    assert landing.expire() == {older: "older than 90 days", old: "older than 90 days"}
    assert landing.left() == {young, newest}
    assert len(list(landing.store.keys())) == 8


def test_the_newest_sync_of_a_datasets_latest_period_stays_however_old(landing: Landing) -> None:
    old, newest, backfill = (
        landing.put(days, period) for days, period in ((120, "2026-08"), (110, "2026-09"), (100, "2026-07"))
    )
    assert set(landing.expire()) == {old, backfill}
    assert landing.left() == {newest}
    assert newest_landing(landing.store, "diner", ["dishes", "reviews"], "2026-09") != []


def test_the_newest_complete_sync_stays_beside_newer_incomplete_ones(landing: Landing) -> None:
    first, complete, incomplete, newest = (
        landing.put(days, complete=complete)
        for days, complete in ((130, True), (120, True), (110, False), (100, False))
    )
    assert set(landing.expire()) == {first, incomplete}
    assert landing.left() == {complete, newest}


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"platform": "\xff"}'])
def test_a_sync_with_a_damaged_manifest_stays_beside_the_newest_complete_one(landing: Landing, content: bytes) -> None:
    old, complete, damaged, newest = (
        landing.put(days, complete=complete) for days, complete in ((130, True), (120, True), (110, True), (100, False))
    )
    other = landing.put(140, platform="canteen"), landing.put(130, platform="canteen")
    key = manifest_key("diner", "reviews", "2026-11", damaged)
    landing.store.put(key, content)
    named: list[DamagedManifest] = []
    expired = find_expired(landing.store, lambda platform: LandingLimit(90), landing.now, named.append)
    assert {each.sync.sync_id for each in expired} == {old, other[0]}
    assert [key in str(error) for error in named] == [True]
    assert set(landing.expire()) == {old, other[0]}
    assert landing.left() == {complete, damaged, newest, other[1]}
    assert {damaged} < set(landing.expire(lambda platform: LandingLimit(90, terms_days=30)))


def test_each_dataset_and_platform_keeps_its_own(landing: Landing) -> None:
    both = landing.put(120)
    dishes_only = landing.put(110, datasets=("dishes",))
    other = landing.put(130, platform="canteen")
    assert landing.expire() == {}
    assert landing.left() == {both, dishes_only, other}


def test_an_interrupted_sync_is_deleted_after_a_day_and_never_counts_as_the_newest(landing: Landing) -> None:
    whole = landing.put(100)
    interrupted, manifest_missing = landing.put(3, whole=False), landing.put(2, whole=False, datasets=("dishes",))
    reason = "interrupted, and not resumed for a day"
    assert landing.expire() == {interrupted: reason, manifest_missing: reason}
    assert landing.left() == {whole}


def test_a_sync_that_wrote_within_the_day_stays_also_if_its_id_is_older(landing: Landing) -> None:
    landing.now = datetime.now(UTC)
    running, rewritten = landing.put(3, whole=False), landing.put(400)
    landing.put(1)
    assert landing.expire() == {}
    assert {running, rewritten} <= landing.left()


def test_a_sync_that_began_within_the_day_stays_also_if_its_objects_are_older(tmp_path: Path) -> None:
    landing = Landing(FolderStore(tmp_path), datetime.now(UTC))
    landing.put(0.1, whole=False)
    for path in tmp_path.rglob("*.*"):
        os.utime(path, (0, 0))
    assert landing.expire() == {}


def test_a_deletion_that_was_killed_is_finished_by_the_next_one(
    landing: Landing, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, newest = landing.put(100), landing.put(2)
    deleted: list[str] = []
    delete = landing.store.delete

    def killed(key: str) -> None:
        if len(deleted) == 1:
            raise KeyboardInterrupt
        deleted.append(key)
        delete(key)

    with monkeypatch.context() as patch:
        patch.setattr(landing.store, "delete", killed)
        with pytest.raises(KeyboardInterrupt):
            landing.expire()
    assert deleted[0].endswith("/manifest.json")
    assert landing.expire() == {old: "interrupted, and not resumed for a day"}
    assert landing.left() == {newest}


def test_no_folder_and_no_half_written_file_is_left_behind(tmp_path: Path) -> None:
    landing = Landing(FolderStore(tmp_path))
    landing.put(100, "2026-08")
    newest = landing.put(2)
    for kind in ("landing/diner/dishes/2026-05/killed", "emergency"):
        (tmp_path / kind).mkdir(parents=True)
    (tmp_path / "landing/diner/dishes/2026-05/killed/.put-half").write_bytes(b"ha")
    landing.expire()
    folders = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_dir()}
    assert folders == {
        "emergency", "landing", "landing/diner",
        "landing/diner/dishes", "landing/diner/dishes/2026-11", f"landing/diner/dishes/2026-11/{newest}",
        "landing/diner/reviews", "landing/diner/reviews/2026-11", f"landing/diner/reviews/2026-11/{newest}",
    }  # fmt: skip


def test_terms_that_allow_fewer_days_bind_even_the_newest_sync(landing: Landing) -> None:
    syncs = [landing.put(days) for days in (40, 31)]
    assert landing.expire(lambda platform: LandingLimit(90, terms_days=30)) == dict.fromkeys(
        syncs, "older than the 30 days that the platform's terms allow"
    )
    assert landing.left() == set()


@pytest.mark.parametrize(
    ("base_url", "archive_url", "terms_days"),
    [
        ("", "", None),
        ("http://127.0.0.1:8852/diner", "", None),
        ("https://diner.example", "", 30),
        ("", "https://archive.diner.example", 30),
    ],
)
def test_terms_apply_to_landings_from_a_live_address(base_url: str, archive_url: str, terms_days: int | None) -> None:
    platform = diner()
    platform.terms = Terms("ours", "https://diner.example", agreement_needed=False, cache_days=30)  # type: ignore[misc]
    own = PlatformSettings(base_url=base_url, archive_url=archive_url)
    assert limit_of(platform, own, 90) == LandingLimit(90, terms_days)


def test_a_platform_that_is_no_longer_declared_is_kept_for_the_settings_days(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DINER_BASE_URL", "https://diner.example")
    platform = diner()
    platform.terms = Terms("ours", "https://diner.example", agreement_needed=False, cache_days=7)  # type: ignore[misc]
    limit = limits_of({"diner": platform}, 60)
    assert (limit("diner"), limit("closed_last_year")) == (LandingLimit(60, 7), LandingLimit(60))
