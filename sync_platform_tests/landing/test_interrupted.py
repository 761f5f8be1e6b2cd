"""The next sync resumes a sync that died: complete parts of one restaurant are not fetched again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from sync_platform.landing.destination import ObjectLimits
from sync_platform.landing.interrupted_syncs import find_interrupted
from sync_platform.landing.manifest import JOURNAL, Manifest, land
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.sources.declaration import Platform
from sync_platform.sources.endpoints import ChildEndpoint, Endpoint, OffsetPaging
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.received import Page
from sync_platform.sources.scope import Scope
from sync_platform_tests.landing.diner import Diner, LandingHarness

PLACES = range(1, 7)
SECRET = "PERSONAL-9b1d"


class Chain(Diner):
    """A diner whose reviews are requested place by place."""

    endpoints = (
        Endpoint("places", "/places", records="data"),
        ChildEndpoint(
            "reviews",
            "/places/{parent}/reviews",
            records="data",
            paging=OffsetPaging(size=2, total="total"),
            parent="places",
        ),
    )

    def pages(self, extraction: Extraction) -> AsyncIterator[Page]:
        return Platform.pages(self, extraction)


class Killed(BaseException):
    """Like a kill: an exception that no code catches."""


class ChainServer:
    """Serves the chain, records requests, and raises `Killed` at request number `dies_at`."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.dies_at: int | None = None
        self.refuses = ""

    def __call__(self, request: httpx.Request) -> httpx.Response:
        if self.dies_at is not None and len(self.asked) >= self.dies_at:
            raise Killed
        path = request.url.path
        self.asked.append(f"{path}?{request.url.query.decode()}")
        if path == self.refuses:
            return httpx.Response(404)
        if path == "/places":
            return httpx.Response(200, json={"data": [{"id": place} for place in PLACES], "total": 6})
        place, offset = int(path.split("/")[2]), int(request.url.params["offset"])
        author = {"name": f"{SECRET} {place}", "email": f"{SECRET}-{place}@example.hk"}
        reviews: list[dict[str, Any]] = [
            {"id": f"{place}-{number}", "author": author, "text": SECRET} for number in range(3)
        ]
        return httpx.Response(200, json={"data": reviews[offset : offset + 2], "total": 3})


@pytest.fixture
def server(harness: LandingHarness) -> ChainServer:
    harness.limits = ObjectLimits(age_s=0.0)
    return ChainServer()


def _extract(harness: LandingHarness, server: ChainServer, scope: Scope | None = None) -> list[Manifest]:
    return harness.extract(server, sync_id=new_sync_id(), scope=scope, platform=Chain(), concurrency=1)


def _killed(harness: LandingHarness, server: ChainServer, requests: int) -> None:
    server.asked.clear()
    server.dies_at = requests
    with pytest.raises(Killed):
        _extract(harness, server)
    server.dies_at = None
    server.asked.clear()


def test_complete_parts_are_not_fetched_again_and_the_result_is_the_same(
    harness: LandingHarness, server: ChainServer
) -> None:
    undisturbed = _extract(harness, server)
    land(harness.store, undisturbed)
    _killed(harness, server, 1 + 3 * 2 + 1)  # the list, three places' reviews, and half of the fourth's
    resumed = _extract(harness, server)
    assert [url.split("?")[0] for url in server.asked] == [
        "/places",
        *[f"/places/{n}/reviews" for n in (4, 4, 5, 5, 6, 6)],
    ]
    by_id = lambda manifest: sorted(harness.records(manifest), key=lambda record: record["id"])  # noqa: E731
    for before, after in zip(undisturbed, resumed, strict=True):
        assert by_id(before) == by_id(after)
        assert (after.complete, after.claimed, after.records) == (True, before.claimed, before.records)
        assert (len(after.pages), after.pages_expected) == (len(before.pages), before.pages_expected)
        assert {body.sha256 for page in after.pages for body in page.bodies} == {
            body.sha256 for page in before.pages for body in page.bodies
        }
    assert SECRET.encode() not in harness.everything_written()


def test_a_sync_that_dies_twice_reuses_the_parts_of_both(harness: LandingHarness, server: ChainServer) -> None:
    _killed(harness, server, 1 + 2 * 2)
    _killed(harness, server, 1 + 2 * 2)
    assert _extract(harness, server)[1].complete
    assert {url.split("?")[0] for url in server.asked} == {"/places", "/places/5/reviews", "/places/6/reviews"}


def test_a_resumed_sync_is_dated_by_its_oldest_page(harness: LandingHarness, server: ChainServer) -> None:
    before = datetime.now(UTC)
    _killed(harness, server, 5)
    after_the_kill = datetime.now(UTC)
    assert before <= _extract(harness, server)[0].observed_at <= after_the_kill


def test_a_place_with_missing_reviews_is_fetched_again(harness: LandingHarness, server: ChainServer) -> None:
    server.refuses = "/places/2/reviews"
    _killed(harness, server, 1 + 2 + 1 + 2)
    server.refuses = ""
    assert _extract(harness, server)[1].complete
    assert "/places/2/reviews?limit=2&offset=0" in server.asked
    assert "/places/1/reviews?limit=2&offset=0" not in server.asked


def test_after_landing_nothing_is_reused_and_no_journal_is_left(harness: LandingHarness, server: ChainServer) -> None:
    _killed(harness, server, 5)
    manifests = _extract(harness, server)
    land(harness.store, manifests)
    folder = manifests[1].key.removesuffix("manifest.json")
    assert [key for key in harness.store.keys(folder) if key.endswith(JOURNAL)] == []
    server.asked.clear()
    _extract(harness, server)
    assert len(server.asked) == 13


@pytest.mark.parametrize("why", ["another scope", "stale", "damaged"])
def test_parts_that_do_not_fit_are_fetched_again(harness: LandingHarness, server: ChainServer, why: str) -> None:
    _killed(harness, server, 5)
    scope, now = Scope(), datetime.now(UTC)
    if why == "another scope":
        scope = Scope("incremental", {"reviews": "2026-11-01T00:00:00Z"})
    elif why == "stale":
        now += timedelta(hours=7)
    else:
        for key in list(harness.store.keys("landing/diner/reviews/")):
            harness.store.put(key, harness.store.get(key)[:-3])
    platform: Platform = Chain()
    names = [dataset.name for dataset in platform.datasets]
    assert find_interrupted(harness.store, "diner", names, "2026-11", scope, now) is None
    if why != "stale":
        _extract(harness, server, scope)
        assert len(server.asked) == 13
