"""A platform that asks for a pause gets one: all requests wait, and one goes first afterwards."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from sync_platform.errors import ServerFailed, SyncError, Throttled
from sync_platform.sources.pace import Pacer
from sync_platform.sources.period import HONG_KONG
from sync_platform.sources.reply import Reply
from sync_platform.sources.retry_after_header import retry_after_s
from sync_platform_tests.sources.answers import Answers, Clock, client_of, fetch


class BanningServer:
    """A server that bans its client for 2 s after some requests; each request during the ban adds 2 s to it."""

    def __init__(self, clock: Clock, served_before: int, status: int = 429, wait_s: float = 2) -> None:
        self._clock, self._left, self._status, self._wait_s = clock, served_before, status, wait_s
        self._banned_until = 0.0
        self.served = self.in_ban = 0

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(0)
        if self._left == 0 and not self._banned_until:
            self._banned_until = self._clock.now
        if self._banned_until and self._clock.now <= self._banned_until:
            self.in_ban += 1
            self._banned_until = max(self._banned_until, self._clock.now) + self._wait_s
            left_s = self._banned_until - self._clock.now
            return httpx.Response(self._status, headers={"Retry-After": f"{left_s:g}"})
        self._left -= 1
        self.served += 1
        return httpx.Response(200, json=[])


def fetch_many(server: BanningServer, requests: int, **options: object) -> list[object]:
    async def ask() -> list[object]:
        async with client_of(server, concurrency=8, **options) as client:  # type: ignore[arg-type]
            wanted = (client.get(f"/dishes/{number}", read=Reply.json) for number in range(requests))
            return await asyncio.gather(*wanted, return_exceptions=True)

    return asyncio.run(ask())


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("requests_per_second", [None, 5])
def test_no_request_is_sent_during_a_pause(status: int, requests_per_second: float | None, clock: Clock) -> None:
    server = BanningServer(clock, served_before=10, status=status)
    answers = fetch_many(server, 60, pacer=Pacer(requests_per_second, 8))
    assert answers == [[]] * 60
    assert server.in_ban <= 8, "requests were sent after the platform asked for a pause"


def test_one_request_goes_first_after_a_pause(clock: Clock) -> None:
    """Without that, eight requests at once would begin the next ban."""
    in_flight, most_in_flight, answered = 0, 0, 0

    async def answer(request: httpx.Request) -> httpx.Response:
        nonlocal in_flight, most_in_flight, answered
        in_flight += 1
        answered += 1
        number = answered
        if 8 < number < 11:
            most_in_flight = max(most_in_flight, in_flight)
        for _ in range(5):
            await asyncio.sleep(0)
        in_flight -= 1
        return httpx.Response(429 if number < 10 else 200, headers={"Retry-After": "1"}, json=[])

    assert fetch_many(answer, 8) == [[]] * 8  # type: ignore[arg-type]
    assert most_in_flight == 1


@pytest.mark.parametrize("asked", ["901", "86400", "Fri, 31 Dec 2100 23:59:59 GMT"])
def test_a_ban_beyond_what_a_run_waits_ends_at_once_with_the_time_to_try_again(asked: str, clock: Clock) -> None:
    answers = Answers(httpx.Response(429, headers={"Retry-After": asked}))
    with pytest.raises(Throttled, match=r"answered 429: too many requests; ") as raised:
        fetch(client_of(answers), Reply.json)
    assert len(answers.requests) == 1
    assert clock.slept == []
    if asked[0].isdigit():
        at = datetime.now(HONG_KONG) + timedelta(seconds=float(asked))
        assert f"sync it again after {at:%Y-%m-%d %H:}" in str(raised.value)
        assert raised.value.retry_after_s == float(asked)


@pytest.mark.parametrize("asked", ["inf", "1e400", "99999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])
def test_an_absurd_wait_is_a_message_for_a_person(asked: str, clock: Clock) -> None:
    with pytest.raises(Throttled, match="asks for a wait of more than a year, so it blocks us: ask the platform"):
        fetch(client_of(Answers(httpx.Response(429, headers={"Retry-After": asked}))), Reply.json)
    assert clock.slept == []


@pytest.mark.parametrize("asked", ["soon", "", "Sun, 06 Nov 99999999999999999999 08:49:37 GMT"])
def test_a_time_that_cannot_be_read_is_no_time(asked: str, clock: Clock) -> None:
    answers = Answers(httpx.Response(429, headers={"Retry-After": asked}), httpx.Response(200, json=[1]))
    assert fetch(client_of(answers), Reply.json) == [1]


def test_short_bans_that_follow_each_other_end_the_run_too(clock: Clock) -> None:
    answers = Answers(httpx.Response(429, headers={"Retry-After": "400"}))
    with pytest.raises(Throttled, match="sync it again after"):
        fetch(client_of(answers, attempts=20), Reply.json)
    assert len(answers.requests) == 3
    assert sum(clock.slept) <= 900


def test_many_requests_do_not_multiply_the_attempts_at_a_wall(clock: Clock) -> None:
    answers = Answers(httpx.Response(429))

    async def ask() -> list[object]:
        async with client_of(answers, concurrency=8, attempts=4, wall_wait_s=1) as client:
            wanted = (client.get(f"/dishes/{number}", read=Reply.json) for number in range(8))
            return await asyncio.gather(*wanted, return_exceptions=True)

    assert all(isinstance(found, Throttled) for found in asyncio.run(ask()))
    assert len(answers.requests) <= 8 + 12


def test_a_failure_that_is_no_ban_ends_a_pause(clock: Clock) -> None:
    pause = httpx.Response(429, headers={"Retry-After": "5"})
    answers = Answers(pause, httpx.Response(500), httpx.Response(200, json=[1]))
    assert fetch(client_of(answers), Reply.json) == [1]


def test_an_error_inside_an_answer_can_ask_for_a_pause(clock: Clock) -> None:
    def read(reply: Reply) -> str:
        raise Throttled("diner: code 429 inside 200", 700)

    with pytest.raises(Throttled, match="code 429 inside 200; sync it again after"):
        fetch(client_of(Answers(httpx.Response(200, json={})), attempts=2), read)
    assert 700 <= clock.slept[0] <= 701


@pytest.mark.parametrize(("headers", "error"), [({}, ServerFailed), ({"Retry-After": "later"}, ServerFailed)])
def test_a_503_without_a_time_is_a_failed_server(headers: dict[str, str], error: type[SyncError], clock: Clock) -> None:
    with pytest.raises(SyncError) as raised:
        fetch(client_of(Answers(httpx.Response(503, headers=headers))), Reply.json)
    assert type(raised.value) is error


def test_a_date_is_compared_with_the_servers_own_clock() -> None:
    servers_now = datetime(2020, 1, 1, 12, tzinfo=UTC)
    until = format_datetime(servers_now + timedelta(seconds=90), usegmt=True)
    headers = {"retry-after": until, "date": format_datetime(servers_now, usegmt=True)}
    assert retry_after_s(headers) == 90
    assert retry_after_s({**headers, "date": until}) == 0
    assert retry_after_s({"retry-after": until}) == 0
