"""Fault harnesses of two days, with small pages and short waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import date
from functools import cache
from types import ModuleType

import pytest

from sync_platform.platforms import (
    bistrochat,
    chope,
    data_gov_hk,
    eatigo,
    foodpanda,
    keeta,
    load_platforms,
    tripadvisor,
)
from sync_platform.sources import client
from sync_platform.sources.endpoints import Endpoint
from sync_platform.sources.grid import Grid
from sync_platform.sources.sandbox_process import sandbox_url

from .harness import FaultHarness
from .places import sends_bodies

PLACES, BIG, SEED = 48, 170, 284
DAYS = (date(2026, 11, 18), date(2026, 11, 24))
WEEKS = ((date(2024, 5, 6), date(2024, 5, 12)), (date(2024, 5, 27), date(2024, 6, 2)))


def with_page_size(endpoints: Iterable[Endpoint], size: int) -> tuple[Endpoint, ...]:
    """The endpoints with pages of `size` records."""
    return tuple(replace(each, paging=each.paging and replace(each.paging, size=size)) for each in endpoints)


def shrink_pages(patch: pytest.MonkeyPatch, platform: ModuleType, size: int, *names: str) -> None:
    """Give the endpoints of a platform file with these names pages of `size` records."""
    for name in names:
        patch.setattr(platform, name, with_page_size([getattr(platform, name)], size)[0])


@pytest.fixture(scope="package", autouse=True)
def _small_pages_and_short_waits() -> Iterator[None]:
    """With small pages a small city has a first, a middle and a last page everywhere. Short waits keep tests fast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "FIRST_WAIT_S", 0.01)
        patch.setattr(client, "LOOPBACK_WAIT_FACTOR", 0.01)
        patch.setattr(data_gov_hk, "LOOPBACK_WAIT_S", 0.0)
        patch.setattr(eatigo.Eatigo, "endpoints", with_page_size(eatigo.Eatigo.endpoints, 5))
        patch.setattr(chope.Chope, "endpoints", with_page_size(chope.Chope.endpoints, 4))
        venues, posts = bistrochat.Bistrochat.endpoints
        endpoints = (*with_page_size([venues], 2), *with_page_size([posts], 10))
        patch.setattr(bistrochat.Bistrochat, "endpoints", endpoints)
        shrink_pages(patch, keeta, 5, "SHOPS", "MENU")
        shrink_pages(patch, tripadvisor, 8, "SEARCH", "LOCATIONS", "REVIEWS")
        shrink_pages(patch, foodpanda, 6, "VENDORS")
        patch.setattr(foodpanda, "GRID", Grid(south=22.26, north=22.36, west=114.14, east=114.24, step=0.025))
        yield


@pytest.fixture(scope="package")
def urls() -> tuple[str, str]:
    """The sandbox of each day."""
    first, second = (sandbox_url(PLACES, SEED, day) for day in DAYS)
    return first, second


@pytest.fixture(scope="package")
def big_harness(tmp_path_factory: pytest.TempPathFactory) -> FaultHarness:
    """OpenRice's harness in a city with more restaurants than one query lists under the fault `cap`."""
    url = sandbox_url(BIG, SEED, DAYS[1])
    folder = tmp_path_factory.mktemp("big") / "harness"
    return FaultHarness(load_platforms()["openrice"], folder, (url, url), (DAYS[1], DAYS[1]))


@pytest.fixture(scope="package")
def harness_of(urls: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Callable[..., FaultHarness]:
    """A function that gives a platform's harness, made at its first use."""
    folder = tmp_path_factory.mktemp("faults")
    platforms = load_platforms()

    @cache
    def harness(name: str, *, delta: bool = False, archive: bool = False) -> FaultHarness:
        concurrency = 1 if sends_bodies(name) else 8  # a fault then hits a request by its number
        own = folder / f"{name}{'-delta' * delta}{'-archive' * archive}"
        weeks = WEEKS if archive else None
        return FaultHarness(platforms[name], own, urls, DAYS, weeks, delta, concurrency)

    return harness
