"""A dataset is landed exactly when its manifest is stored, and the manifest states correctly whether it is complete."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from sync_platform.errors import StorageError
from sync_platform.landing.completeness import ReceivedCounts, completeness_of
from sync_platform.landing.manifest import (
    Body,
    Manifest,
    PageEntry,
    find_manifest,
    land,
    newest_landing,
)
from sync_platform.landing.sync_id import new_sync_id, time_of_sync
from sync_platform.sources.gaps import MAX_LISTED, Gaps
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.object_store import ObjectStore
from sync_platform_tests.landing.diner import LandingHarness

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)


def manifest_of(
    dataset: str = "places", sync_id: str = "sync-1", partition: str = "2026-11", **values: Any
) -> Manifest:
    body = Body("http://127.0.0.1/places", NOW, 200, None, "aa", 120)
    plain: dict[str, Any] = {
        "platform": "diner",
        "dataset": dataset,
        "partition": partition,
        "sync_id": sync_id,
        "run_id": "run-1",
        "mode": "full",
        "observed_at": NOW,
        "started_at": NOW,
        "finished_at": NOW + timedelta(seconds=3),
        "pages": [PageEntry([body, body], 2, "a", "digest", 1), PageEntry([body], 0)],
        "records": 2,
        "distinct_ids": 2,
        "without_id": 0,
        "claimed": None,
        "pages_expected": 2,
        "capped_slices": [],
        "omitted_ids": [],
        "failures": [],
        "findings": [],
        "reasons": [],
    }
    return Manifest(**{**plain, **values})


@pytest.fixture
def store(harness: LandingHarness) -> ObjectStore:
    return harness.store


class RecordingStore(FolderStore):
    """Records the order of puts, and fails at the named one."""

    puts: list[str]
    fails_at = ""

    def put(self, key: str, body: bytes) -> None:
        if self.fails_at and self.fails_at in key:
            raise StorageError("the disk is full")
        self.puts.append(key)
        super().put(key, body)


@pytest.fixture
def recording_store(harness: LandingHarness) -> RecordingStore:
    store = RecordingStore(harness.folder / "recording_store")
    store.puts = []
    return store


def test_the_first_dataset_is_written_last(recording_store: RecordingStore) -> None:
    manifests = [manifest_of(dataset) for dataset in ("places", "reviews", "menus")]
    land(recording_store, manifests)
    assert recording_store.puts == [manifest.key for manifest in reversed(manifests)]
    assert recording_store.puts[-1] == "landing/diner/places/2026-11/sync-1/manifest.json"


def test_a_sync_cut_off_while_landing_is_not_landed(recording_store: RecordingStore) -> None:
    recording_store.fails_at = "/places/"
    with pytest.raises(StorageError):
        land(recording_store, [manifest_of("places"), manifest_of("reviews")])
    assert newest_landing(recording_store, "diner", ["places", "reviews"], "2026-11") == []


def test_a_manifest_is_read_as_it_was_written(store: ObjectStore) -> None:
    manifest = manifest_of(claimed=3, failures=["茶餐廳"], reasons=["one"])
    land(store, [manifest])
    assert find_manifest(store, manifest.key) == manifest


def test_a_manifest_can_be_read_by_a_person(store: ObjectStore) -> None:
    land(store, [manifest_of()])
    assert b'\n "platform": "diner",\n' in store.get(manifest_of().key)


def test_there_may_be_no_manifest(store: ObjectStore) -> None:
    assert find_manifest(store, manifest_of().key) is None


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"platform": "diner"}', b"\xff"])
def test_a_damaged_manifest_is_a_storage_error_naming_it(store: ObjectStore, body: bytes) -> None:
    store.put(manifest_of().key, body)
    with pytest.raises(StorageError, match="the manifest .*/sync-1/manifest.json is damaged"):
        find_manifest(store, manifest_of().key)


def test_a_field_of_a_later_version_does_not_matter(store: ObjectStore) -> None:
    later = {**msgspec.to_builtins(manifest_of()), "later": 1}
    store.put(manifest_of().key, msgspec.json.encode(later))
    assert find_manifest(store, manifest_of().key) == manifest_of()


def test_the_newest_landing_is_the_last_sync_of_that_period(store: ObjectStore) -> None:
    moments = [NOW + timedelta(hours=hour) for hour in (5, 1, 30, 2)]
    for moment in moments:
        sync_id = new_sync_id(moment)
        land(store, [manifest_of(dataset, sync_id, run_id=moment.isoformat()) for dataset in ("places", "reviews")])
    land(store, [manifest_of("places", new_sync_id(NOW + timedelta(days=40)), partition="2026-12")])
    landed = newest_landing(store, "diner", ["places", "reviews"], "2026-11")
    assert [manifest.dataset for manifest in landed] == ["places", "reviews"]
    assert {manifest.run_id for manifest in landed} == {moments[2].isoformat()}


def test_pages_without_a_manifest_are_no_landing(store: ObjectStore) -> None:
    land(store, [manifest_of(sync_id="sync-1")])
    store.put("landing/diner/places/2026-11/sync-2/pages-000001.ndjson.zst", b"x")
    assert [manifest.sync_id for manifest in newest_landing(store, "diner", ["places"], "2026-11")] == ["sync-1"]


def test_a_dataset_that_was_not_fetched_has_no_manifest(store: ObjectStore) -> None:
    land(store, [manifest_of("places")])
    assert [found.dataset for found in newest_landing(store, "diner", ["places", "reviews"], "2026-11")] == ["places"]


def test_nothing_landed_is_no_manifest(store: ObjectStore) -> None:
    assert newest_landing(store, "diner", ["places"], "2026-11") == []


def test_bytes_received_are_those_of_every_body() -> None:
    assert manifest_of().body_bytes == 360


def test_a_sync_id_sorts_by_time_and_is_fresh() -> None:
    assert new_sync_id(NOW).startswith("20261124T083000.000000Z-")
    assert time_of_sync(new_sync_id(NOW)) == NOW
    assert time_of_sync("sync-1") is None
    assert new_sync_id(NOW) != new_sync_id(NOW)
    assert new_sync_id(NOW) < new_sync_id(NOW + timedelta(milliseconds=1))


PLAIN = {"pages": 2, "distinct_ids": 10, "without_id": 0}


@pytest.mark.parametrize(
    ("gaps", "came", "reasons"),
    [
        (Gaps(pages_expected=2), {}, []),
        (Gaps(pages_expected=2, claimed=10), {}, []),
        (Gaps(pages_expected=2, claimed=9), {}, []),
        (Gaps(claimed=0, pages_expected=1), {"pages": 1, "distinct_ids": 0}, []),
        (Gaps(pages_expected=3, failures=["broke"]), {}, ["1 page failed (broke)"]),
        (Gaps(pages_expected=4, failures=["a", "b"]), {}, ["2 pages failed (a)"]),
        (Gaps(pages_expected=3), {}, ["2 of 3 pages came"]),
        (Gaps(), {"pages": 0}, ["no page came"]),
        (Gaps(failures=["broke"]), {"pages": 0}, ["1 page failed (broke)"]),
        (Gaps(claimed=1_234), {}, ["the source claims 1,234 records, 10 came"]),
        (
            Gaps(capped_slices=["district=1", "district=2"]),
            {},
            ["2 slices hold more than the source lists: district=1"],
        ),
        (Gaps(omitted_ids=list("abcdefg")), {}, ["7 ids asked for were left out: a, b, c, d, e"]),
        (Gaps(claimed=13), {"without_id": 3}, []),
        (Gaps(findings=["odd", "odder"]), {}, ["odd", "odder"]),
        (
            Gaps(claimed=12, failures=["broke"], findings=["odd"]),
            {"without_id": 1},
            ["1 page failed (broke)", "odd", "the source claims 12 records, 11 came"],
        ),
    ],
)
def test_each_gap_has_its_reason(gaps: Gaps, came: dict[str, int], reasons: list[str]) -> None:
    assert completeness_of(gaps, ReceivedCounts(**{**PLAIN, **came})).reasons == reasons
    assert manifest_of(reasons=reasons).complete == (not reasons)


def test_more_failures_than_are_listed_are_counted_as_more() -> None:
    failures = [*(f"page {number}" for number in range(MAX_LISTED)), "… and more"]
    reasons = completeness_of(Gaps(failures=failures), ReceivedCounts(**PLAIN)).reasons
    assert reasons == [f"more than {MAX_LISTED} pages failed (page 0)"]
