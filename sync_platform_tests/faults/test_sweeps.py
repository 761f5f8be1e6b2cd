"""Sweeps that could stop too early: of each it is known from the city itself what there is to find."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from sync_platform.platforms import openrice
from sync_platform.sandbox.city import City
from sync_platform.sandbox.views.openrice import LOWER_CAP, OpenRice, poi_id

from .conftest import BIG, DAYS, SEED
from .ground import Brought, Ground
from .meddler import SHAPES, Meddler, answer, at, in_every_body, put
from .places import Strike, stages_of
from .test_matrix import under

CUTS = ("districtId", "priceRangeId", "cuisineId")


class Crowded(httpx.AsyncBaseTransport):
    """The network, but that of each filter named, the value asked for first holds the whole city, and others none."""

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


def test_a_cap_below_what_a_query_holds_is_swept_around(big_ground: Ground) -> None:
    every = under(Strike("openrice", "cap", stages_of("openrice")[1], "every"), big_ground)
    assert isinstance(every, Brought)
    verdict = big_ground.verdict(every)
    assert not verdict.wrongs
    assert verdict.is_complete


@pytest.mark.parametrize("crowded", [CUTS[:1], CUTS[:2]], ids=len)
def test_a_district_above_the_cap_is_cut_by_price_and_then_by_cuisine(
    crowded: tuple[str, ...], big_ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(openrice, "CAP", LOWER_CAP)
    city = City(BIG, SEED, DAYS[1])
    view = city.view("openrice")
    assert isinstance(view, OpenRice)
    listed = {str(poi_id(entry)) for entry in view.shown}
    assert len(listed) > LOWER_CAP
    transport = Crowded(*crowded)
    with httpx.Client(base_url=big_ground.urls[1], verify=False) as sandbox:
        sandbox.post("/_faults", json={"platform": "openrice", "fault": "cap", "match": "/api/pois"})
        brought = big_ground.bring(1, transport=transport)
        sandbox.delete("/_faults")
    verdict = big_ground.verdict(brought)
    assert not verdict.wrongs, "\n".join(verdict.wrongs)
    assert verdict.received[0].rows.keys() == listed
    assert verdict.is_complete, [manifest.reasons for manifest in brought.manifests]
    assert frozenset(CUTS[: len(crowded) + 1]) in transport.cuts


@pytest.mark.parametrize("halves_its_total", [False, True])
def test_a_list_halved_at_one_point_of_a_grid_is_made_up_for_by_its_neighbours(
    halves_its_total: bool, ground_of: Callable[..., Ground]
) -> None:
    ground, shape = ground_of("foodpanda"), SHAPES["foodpanda"]
    hit: list[int] = []

    def halve(body: Any) -> None:
        vendors, total = at(body, shape.records), at(body, shape.total)
        hit.append(len(vendors) // 2)
        del vendors[len(vendors) // 2 :]
        if halves_its_total:
            put(body, shape.total, total // 2)

    def meddle(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        is_hit = point_of(request.url) == busiest
        return in_every_body(halve)(request, response) if is_hit else answer(response.content)

    asked = [httpx.URL(request) for request in ground.requests if shape.path in request]
    busiest = point_of(max(asked, key=lambda url: int(url.params["offset"])))
    brought = ground.bring(1, transport=Meddler(shape.path, meddle))
    verdict = ground.verdict(brought)
    assert sum(hit) > 0
    assert not verdict.wrongs, "\n".join(verdict.wrongs)
    assert verdict.received[0].rows == ground.then["restaurants"]
    assert verdict.received[0].is_complete == halves_its_total


def point_of(url: httpx.URL) -> tuple[str, str]:
    return url.params["latitude"], url.params["longitude"]
