"""A client over a handler, and a clock that moves only during sleeps."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime
from typing import Any, TypeVar

import httpx
import orjson

from sync_platform.sources.client import Client
from sync_platform.sources.columns import Row
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.extraction_state import ExtractionState
from sync_platform.sources.pace import Pacer
from sync_platform.sources.received import Page
from sync_platform.sources.reply import Reply
from sync_platform.sources.scope import Scope

T = TypeVar("T")
LIVE = "https://api.example.test"
Handler = Callable[[httpx.Request], httpx.Response]


class Clock:
    """A clock that moves only by sleeps; `slept` lists their durations."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.slept: list[float] = []
        self._sleep = asyncio.sleep

    def monotonic(self) -> float:
        return self.now

    async def sleep(self, seconds: float, result: Any = None) -> Any:
        if seconds > 0:
            self.slept.append(seconds)
            self.now += seconds
        return await self._sleep(0, result)


class NoSecrets:
    """A secret store that is always empty."""

    def read(self, name: str) -> str | None:
        return None

    def write(self, name: str, value: str) -> None:
        raise AssertionError("no secret is expected")

    def replace(self, name: str, old: str | None, value: str) -> bool:
        raise AssertionError("no secret is expected")


class Answers:
    """A handler that gives its answers in order, the last one repeatedly; `requests` lists what was requested."""

    def __init__(self, *answers: httpx.Response | Exception) -> None:
        self._answers = list(answers)
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def client_of(handler: Handler, base_url: str = LIVE, concurrency: int = 4, **options: Any) -> Client:
    """A client of the platform `diner`."""
    options = {"headers": {}, "pacer": Pacer(None, concurrency), "attempts": 3, **options}
    transport = httpx.MockTransport(handler)
    return Client("diner", base_url, concurrency=concurrency, transport=transport, **options)


def fetch(client: Client, read: Callable[[Reply], T], path: str = "/dishes", params: Any = None) -> T:
    """The result of one GET."""

    async def get() -> T:
        async with client:
            return await client.get(path, params, read=read)

    return asyncio.run(get())


def reply_of(value: Any) -> Reply:
    return Reply("diner", f"{LIVE}/dishes", 200, datetime.now(UTC), orjson.dumps(value))


def extraction_of(concurrency: int = 4, datasets: Iterable[str] = ("dishes",)) -> Extraction:
    """An extraction that sends no request, of datasets whose records have an `id`."""

    def no_answer(request: httpx.Request) -> httpx.Response:
        raise AssertionError(f"asked for {request.url}")

    state = ExtractionState(map(_dataset, datasets), datetime(2026, 11, 24, 4, tzinfo=UTC))
    return Extraction(client_of(no_answer, concurrency=concurrency), Scope(), {}, NoSecrets(), state)


def _dataset(name: str) -> Dataset:
    return Dataset(name, name, Row, key=("id",))


def run(work: Awaitable[T]) -> T:
    async def awaited() -> T:
        return await work

    return asyncio.run(awaited())


def ids(pages: list[Page]) -> list[int]:
    """The ids of all records, in order of arrival."""
    return [record["id"] for page in pages for record in page.records]
