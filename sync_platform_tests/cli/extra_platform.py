"""A further platform in a folder of PLATFORM_PATH: its file, and a server of its API."""

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

from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Dataset, Pace, Platform, Terms
from sync_platform.sources.endpoints import Endpoint


class Seat(Row):
    name: Annotated[str | None, column("What the table is called")] = None


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
        Dataset("seats", "Tables", Seat, key=("table",)),
    )
    endpoints = (Endpoint("seats", "/tables", records=""),)
'''

RULED_FILE = '''
"""Tables of one restaurant, with rules; past months can be synced."""

from datetime import datetime
from typing import Annotated

from sync_platform.sources.columns import Row, column
from sync_platform.sources.declaration import Dataset, Pace, Platform, Terms
from sync_platform.sources.endpoints import Endpoint
from sync_platform.sources.rules import OneOf, Within
from sync_platform.vault.personal_fields import Personal


class Seat(Row):
    name: Annotated[str | None, column("What the table is called", matters=True)] = None
    seats: Annotated[int | None, column("How many can sit at it", rules=(Within(1, MAX_SEATS),))] = None
    area: Annotated[str | None, column("Where it stands", rules=(OneOf(("hall", "terrace")),))] = None
    guest: Annotated[str | None, column("Who sits there", sealed=True)] = None
    updated_at: Annotated[datetime | None, column("When it changed", unit="UTC")] = None


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
            "seats", "Tables", Seat, key=("table",), personal=Personal(("guest",), subject=("guest",)),
            cursor="updated_at",
        ),
    )
    endpoints = (Endpoint("seats", "/tables", records=""),)
    has_delta = True
    has_archive = True
'''


def ruled_file(most_seats: int = 12) -> str:
    """The platform file with a hard rule: at most `most_seats` seats at a table."""
    return RULED_FILE.replace("MAX_SEATS", str(most_seats))


def seat(number: int, **values: Any) -> dict[str, Any]:
    """A record that keeps every rule, except where `values` differ."""
    kept = {"name": f"Table {number}", "seats": 4, "area": "hall", "updated_at": "2026-09-01T00:00:00Z"}
    return {"table": number, **kept, **values}


@contextmanager
def served(records: list[dict[str, Any]]) -> Iterator[str]:
    """The address of a server that answers every request with the current content of `records`."""

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
