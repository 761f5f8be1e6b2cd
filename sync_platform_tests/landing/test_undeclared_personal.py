"""Fields that look personal and that no platform file declares."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sync_platform.errors import UndeclaredField
from sync_platform.landing.manifest import Manifest
from sync_platform.landing.undeclared_personal import UndeclaredPersonal
from sync_platform.landing.writer import DatasetWriter
from sync_platform.platforms import load_platforms
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.gaps import Gaps
from sync_platform_tests.extent import examples
from sync_platform_tests.landing.diner import PLACES, REVIEWS, LandingHarness, answering, page_of
from sync_platform_tests.platforms.replay import read_fixture, replay

OF_REVIEWS: list[tuple[dict[str, Any], list[str]]] = [
    ({"stars": 5, "likes": 20260101, "lang": "en", "dish": "Wonton noodles"}, []),
    ({"contact": "mei@example.hk"}, ["contact"]),
    ({"note": "call me at 9123 4567 after six"}, ["note"]),
    ({"reply": {"text": "Thanks! +852 2123 4567"}}, ["reply"]),
    ({"mobile": 91234567}, ["mobile"]),
    ({"order": "91234567", "visit": "2026-11-24"}, []),
    ({"userName": "mei_eats", "user_count": 12}, ["userName"]),
    ({"author": {"id": 7, "wechat": "mei852"}}, ["author.wechat"]),
    ({"author": {"id": 7, "level": 3, "badges": ["gold"]}}, []),
    ({"photos": [{"url": "a"}, {"url": "b", "uploader": "mei"}]}, ["photos"]),
    ({"birthday": "1990-01-01", "名字": "x"}, ["birthday"]),
    ({"visitor": {"full_name": "Chan Mei", "phone": None}}, ["visitor"]),
    ({"visitor": {"name": "Chan Mei", "email": "m@example.hk"}}, ["visitor"]),
    ({"contact": "", "email": None, "phones": []}, []),
]
OF_PLACES: list[tuple[dict[str, Any], list[str]]] = [
    ({"phone": "2123 4567", "email": "info@diner.hk", "display_name": "茶餐廳"}, []),
    ({"contact": {"phone": "+852 2123 4567", "address": "1 Nathan Road"}}, []),
    ({"contact": {"name": "Chan Mei", "phone": "+852 9123 4567"}}, ["contact"]),
    ({"owner": "Chan Mei", "ownerCount": 2}, ["owner"]),
    ({"managerMobile": "91234567", "member_offer": "10% off"}, ["managerMobile"]),
    ({"contactName": "Mei", "contactEmail": "mei@diner.hk"}, ["contactEmail", "contactName"]),
    ({"contactName": "", "contactEmail": "info@diner.hk"}, []),
    ({"last_review": {"user": {"nickname": "mei"}, "stars": 4}}, ["last_review"]),
]


def undeclared(dataset: Dataset, *records: dict[str, Any]) -> list[str]:
    return UndeclaredPersonal.of(dataset).look(records)


@pytest.mark.parametrize(("record", "paths"), OF_REVIEWS, ids=str)
def test_in_a_dataset_about_persons_what_names_or_reaches_a_person_is_found(
    record: dict[str, Any], paths: list[str]
) -> None:
    assert undeclared(REVIEWS, {"id": 1, "text": "Good", **record}) == paths


@pytest.mark.parametrize(("record", "paths"), OF_PLACES, ids=str)
def test_in_a_dataset_of_places_only_what_is_of_a_person_is_found(record: dict[str, Any], paths: list[str]) -> None:
    assert undeclared(PLACES, {"id": 1, "name": "茶餐廳", **record}) == paths


def test_a_picture_in_a_field_and_ten_thousand_fields_are_looked_at_once() -> None:
    """With a search from each character of the text, or over all fields for each field, this takes hours."""
    many = {f"dish_{number}_name": number for number in range(10_000)}
    assert undeclared(REVIEWS, {"id": 1, "photo": "x" * 2_000_000, "menu": many}) == []
    assert undeclared(PLACES, {"id": 1, **many, "contactName": "Mei"}) == ["contactName"]
    assert undeclared(REVIEWS, {"id": 1, "note": "x" * 2_000_000 + " mei.c+1@diner.hk"}) == ["note"]


def test_the_fields_that_the_platforms_send_today_are_declared() -> None:
    for platform in load_platforms().values():
        replayed = replay(platform, read_fixture(platform.name, "exchanges.json"))
        for dataset in platform.datasets:
            records = replayed.records(dataset.name)
            assert records
            assert undeclared(dataset, *records) == [], f"{platform.name}.{dataset.name}"


def land(harness: LandingHarness, dataset: Dataset, *pages: list[dict[str, Any]], refuses: bool = False) -> Manifest:
    destination = replace(harness.destination, refuses_undeclared=refuses)
    writer, now = DatasetWriter(destination, "diner", dataset, "2026-11", "sync-1"), datetime.now(UTC)
    for page in pages:
        writer.add(page_of(dataset.name, page))
    return writer.finish(run_id="run-1", mode="full", started_at=now, observed_at=now, gaps=Gaps())


def test_an_undeclared_field_is_sealed_for_the_person_of_its_record_and_reported(harness: LandingHarness) -> None:
    author = {"email": "mei@example.hk", "wechat": "mei852"}
    photos = [{"uploader": {"phone": "9123 4567"}}]
    manifest = land(
        harness, REVIEWS, [{"id": 1, "author": author, "photos": photos, "likes": 3}], [{"id": 2, "likes": 4}]
    )
    first, second = harness.records(manifest)
    assert harness.vault.unseal("diner", "author.wechat", first["author"]["wechat"]) == "mei852"
    assert harness.vault.unseal("diner", "photos", first["photos"]) == photos
    assert len({value.split(":")[2] for value in (*first["author"].values(), first["photos"])}) == 1, "one person"
    assert (first["likes"], second) == (3, {"id": 2, "likes": 4})
    assert manifest.notes == [
        "author.wechat looks personal and is not declared: it was sealed in 1 records",
        "photos looks personal and is not declared: it was sealed in 1 records",
    ]


def test_a_dataset_of_places_keeps_its_order_when_a_page_has_an_owner(harness: LandingHarness) -> None:
    pages = [[{"id": 1, "name": "A"}], [{"id": 2, "name": "B", "owner": "Chan Mei"}], [{"id": 3, "name": "C"}]]
    manifest = land(harness, PLACES, *pages)
    records = harness.records(manifest)
    assert [record["id"] for record in records] == [1, 2, 3]
    assert [record["name"] for record in records] == ["A", "B", "C"]
    assert harness.vault.unseal("diner", "owner", records[1]["owner"]) == "Chan Mei"


def test_a_refused_page_is_not_written(harness: LandingHarness) -> None:
    with pytest.raises(UndeclaredField, match=r"diner\.reviews: email looks personal.* `personal`") as refused:
        land(harness, REVIEWS, [{"id": 1, "email": "mei@example.hk"}], refuses=True)
    assert "mei" not in str(refused.value)
    assert list(harness.store.keys()) == []


def test_a_sync_ends_at_a_page_that_is_refused_and_keeps_what_came_before(
    harness: LandingHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(LandingHarness, "destination", replace(harness.destination, refuses_undeclared=True))
    record = {"id": 1, "author": {"email": "mei@example.hk"}, "phone": "9123 4567"}
    pages = {1: {"data": [{"id": 1}], "pages": 1, "total": 1}}
    places, reviews = harness.extract(answering(pages, {"": {"data": [record]}}))
    assert len(harness.records(places)) == 1
    assert not reviews.complete
    assert "diner.reviews: phone looks personal" in reviews.reasons[0]
    assert b"9123" not in harness.everything_written()


names = st.sampled_from(["note", "extra", "reply", "x", "聯絡"])
values = st.recursive(
    st.sampled_from(["mei@planted.hk", "+852 9876 5432", "tea", 3, None]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(records=st.lists(st.dictionaries(names, values, max_size=4), min_size=1, max_size=5))
def test_no_address_or_number_is_written_in_clear_wherever_it_stands_in_a_record_about_a_person(
    harness: LandingHarness, records: list[dict[str, Any]]
) -> None:
    manifest = land(harness, REVIEWS, [{"id": number, **record} for number, record in enumerate(records)])
    assert manifest.records == len(records)
    assert b"planted" not in harness.everything_written()
    assert b"9876 5432" not in harness.everything_written()
