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


@contextmanager
def served(records: list[dict[str, Any]]) -> Iterator[str]:
    """The address of a server that answers every request with the records."""

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
