"""Searches and crawls that could stop too early. The city itself shows what they must find."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sync_platform.platforms import openrice
from sync_platform.sandbox.city import City
from sync_platform.sandbox.views.openrice import LOWER_CAP, OpenRice, poi_id

from .altering_transport import SHAPES, AlteringTransport, answer, at, in_every_body, put
from .conftest import BIG, DAYS, SEED
from .harness import Extracted, FaultHarness
from .places import FaultCase, stages_of
from .test_matrix import extract_under

CUTS = ("districtId", "priceRangeId", "cuisineId")


class CrowdedFilters(httpx.AsyncBaseTransport):
    """The network; the first requested value of each named filter has the whole city, and other values have none."""

    def __init__(self, *filters: str) -> None:
        self._network = httpx.AsyncHTTPTransport(verify=False)
        self._holders: dict[str, str | None] = dict.fromkeys(filters)
        self.cuts: set[frozenset[str]] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params
        self.cuts.add(frozenset(name for name in asked if name.endswith("Id")))
        for name in self._holders.keys() & asked.keys():
            if self._holders[name] is None:
                self._holders[name] = asked[name]
            asked = asked.remove(name) if asked[name] == self._holders[name] else asked.set(name, "1")
        request.url = request.url.copy_with(params=asked)
        return await self._network.handle_async_request(request)

    async def aclose(self) -> None:
        await self._network.aclose()


def test_a_search_with_a_lower_cap_loses_nothing(big_harness: FaultHarness) -> None:
    every = extract_under(FaultCase("openrice", "cap", stages_of("openrice")[1], "every"), big_harness)
    assert isinstance(every, Extracted)
    verdict = big_harness.verdict(every)
    assert not verdict.violations
    assert verdict.is_complete


@pytest.mark.parametrize("crowded", [CUTS[:1], CUTS[:2]], ids=len)
def test_a_district_above_the_cap_is_split_by_price_and_then_by_cuisine(
    crowded: tuple[str, ...], big_harness: FaultHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openrice, "CAP", LOWER_CAP)
    city = City(BIG, SEED, DAYS[1])
    view = city.view("openrice")
    assert isinstance(view, OpenRice)
    listed = {str(poi_id(entry)) for entry in view.shown}
    assert len(listed) > LOWER_CAP
    transport = CrowdedFilters(*crowded)
    with httpx.Client(base_url=big_harness.urls[1], verify=False) as sandbox:
        sandbox.post("/_faults", json={"platform": "openrice", "fault": "cap", "match": "/api/pois"})
        extracted = big_harness.extract(1, transport=transport)
        sandbox.delete("/_faults")
    verdict = big_harness.verdict(extracted)
    assert not verdict.violations, "\n".join(verdict.violations)
    assert verdict.received[0].rows.keys() == listed
    assert verdict.is_complete, [manifest.reasons for manifest in extracted.manifests]
    assert frozenset(CUTS[: len(crowded) + 1]) in transport.cuts


@pytest.mark.parametrize("halves_its_total", [False, True])
def test_records_missing_at_one_point_of_a_grid_are_found_at_its_neighbours(
    halves_its_total: bool, harness_of: Callable[..., FaultHarness]
) -> None:
    harness, shape = harness_of("foodpanda"), SHAPES["foodpanda"]
    hit: list[int] = []

    def halve(body: Any) -> None:
        vendors, total = at(body, shape.records), at(body, shape.total)
        hit.append(len(vendors) // 2)
        del vendors[len(vendors) // 2 :]
        if halves_its_total:
            put(body, shape.total, total // 2)

    def alter_response(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        is_hit = point_of(request.url) == busiest
        return in_every_body(halve)(request, response) if is_hit else answer(response.content)

    asked = [httpx.URL(request) for request in harness.requests if shape.path in request]
    busiest = point_of(max(asked, key=lambda url: int(url.params["offset"])))
    extracted = harness.extract(1, transport=AlteringTransport(shape.path, alter_response))
    verdict = harness.verdict(extracted)
    assert sum(hit) > 0
    assert not verdict.violations, "\n".join(verdict.violations)
    assert verdict.received[0].rows == harness.then["restaurants"]
    assert verdict.received[0].is_complete == halves_its_total


def point_of(url: httpx.URL) -> tuple[str, str]:
    return url.params["latitude"], url.params["longitude"]
