"""From a platform's answers to the landing store: records are kept, personal values are sealed, memory is limited."""

from __future__ import annotations

import tracemalloc
from datetime import UTC, datetime
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sync_platform.errors import (
    AuthenticationFailed,
    ContractBroken,
    MalformedBody,
    ServerFailed,
    StorageError,
    SyncError,
    TermsNotAccepted,
)
from sync_platform.landing.manifest import Manifest, land, newest_landing
from sync_platform.landing.source import resolve_source
from sync_platform.settings import PlatformSettings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.endpoints import Day, Endpoint
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.sources.scope import Scope
from sync_platform.storage.folder_store import FolderStore
from sync_platform_tests.extent import examples
from sync_platform_tests.landing.diner import NONE, PLACES, Diner, LandingHarness, answering

MARKER = "PERSONAL-7f3a"
TWO_PAGES = {1: {"data": [{"id": 1}, {"id": 2}], "pages": 2, "total": 3}, 2: {"data": [{"id": 3}], "pages": 2}}


def review(number: Any, **values: Any) -> dict[str, Any]:
    author = {"name": f"{MARKER} 陳大文", "email": f"{MARKER}-{number}@example.hk", "level": 3}
    return {"id": number, "stars": 4, "author": author, "text": f"{MARKER} 好味 🍜", **values}


def by_dataset(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {manifest.dataset: manifest for manifest in manifests}


def test_a_platform_is_fetched_sealed_landed_and_read_back(any_harness: LandingHarness) -> None:
    reviews = {"": {"data": [review(1), review(2)], "next": "b", "total": 3}, "b": {"data": [review(3)]}}
    manifests = any_harness.extract(answering(TWO_PAGES, reviews))
    land(any_harness.store, manifests)
    found = newest_landing(any_harness.store, "diner", ["places", "reviews"], "2026-11")
    assert found == manifests
    assert [(manifest.records, manifest.claimed, manifest.complete) for manifest in found] == [(3, 3, True)] * 2
    places, landed = (any_harness.records(manifest) for manifest in found)
    assert sorted(place["id"] for place in places) == [1, 2, 3]
    assert [(one["id"], one["stars"], one["author"]["level"]) for one in landed] == [(1, 4, 3), (2, 4, 3), (3, 4, 3)]
    assert any_harness.vault.unseal("diner", "text", landed[2]["text"]) == f"{MARKER} 好味 🍜"
    assert MARKER.encode() not in any_harness.everything_written()


def test_the_same_answers_land_as_the_same_bytes(harness: LandingHarness) -> None:
    handler = answering({1: TWO_PAGES[2] | {"pages": 1}}, {"": {"data": [review(1), review(2)]}})
    one, other = (harness.extract(handler, sync_id=sync_id) for sync_id in ("sync-1", "sync-2"))
    for first, second in zip(one, other, strict=True):
        assert list(first.objects.values()) == list(second.objects.values())


def test_the_manifest_has_the_sync(harness: LandingHarness) -> None:
    before = datetime.now(UTC)
    manifest = harness.extract(answering(TWO_PAGES), scope=Scope("incremental"))[0]
    assert (manifest.platform, manifest.partition, manifest.sync_id, manifest.run_id, manifest.mode) == (
        "diner",
        "2026-11",
        "sync-1",
        "run-1",
        "incremental",
    )
    assert before <= manifest.started_at == manifest.observed_at <= manifest.finished_at <= datetime.now(UTC)


def test_a_list_from_today_on_is_requested_from_the_observed_day(harness: LandingHarness) -> None:
    class Calendar(Platform):
        name, datasets = "diner", (PLACES,)
        pace = Diner.pace
        endpoints = (Endpoint("places", "/places", records="data", params={"from": Day()}),)

    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["from"])
        return httpx.Response(200, json={"data": [{"id": 1}]})

    before_midnight = datetime(2026, 11, 27, 15, 59, 59, tzinfo=UTC)
    (manifest,) = harness.extract(answer, platform=Calendar(), started_at=before_midnight)
    assert (asked, manifest.observed_at) == (["2026-11-27"], before_midnight)
    assert day_in_hong_kong(manifest.observed_at).isoformat() == asked[0]


# personal values

ODD_REVIEWS: dict[str, list[Any]] = {
    "as declared": [review(1)],
    "author is text": [review(1, author=f"{MARKER} 陳大文")],
    "author is a list": [review(1, author=[{"name": MARKER}])],
    "name is an object": [review(1, author={"name": {"first": MARKER}, "email": MARKER})],
    "text is a list": [review(1, text=[MARKER, [MARKER]])],
    "no id": [{**review(1), "id": None}],
    "id is an object": [review({"hidden": 1})],
    "no author": [review(1, author=None)],
    "email is a number": [review(1, author={"name": MARKER, "email": 7})],
}


@pytest.mark.parametrize("records", ODD_REVIEWS.values(), ids=ODD_REVIEWS)
def test_no_personal_value_is_written_in_clear_in_any_shape_of_record(
    harness: LandingHarness, records: list[Any]
) -> None:
    manifests = harness.extract(answering(TWO_PAGES, {"": {"data": records}}))
    land(harness.store, manifests)
    assert by_dataset(manifests)["reviews"].records == 1
    written = harness.everything_written()
    assert b"sealed:v1:" in written
    assert MARKER.encode() not in written


BROKEN_REVIEWS: dict[str, tuple[httpx.Response, type[SyncError]]] = {
    "cut short": (httpx.Response(200, content=orjson.dumps({"data": [review(1)]})[:-4]), MalformedBody),
    "HTML": (httpx.Response(200, html=f"<p>{MARKER}</p>"), MalformedBody),
    "not a list": (httpx.Response(200, json={"data": review(1)}), ContractBroken),
    "records that are text": (httpx.Response(200, json={"data": [MARKER]}), ContractBroken),
    "cursor of the wrong type": (httpx.Response(200, json={"data": [], "next": {MARKER: MARKER}}), ContractBroken),
    "server error": (httpx.Response(500, text=f"no such user {MARKER}"), ServerFailed),
    "refused": (httpx.Response(400, text=f"no such user {MARKER}"), SyncError),
    "locked out": (httpx.Response(401, text=f"no such user {MARKER}"), AuthenticationFailed),
}


@pytest.mark.parametrize(("response", "error"), BROKEN_REVIEWS.values(), ids=BROKEN_REVIEWS)
def test_nothing_personal_is_in_an_error_or_a_manifest(
    harness: LandingHarness, response: httpx.Response, error: type[SyncError]
) -> None:
    manifests = harness.extract(answering(TWO_PAGES, {"": response}))
    land(harness.store, manifests)
    assert len(by_dataset(manifests)["reviews"].failures) == 1
    assert MARKER.encode() not in harness.everything_written()
    with pytest.raises(error) as raised:
        harness.extract(lambda request: response)
    assert MARKER not in str(raised.value)


texts = st.text() | st.text("陳大文茶餐廳🍜")
values = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts
shapes = st.recursive(values, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))


@settings(deadline=None, max_examples=examples(40), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    shape=shapes, where=st.sampled_from(["text", "author", "name", "email"]), wrap=st.sampled_from([list, dict, str])
)
def test_a_marker_anywhere_in_a_personal_field_is_never_written(
    harness: LandingHarness, shape: Any, where: str, wrap: type
) -> None:
    assume((where, wrap) != ("author", dict))  # the declaration says which fields of an object are personal
    marked: Any = {list: [shape, MARKER], dict: {"a": shape, MARKER: MARKER}, str: f"{shape} {MARKER}"}[wrap]
    record = review(1)
    if where in ("text", "author"):
        record[where] = marked
    else:
        record["author"][where] = marked
    harness.extract(answering(TWO_PAGES, {"": {"data": [record]}}))
    assert MARKER.encode() not in harness.everything_written()


# failures


def test_a_page_that_fails_keeps_the_others(harness: LandingHarness) -> None:
    pages = {1: {"data": [{"id": 1}], "pages": 3, "total": 3}, 2: 500, 3: {"data": [{"id": 3}], "pages": 3}}
    places, reviews = harness.extract(answering(pages, {"": {"data": [review(1)]}}))
    assert sorted(place["id"] for place in harness.records(places)) == [1, 3]
    assert places.reasons == [
        "1 page failed (diner: http://127.0.0.1/places?page=2 answered 500)",
        "the source claims 3 records, 2 came",
    ]
    assert reviews.complete


def test_a_dataset_that_fails_keeps_the_others(harness: LandingHarness) -> None:
    manifests = by_dataset(harness.extract(answering({1: 500}, {"": {"data": [review(1)]}})))
    assert (manifests["places"].records, manifests["places"].complete) == (0, False)
    assert (manifests["reviews"].records, manifests["reviews"].complete) == (1, True)


def test_a_lock_out_halfway_keeps_the_fetched_pages_and_reports_the_reason(harness: LandingHarness) -> None:
    manifests = by_dataset(harness.extract(answering(TWO_PAGES, {"": 401})))
    assert (manifests["places"].records, manifests["places"].complete) == (3, True)
    (failure,) = manifests["reviews"].failures
    assert "answered 401: check DINER_API_KEY" in failure


def test_a_lock_out_at_once_is_raised(harness: LandingHarness) -> None:
    with pytest.raises(AuthenticationFailed, match="check DINER_API_KEY"):
        harness.extract(answering({1: 401}))
    assert list(harness.store.keys()) == []


def test_a_platform_that_gives_nothing_is_an_error(harness: LandingHarness) -> None:
    with pytest.raises(ServerFailed, match="places.* answered 500"):
        harness.extract(answering({1: 500}, {"": 502}))
    assert list(harness.store.keys()) == []


def test_a_platform_that_has_nothing_is_no_error(harness: LandingHarness) -> None:
    manifests = harness.extract(answering({1: {"data": [], "pages": 1, "total": 0}}, NONE))
    assert [(manifest.records, manifest.complete) for manifest in manifests] == [(0, True)] * 2


def test_a_store_that_cannot_be_written_is_a_storage_error(harness: LandingHarness) -> None:
    (harness.folder / "file").write_text("in the way")
    harness.store = FolderStore(harness.folder / "file")
    with pytest.raises(StorageError, match="cannot write .*pages-000001"):
        harness.extract(answering(TWO_PAGES))


def test_an_error_of_the_connector_itself_is_not_hidden(harness: LandingHarness) -> None:
    with pytest.raises(KeyError):
        harness.extract(answering({1: {"data": [{"id": 1}], "pages": 2}}))


# what may be stored


def test_ids_only_fetches_the_first_dataset_and_keeps_only_keys(harness: LandingHarness) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(200, json={"data": [{"id": 1, "name": "茶餐廳"}, {"id": 2, "phone": "2345"}]})

    (manifest,) = harness.extract(answer, ids_only=True)
    assert harness.records(manifest) == [{"id": 1}, {"id": 2}]
    assert set(asked) == {"/places"}


# memory


def _peak_bytes(harness: LandingHarness, pages: int) -> int:
    """The peak memory while that many pages of a hundred places are landed; each page is made at its request."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/reviews":
            return httpx.Response(200, json={"data": []})
        first = int(request.url.params["page"]) * 100
        records = [{"id": first + number, "text": f"{first + number} " * 60} for number in range(100)]
        return httpx.Response(200, json={"data": records, "pages": pages})

    tracemalloc.start()
    try:
        manifest = harness.extract(answer, sync_id=f"sync-{pages}")[0]
        assert manifest.records == pages * 100
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_memory_does_not_grow_with_the_number_of_pages(harness: LandingHarness) -> None:
    """400 pages are 16 MB as sent. If they stayed in memory, the second figure would be larger by that."""
    few, many = _peak_bytes(harness, 40), _peak_bytes(harness, 400)
    assert many - few < 8_000_000  # the facts of each page and the ids take some memory


# addresses


def _resolve(sandbox: str | None = "http://127.0.0.1:9", **own: Any) -> Any:
    return resolve_source(Diner(), PlatformSettings(**own), sandbox, timeout_s=7, attempts=3)


def test_without_an_address_the_sandbox_is_used_unpaced() -> None:
    source = _resolve()
    assert (source.base_url, source.archive_url) == ("http://127.0.0.1:9/diner", "http://127.0.0.1:9/diner_archive")
    assert (source.requests_per_second, source.concurrency, source.ids_only) == (None, 8, False)
    assert (source.timeout_s, source.attempts) == (7, 3)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080", "http://localhost:8080/diner", "http://[::1]:8080"])
def test_loopback_needs_no_terms(url: str) -> None:
    assert _resolve(None, base_url=url).base_url == url


def test_loopback_never_leads_to_a_live_archive() -> None:
    assert _resolve(None, base_url="http://127.0.0.1:8080").archive_url == ""


@pytest.mark.parametrize(
    "own",
    [
        {"base_url": "https://api.diner.test"},
        {"base_url": "http://127.0.0.1.diner.test"},
        {"archive_url": "https://archive.diner.test"},
        {"base_url": "http://127.0.0.1:8080", "archive_url": "https://archive.diner.test"},
    ],
)
def test_a_live_address_without_accepted_terms_is_refused_naming_the_setting(own: dict[str, str]) -> None:
    with pytest.raises(TermsNotAccepted) as raised:
        _resolve(**own)
    for part in ("diner.test", "Diner agreement", "https://diner.test/terms", "DINER_TERMS_ACCEPTED=true"):
        assert part in str(raised.value)


def test_a_live_address_with_accepted_terms_is_paced_and_stores_what_the_terms_allow() -> None:
    source = _resolve(base_url="https://api.diner.test/", terms_accepted=True)
    assert (source.base_url, source.archive_url) == ("https://api.diner.test", "https://archive.diner.test")
    assert (source.requests_per_second, source.concurrency, source.ids_only) == (3, 2, True)


def test_an_agreement_allows_everything_to_be_kept() -> None:
    assert not _resolve(base_url="https://api.diner.test", terms_accepted=True, store="everything").ids_only


def test_ids_only_is_possible_for_any_platform() -> None:
    assert _resolve(store="ids").ids_only


def test_the_pace_of_the_operator_replaces_that_of_the_platform() -> None:
    source = _resolve(base_url="https://api.diner.test", terms_accepted=True, requests_per_second=0.5, concurrency=1)
    assert (source.requests_per_second, source.concurrency) == (0.5, 1)


def test_credentials_do_not_show_in_a_printed_source() -> None:
    source = _resolve(api_key="hush", app_secret="hush", refresh_token="hush")
    assert source.credentials["api_key"] == "hush"
    assert "hush" not in repr(source)
