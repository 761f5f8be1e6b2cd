"""Pages packed into objects, and read back with checked digests."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
import zstandard

from sync_platform.errors import StorageError
from sync_platform.landing.destination import ObjectLimits
from sync_platform.landing.manifest import Manifest
from sync_platform.landing.reader import LandedDataset
from sync_platform.landing.writer import DatasetWriter
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.received import Body
from sync_platform.vault.personal_fields import Personal
from sync_platform_tests.landing.diner import PLACES, REVIEWS, LandingHarness, page_of

FOLDER = "landing/diner/places/2026-11/sync-1"


def writer_of(harness: LandingHarness, dataset: Dataset = PLACES, ids_only: bool = False) -> DatasetWriter:
    return DatasetWriter(harness.destination, "diner", dataset, "2026-11", "sync-1", ids_only)


def finish(writer: DatasetWriter, **gaps: Any) -> Manifest:
    now = datetime.now(UTC)
    return writer.finish(run_id="run-1", mode="full", started_at=now, observed_at=now, gaps=Gaps(**gaps))


def places(*ids: int) -> list[dict[str, Any]]:
    return [{"id": number, "name": f"茶餐廳 {number}"} for number in ids]


def test_small_pages_share_an_object(harness: LandingHarness) -> None:
    writer = writer_of(harness)
    for number in range(50):
        writer.add(page_of("places", places(number, number + 100)))
    manifest = finish(writer)
    assert list(harness.store.keys()) == [f"{FOLDER}/pages-000001.ndjson.zst"]
    assert [page.first_line for page in manifest.pages] == list(range(1, 101, 2))
    assert (manifest.records, manifest.distinct_ids, len(manifest.pages)) == (100, 100, 50)


def test_a_page_that_fills_an_object_closes_it(harness: LandingHarness) -> None:
    harness.limits = ObjectLimits(size_bytes=100)
    writer = writer_of(harness)
    for number in range(6):
        writer.add(page_of("places", places(number, number + 10)))
    manifest = finish(writer)
    objects = [page.object for page in manifest.pages]
    assert objects == [f"{FOLDER}/pages-{number:06d}.ndjson.zst" for number in (1, 1, 2, 2, 3, 3)]
    assert [page.first_line for page in manifest.pages] == [1, 3, 1, 3, 1, 3]
    assert harness.records(manifest) == [place for n in range(6) for place in places(n, n + 10)]


def test_landed_records_are_read_back_in_order(harness: LandingHarness) -> None:
    writer = writer_of(harness)
    writer.add(page_of("places", places(3, 1)))
    writer.add(page_of("places", places(2)))
    assert harness.records(finish(writer)) == places(3, 1, 2)


def test_each_page_keeps_the_facts_of_its_reply(harness: LandingHarness) -> None:
    writer = writer_of(harness)
    page = page_of("places", places(1), body=b'[{"id": 1}]')
    writer.add(page)
    (body,) = finish(writer).pages[0].bodies
    assert (body.url, body.status, body.etag, body.size_bytes) == ("http://127.0.0.1/places", 200, '"v1"', 11)
    assert body.sha256 == hashlib.sha256(b'[{"id": 1}]').hexdigest()
    assert body.fetched_at == page.replies[0].fetched_at


def test_the_manifest_names_each_object_with_its_digest(harness: LandingHarness) -> None:
    writer = writer_of(harness)
    writer.add(page_of("places", places(1)))
    manifest = finish(writer)
    stored = {key: hashlib.sha256(harness.store.get(key)).hexdigest() for key in list(harness.store.keys())}
    assert manifest.objects == stored


def test_a_page_without_records_has_an_entry_and_no_object(harness: LandingHarness) -> None:
    writer = writer_of(harness)
    writer.add(page_of("places", []))
    manifest = finish(writer)
    assert list(harness.store.keys()) == []
    assert [(page.records, page.object, page.object_sha256) for page in manifest.pages] == [(0, None, None)]
    assert manifest.complete
    assert list(LandedDataset(manifest, harness.store).objects()) == []


def test_a_line_belongs_to_the_page_that_listed_it(harness: LandingHarness) -> None:
    harness.limits = ObjectLimits(size_bytes=100)
    writer = writer_of(harness)
    sizes = [1, 0, 3, 1, 0, 2]
    for number, size in enumerate(sizes):
        records = places(*range(number * 10, number * 10 + size))
        writer.add(page_of("places", records, body=str(number).encode()))
    manifest = finish(writer)
    assert len(manifest.objects) == 2
    landed = LandedDataset(manifest, harness.store)
    for key, body in landed.objects():
        for line, text in enumerate(body.splitlines(), 1):
            number = int(text.split(b":")[1].split(b",")[0]) // 10
            assert landed.page_of(key, line).bodies[0].sha256 == hashlib.sha256(str(number).encode()).hexdigest()


def test_an_object_tampered_with_is_detected(harness: LandingHarness) -> None:
    writer = writer_of(harness)
    writer.add(page_of("places", places(1)))
    manifest = finish(writer)
    (key,) = manifest.objects
    harness.store.put(key, zstandard.compress(b'{"id":1,"name":"another"}\n'))
    with pytest.raises(StorageError, match=rf"{key} is not what was landed \(SHA-256 differs\)"):
        list(LandedDataset(manifest, harness.store).objects())


def test_a_missing_object_is_detected(harness: LandingHarness) -> None:
    writer = writer_of(harness)
    writer.add(page_of("places", places(1)))
    manifest = finish(writer)
    (key,) = manifest.objects
    harness.store.delete(key)
    with pytest.raises(StorageError, match=f"the landing object .*{key} is missing"):
        list(LandedDataset(manifest, harness.store).objects())


def test_objects_before_a_broken_one_are_still_read(harness: LandingHarness) -> None:
    harness.limits = ObjectLimits(size_bytes=1)
    writer = writer_of(harness)
    for number in (1, 2):
        writer.add(page_of("places", places(number)))
    manifest = finish(writer)
    harness.store.delete(list(manifest.objects)[1])
    objects = LandedDataset(manifest, harness.store).objects()
    assert next(objects)[0] == f"{FOLDER}/pages-000001.ndjson.zst"
    with pytest.raises(StorageError):
        next(objects)


def test_ids_are_counted_once_and_missing_ones_apart(harness: LandingHarness) -> None:
    writer = writer_of(harness)
    writer.add(page_of("places", [*places(1, 2, 1), {"name": "nameless"}, {"id": ""}, {"id": [3]}, {"id": ""}]))
    manifest = finish(writer, claimed=6, pages_expected=1)
    assert (manifest.records, manifest.distinct_ids, manifest.without_id) == (7, 2, 4)
    assert manifest.reasons == ["the source claims 6 records, 5 came"], "two that are alike may be one"


def test_ids_only_keeps_only_keys(harness: LandingHarness) -> None:
    writer = writer_of(harness, ids_only=True)
    writer.add(page_of("places", [*places(1, 2), {"name": "nameless"}]))
    assert harness.records(finish(writer)) == [{"id": 1}, {"id": 2}, {}]


def test_personal_fields_are_sealed_and_others_are_not(harness: LandingHarness) -> None:
    writer = writer_of(harness, REVIEWS)
    review = {"id": 1, "stars": 5, "text": "好味", "author": {"name": "陳大文", "email": "c@example.hk", "level": 3}}
    writer.add(page_of("reviews", [review]))
    (landed,) = harness.records(finish(writer))
    assert (landed["id"], landed["stars"], landed["author"]["level"]) == (1, 5, 3)
    assert harness.vault.unseal("diner", "author.name", landed["author"]["name"]) == "陳大文"
    assert harness.vault.unseal("diner", "text", landed["text"]) == "好味"


def test_records_without_id_and_person_are_their_own_subjects_which_stay_the_same(
    harness: LandingHarness,
) -> None:
    texts = []
    for _ in range(2):
        writer = writer_of(harness, REVIEWS)
        writer.add(page_of("reviews", [{"text": "same"}, {"text": "same"}]))
        texts.append([record["text"] for record in harness.records(finish(writer))])
    assert texts[0][0] != texts[0][1]
    assert texts[0] == texts[1]


def test_a_page_that_cannot_be_sealed_is_not_written_in_clear(harness: LandingHarness) -> None:
    with closing(sqlite3.connect(harness.folder / "vault.sqlite")) as vault:
        for (table,) in vault.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall():
            vault.execute(f"DROP TABLE {table}")
    writer = writer_of(harness, REVIEWS)
    writer.add(page_of("reviews", [{"id": 1, "text": "MARKER"}]))
    for _ in range(2):  # a second attempt to finish fails too
        with pytest.raises(StorageError, match="no such table"):
            finish(writer)
    assert b"MARKER" not in harness.everything_written()


def test_small_pages_are_sealed_together_in_order_of_arrival(
    harness: LandingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed: list[int] = []
    seal = harness.vault.seal_records

    def counted(platform: str, personal: Personal, records: list[Any], names: list[str], dataset: str = "") -> None:
        sealed.append(len(records))
        seal(platform, personal, records, names, dataset)

    monkeypatch.setattr(harness.vault, "seal_records", counted)
    harness.limits = ObjectLimits(sealed_at_once=4)
    earlier = writer_of(harness, REVIEWS)
    earlier.add(page_of("reviews", [{"id": 7, "text": "sealed before"}]))
    landed = harness.records(finish(earlier))
    writer = writer_of(harness, REVIEWS)
    for number in range(1, 7):
        writer.add(page_of("reviews", [{"id": number, "text": f"text {number}"}]))
    writer.add(
        replace(page_of("reviews", landed), landed=(Body("http://diner.test", datetime.now(UTC), 200, None, "", 2),))
    )
    writer.add(page_of("reviews", [{"id": 8, "text": "text 8"}]))
    manifest = finish(writer)
    assert sealed == [1, 4, 2, 1]  # landed records are not sealed again
    records = harness.records(manifest)
    assert [record["id"] for record in records] == [1, 2, 3, 4, 5, 6, 7, 8]
    assert [harness.vault.unseal("diner", "text", record["text"]) for record in records] == [
        *(f"text {number}" for number in range(1, 7)), "sealed before", "text 8",
    ]  # fmt: skip
    assert [page.first_line for page in manifest.pages] == [1, 2, 3, 4, 5, 6, 7, 8]
