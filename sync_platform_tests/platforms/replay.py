"""Runs a platform's connector over canned exchanges or over the sandbox, and returns its pages and gaps.

What belongs here: running a connector without a socket. What doesn't: the answers of any platform.

`fixtures/<platform>/exchanges.json` is a list of `{"request": {"method", "path", "params"?, "json"?}, "response":
{"status", "headers"?, "json"? | "text"?}}`. A request matches by method, path and the params and json fields that are
listed; of several that match, each is played once in order, and then the last one repeatedly. An exchange may also
declare the content of its answer for the fault matrix: `"content"` is `list` (the default), `record` or `none`, and
`"special_faults"` are the faults of this platform alone that can happen to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import orjson

from sync_platform.landing.completeness import ReceivedCounts, completeness_of
from sync_platform.sandbox.city import City
from sync_platform.sandbox.server import create_app
from sync_platform.sources.client import Client
from sync_platform.sources.columns import Row
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.extraction_state import ExtractionState
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.pace import Pacer
from sync_platform.sources.received import Page, Record
from sync_platform.sources.scope import Scope

FIXTURES = Path(__file__).parent.parent / "fixtures"
BASE = "http://127.0.0.1"
OBSERVED_AT = datetime(2026, 11, 24, 4, tzinfo=UTC)
CREDENTIALS = dict.fromkeys(("api_key", "app_id", "app_secret", "refresh_token"), "sandbox")
Exchange = dict[str, Any]


@dataclass
class Replayed:
    """What a connector yielded and reported, per dataset."""

    platform: Platform
    pages: list[Page]
    gaps: dict[str, Gaps]
    extraction: Extraction
    requests: list[httpx.Request]

    def records(self, dataset: str) -> list[Record]:
        return [record for page in self.pages if page.dataset == dataset for record in page.records]

    def ids(self, dataset: str) -> list[str]:
        """The records' source ids, in order of arrival, duplicates included."""
        declared = self.platform.dataset(dataset)
        return [declared.source_id(record) or "" for record in self.records(dataset)]

    def rows(self, dataset: str) -> list[Row]:
        """Every record as its row, without those out of scope; raises if a record breaks the contract."""
        declared = self.platform.dataset(dataset)
        rows = [to_row(declared, record) for record in self.records(dataset)]
        return [row for row in rows if row is not None]

    def reasons(self, dataset: str) -> list[str]:
        """The reasons why the dataset is incomplete; empty if nothing is known to be missing."""
        ids = self.ids(dataset)
        pages = sum(page.dataset == dataset for page in self.pages)
        came = ReceivedCounts(pages, len(set(filter(None, ids))), ids.count(""))
        return completeness_of(self.gaps[dataset], came).reasons


class MemorySecrets:
    """A secret store in memory."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def read(self, name: str) -> str | None:
        return self.values.get(name)

    def write(self, name: str, value: str) -> None:
        self.values[name] = value

    def replace(self, name: str, old: str | None, value: str) -> bool:
        if self.values.get(name) != old:
            return False
        self.values[name] = value
        return True


def to_row(dataset: Dataset, record: Record) -> Row | None:
    """The row of a record as received: personal values as text, as they are once sealed, but readable."""
    if dataset.personal:
        record = orjson.loads(orjson.dumps(record))
        for path in dataset.personal.fields:
            _as_text(record, path.split("."))
    return dataset.to_row(msgspec.json.decode(orjson.dumps(record), type=dataset.wire))


def replay(platform: Platform, exchanges: list[Exchange], **options: Any) -> Replayed:
    """Run the connector over canned exchanges; the test fails on a request without a match, and names it."""
    return run(platform, canned(exchanges), **options)


def over_sandbox(platform: Platform, city: City, faults: Iterable[str] = (), **options: Any) -> Replayed:
    """Run the connector over a sandbox in this process, with `faults` written like for the sandbox's `--fault`."""
    return run(platform, httpx.ASGITransport(create_app(city, list(faults))), base=f"{BASE}/{platform.name}", **options)


def run(
    platform: Platform,
    transport: httpx.AsyncBaseTransport,
    *,
    base: str = BASE,
    scope: Scope | None = None,
    datasets: Iterable[str] | None = None,
    attempts: int = 2,
    secrets: MemorySecrets | None = None,
    only_first: bool = False,
    observed_at: datetime = OBSERVED_AT,
    **credentials: str,
) -> Replayed:
    """Run the connector over a transport; `only_first`: its first dataset only. Raises the SyncError that stops it."""
    noting = _RecordingTransport(transport)

    async def fetch() -> Replayed:
        client = Client(
            platform.name,
            base,
            headers=platform.headers(CREDENTIALS),
            pacer=Pacer(None, 8),
            concurrency=8,
            attempts=attempts,
            wall_wait_s=0.1,
            html_is_a_wall=platform.html_is_a_wall,
            transport=noting,
        )
        wanted = platform.datasets if datasets is None else map(platform.dataset, datasets)
        archive = f"{BASE}/{platform.name}_archive"
        async with client:
            state = ExtractionState(wanted, observed_at)
            own = {**CREDENTIALS, **credentials}
            extraction = Extraction(client, scope or Scope(), own, secrets or MemorySecrets(), state, archive)
            pages = []
            async with aclosing(platform.pages(extraction)) as coming:
                async for page in coming:
                    if only_first and page.dataset != platform.datasets[0].name:
                        break
                    pages.append(page)
        return Replayed(platform, pages, extraction.gaps, extraction, noting.requests)

    return asyncio.run(fetch())


def canned(exchanges: list[Exchange]) -> httpx.MockTransport:
    """A transport that answers from exchanges."""
    played: set[int] = set()

    def answer(request: httpx.Request) -> httpx.Response:
        matching = [number for number, exchange in enumerate(exchanges) if _matches(exchange["request"], request)]
        if not matching:
            raise AssertionError(f"no exchange for {request.method} {request.url} {request.content.decode()}")
        number = next((number for number in matching if number not in played), matching[-1])
        played.add(number)
        response = exchanges[number]["response"]
        kind = {"json": response["json"]} if "json" in response else {"text": response.get("text", "")}
        return httpx.Response(response["status"], headers=response.get("headers"), **kind)

    return httpx.MockTransport(answer)


def exchange(path: str, json: Any = None, *, text: str | None = None, status: int = 200, **params: Any) -> Exchange:
    """A GET exchange, for tests that write their own."""
    response = {"status": status, "text": text} if text is not None else {"status": status, "json": json}
    return {"request": {"method": "GET", "path": path, "params": params}, "response": response}


def read_fixture(platform: str, name: str) -> Any:
    """A JSON file of the platform's fixture folder; if it is missing, the test fails and says what to add."""
    file = FIXTURES / platform / name
    if not file.is_file():
        raise AssertionError(
            f"platform {platform!r} has no fixture: add sync_platform_tests/fixtures/{platform}/{name}"
        )
    return orjson.loads(file.read_bytes())


class _RecordingTransport(httpx.AsyncBaseTransport):
    """Forwards requests, and records them."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self.inner = inner
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return await self.inner.handle_async_request(request)


def _matches(wanted: dict[str, Any], request: httpx.Request) -> bool:
    if (request.method, request.url.path) != (wanted.get("method", "GET"), wanted["path"]):
        return False
    for name, value in wanted.get("params", {}).items():
        values = [str(one) for one in (value if isinstance(value, list) else [value])]
        if request.url.params.get_list(name) != values:
            return False
    if "json" not in wanted:
        return True
    sent = orjson.loads(request.content or b"{}")
    return all(name in sent and sent[name] == value for name, value in wanted["json"].items())


def _as_text(record: Record, path: list[str]) -> None:
    holder: Any = record
    for name in path[:-1]:
        holder = holder.get(name) if isinstance(holder, dict) else None
    if isinstance(holder, dict):
        value = holder.get(path[-1])
        if value is not None and not isinstance(value, str):
            holder[path[-1]] = orjson.dumps(value).decode()
