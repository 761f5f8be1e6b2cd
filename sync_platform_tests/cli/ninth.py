"""A ninth platform: its one file, and a server that speaks it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PLATFORM_FILE = '''
"""Tables of one restaurant: the smallest platform there can be."""

from typing import Annotated

import msgspec

from sync_platform.sources.declaration import Dataset, Pace, Platform, Row, Terms, column
from sync_platform.sources.paging import Slice, numbered


class Seat(msgspec.Struct):
    table: int
    name: str | None = None


class SeatRow(Row):
    name: Annotated[str | None, column("What the table is called")] = None


def _row(seat):
    return SeatRow(source_id=str(seat.table), name=seat.name)


class Tables(Platform):
    name = "tables"
    title = "Tables"
    description = "Tables of one restaurant."
    live_base_url = "https://tables.example"
    cadence = "monthly"
    priority = "low"
    terms = Terms("ours", "https://tables.example/terms", agreement_needed=False)
    pace = Pace(requests_per_second=1, concurrency=1)
    datasets = (
        Dataset("seats", "Tables", Seat, SeatRow, _row, ("table",)),
    )

    def headers(self, credentials):
        return {}

    async def pages(self, extraction):
        async def page(number):
            read = lambda reply: Slice(reply.json(), reply, pages=1)
            return await extraction.client.get("/tables", read=read)

        async for found in numbered(extraction, "seats", page):
            yield found
'''

RULED_FILE = '''
"""Tables of one restaurant, and what they are held to; past months can be asked for."""

from datetime import datetime
from typing import Annotated

import msgspec

from sync_platform.sources.declaration import Dataset, Pace, Personal, Platform, Row, Terms, column
from sync_platform.sources.paging import Slice, numbered
from sync_platform.sources.rules import OneOf, Within


class Seat(msgspec.Struct):
    table: int
    name: str | None = None
    seats: int | None = None
    area: str | None = None
    guest: str | None = None
    updated_at: str | None = None


class SeatRow(Row):
    name: Annotated[str | None, column("What the table is called", matters=True)] = None
    seats: Annotated[int | None, column("How many can sit at it", rules=(Within(1, MOST_SEATS),))] = None
    area: Annotated[str | None, column("Where it stands", rules=(OneOf(("hall", "terrace")),))] = None
    guest: Annotated[str | None, column("Who sits there", sealed=True)] = None
    updated_at: Annotated[datetime | None, column("When it changed", unit="UTC")] = None


def _row(seat):
    changed = None if seat.updated_at is None else datetime.fromisoformat(seat.updated_at)
    return SeatRow(
        source_id=str(seat.table), name=seat.name, seats=seat.seats, area=seat.area, guest=seat.guest,
        updated_at=changed,
    )


class Tables(Platform):
    name = "tables"
    title = "Tables"
    description = "Tables of one restaurant."
    live_base_url = "https://tables.example"
    cadence = "monthly"
    priority = "low"
    terms = Terms("ours", "https://tables.example/terms", agreement_needed=False)
    pace = Pace(requests_per_second=1, concurrency=1)
    datasets = (
        Dataset(
            "seats", "Tables", Seat, SeatRow, _row, ("table",), Personal(("guest",), subject=("guest",)),
            cursor="updated_at",
        ),
    )
    has_delta = True
    has_archive = True

    def headers(self, credentials):
        return {}

    async def pages(self, extraction):
        async def page(number):
            read = lambda reply: Slice(reply.json(), reply, pages=1)
            return await extraction.client.get("/tables", read=read)

        async for found in numbered(extraction, "seats", page):
            yield found
'''


def ruled_file(most_seats: int = 12) -> str:
    """The platform's file with a hard rule: at most so many seats at a table."""
    return RULED_FILE.replace("MOST_SEATS", str(most_seats))


def seat(number: int, **told: Any) -> dict[str, Any]:
    """A table that keeps every rule, but for what is told otherwise."""
    kept = {"name": f"Table {number}", "seats": 4, "area": "hall", "updated_at": "2026-09-01T00:00:00Z"}
    return {"table": number, **kept, **told}


@contextmanager
def served(records: list[dict[str, Any]]) -> Iterator[str]:
    """The address of a server that answers every request with the records, as they are at that moment."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = json.dumps(records).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
