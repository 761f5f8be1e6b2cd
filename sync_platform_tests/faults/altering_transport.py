"""A transport that alters the answers of a platform: for faults that the sandbox does not play.

What belongs here: where each platform has its records in an answer, and how a record is replaced. What doesn't: the
replacements.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx

from sync_platform.platforms import load_platforms
from sync_platform.sources.columns import declared_columns
from sync_platform.sources.declaration import Platform
from sync_platform.sources.endpoints import CursorPaging, NumberedPaging
from sync_platform.sources.rules import COUNT

Alteration = Callable[[httpx.Request, httpx.Response], httpx.Response]


@dataclass(frozen=True)
class Shape:
    """Where a platform has its restaurants: part of the URL path; the path to the list in the answer; the record's id,
    and a text, a number and a count in it; the paths to the list's total, number of pages and cursor. A part that does
    not exist is empty."""

    path: str
    records: tuple[str, ...]
    key: str
    text: str
    number: tuple[str, ...]
    count: str = ""
    total: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    cursor: tuple[str, ...] = ()


UNDECLARED = {
    "openrice": Shape(
        "/api/pois?",
        ("searchResult", "paginationResult", "results"),
        "poiId",
        "name",
        ("mapLatitude",),
        "photoCount",
        total=("searchResult", "paginationResult", "count"),
    ),
    "tripadvisor": Shape("/locations?", ("data",), "id", "price_level", ("coordinates", "latitude")),
    "foodpanda": Shape(
        "/vendors?", ("data", "items"), "code", "name", ("latitude",), "review_number", ("data", "available_count")
    ),
    "keeta": Shape("/scm/shop/base/get", ("data",), "id", "name", ("latitude",)),
}
"""The shapes of main lists that no endpoint declares: they are searched, crawled or read by id."""


def shape_of(platform: Platform) -> Shape | None:
    """The shape of the platform's main list, as its endpoint and columns declare it; None where none is declared."""
    dataset = platform.datasets[0]
    endpoint = next((each for each in platform.endpoints if each.dataset == dataset.name), None)
    if endpoint is None:
        return UNDECLARED.get(platform.name)
    columns = declared_columns(dataset.row)
    sent = {column.name: column.sent.paths[0] for column in columns if column.sent.paths}
    counts = [sent[column.name] for column in columns if column.meaning.rules == COUNT]
    paging = endpoint.paging
    return Shape(
        f"{endpoint.path}?",
        _way(endpoint.records),
        dataset.key[0],
        sent["name_en"],
        _way(sent["latitude"]),
        counts[0] if counts else "",
        _way(paging.total if paging else ""),
        _way(paging.pages if isinstance(paging, NumberedPaging) else ""),
        _way(paging.next_cursor if isinstance(paging, CursorPaging) else ""),
    )


def _way(path: str) -> tuple[str, ...]:
    return tuple(path.rstrip("?").split(".")) if path else ()


SHAPES = {name: shape for name, platform in load_platforms().items() if (shape := shape_of(platform))}


class AlteringTransport(httpx.AsyncBaseTransport):
    """The network; `alter_response` alters the answers to requests whose URL contains `path`."""

    def __init__(self, path: str, alter_response: Alteration) -> None:
        self._network = httpx.AsyncHTTPTransport(verify=False)
        self._path, self._alter_response = path, alter_response
        self.asked = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._network.handle_async_request(request)
        if self._path not in request.url.raw_path.decode():
            return response
        self.asked += 1
        await response.aread()
        return self._alter_response(request, response)

    async def aclose(self) -> None:
        await self._network.aclose()


def at(body: Any, way: tuple[str, ...]) -> Any:
    for step in way:
        body = body[step]
    return body


def put(body: Any, way: tuple[str, ...], value: Any) -> None:
    at(body, way[:-1])[way[-1]] = value


def in_every_body(alter: Callable[[Any], None]) -> Alteration:
    """Alter the JSON of every answer in place; NaN and half surrogates are allowed."""

    def alter_response(request: httpx.Request, response: httpx.Response) -> httpx.Response:
        body = response.json()
        alter(body)
        return answer(json.dumps(body))

    return alter_response


def with_record(shape: Shape, victim: str, spoil: Callable[[dict[str, Any]], list[Any]]) -> Alteration:
    """Replace one record, wherever it is listed, by the result of `spoil`."""

    def alter(body: Any) -> None:
        listed = at(body, shape.records)
        if isinstance(listed, dict):
            if str(listed[shape.key]) == victim:
                put(body, shape.records, spoil(listed)[0])
            return
        listed[:] = [
            made for record in listed for made in (spoil(record) if str(record.get(shape.key)) == victim else [record])
        ]

    return in_every_body(alter)


def answer(text: str | bytes, status: int = 200, **headers: str) -> httpx.Response:
    content = text.encode() if isinstance(text, str) else text
    return httpx.Response(status, content=content, headers={"content-type": "application/json", **headers})
