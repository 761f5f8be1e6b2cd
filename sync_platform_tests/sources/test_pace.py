"""Requests are spaced evenly, and few are in flight; the test controls the clock."""

from __future__ import annotations

import asyncio

import pytest

from sync_platform.sources.pace import Pacer
from sync_platform_tests.sources.answers import Clock


def _starts(pacer: Pacer, clock: Clock, requests: int, each_takes_s: float = 0.0) -> list[float]:
    """The start of each of some concurrent requests, in seconds from the first."""
    starts: list[float] = []

    async def request() -> None:
        async with pacer.slot():
            starts.append(clock.now - 1_000)
            if each_takes_s:
                await asyncio.sleep(each_takes_s)

    async def ask() -> None:
        for _ in range(requests):
            await request()

    asyncio.run(ask())
    return starts


def test_starts_are_evenly_spaced(clock: Clock) -> None:
    assert _starts(Pacer(4, 8), clock, 5) == [0, 0.25, 0.5, 0.75, 1.0]


def test_a_slow_request_earns_no_burst_afterwards(clock: Clock) -> None:
    assert _starts(Pacer(10, 1), clock, 3, each_takes_s=3) == [0, 3, 6]


def test_a_fast_request_does_not_shorten_the_interval(clock: Clock) -> None:
    assert _starts(Pacer(2, 1), clock, 3, each_takes_s=0.1) == pytest.approx([0, 0.5, 1.0])


@pytest.mark.parametrize("pace", [None, 0.0])
def test_without_a_pace_there_is_no_wait(pace: float | None, clock: Clock) -> None:
    assert _starts(Pacer(pace, 8), clock, 100) == [0] * 100
    assert clock.slept == []


@pytest.mark.parametrize("concurrency", [1, 3])
def test_no_more_are_in_flight_than_allowed(concurrency: int) -> None:
    pacer, in_flight, most = Pacer(None, concurrency), 0, 0

    async def request() -> None:
        nonlocal in_flight, most
        async with pacer.slot():
            in_flight += 1
            most = max(most, in_flight)
            for _ in range(5):
                await asyncio.sleep(0)
            in_flight -= 1

    async def ask() -> None:
        await asyncio.gather(*(request() for _ in range(20)))

    asyncio.run(ask())
    assert (most, in_flight) == (concurrency, 0)


def test_a_request_that_fails_gives_its_place_back(clock: Clock) -> None:
    pacer = Pacer(None, 1)

    async def ask() -> str:
        with pytest.raises(ValueError, match="broken"):
            async with pacer.slot():
                raise ValueError("broken")
        async with asyncio.timeout(5), pacer.slot():
            return "my turn"

    assert asyncio.run(ask()) == "my turn"
