"""What tests of alerts need: problems, a clock that they set, and a webhook that they control."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from sync_platform.monitoring.alert_channels import channel_names
from sync_platform.monitoring.alert_outbox import deliver
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.settings import Settings, load_settings
from sync_platform_tests.monitoring.recorded_syncs import NOW

ALL = frozenset(ProblemName)


@dataclass
class Clock:
    """A clock that stands still until a test moves it."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        return self.now

    def move(self, **duration: float) -> None:
        self.now += timedelta(**duration)


def problem(
    name: ProblemName = ProblemName.sync_failed, detail: str = "answered 403", *subjects: str, **values: Any
) -> Problem:
    texts = {
        "what": "The source answered 403.",
        "effect": "No new data are stored.",
        "action": "Ask the platform for access.",
        "command": ("status",),
    }
    return Problem(name=name, detail=detail, subjects=subjects, **{**texts, **values})


STALE = problem(ProblemName.sync_stale, "", "chope", what="The data of chope are old.")
FAILED = problem(ProblemName.backup_failed, "", what="The backup failed.")


def settings_of(tmp_path: Path, **values: Any) -> Settings:
    return load_settings(sync_home=tmp_path, environment="production", **values)


def store_of(settings: Settings, clock: Clock) -> AlertStore:
    return AlertStore(settings.ledger_url, channel_names(settings), clock)


def decide_and_deliver(settings: Settings, store: AlertStore, problems: Iterable[Problem]) -> None:
    """One round, and the delivery of its messages."""
    store.round(problems, ALL)
    deliver(settings, store)


@dataclass
class Webhook:
    """A server of webhooks: what it received, and how it answers."""

    received: list[Any] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    status: int = 200
    delay_s: float = 0.0
    sends_slowly: bool = False
    on_receipt: Callable[[], None] = lambda: None
    url: str = ""

    def titles(self) -> list[str]:
        return [each["title"] for each in self.received]


@contextmanager
def running_webhook() -> Iterator[Webhook]:
    """A webhook on a free port. It forgets what it received while it answers with an error."""
    webhook, ended = Webhook(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            webhook.paths.append(self.path)
            if ended.wait(webhook.delay_s):
                return
            if webhook.status == 200:
                webhook.received.append(json.loads(body))
            webhook.on_receipt()
            if webhook.sends_slowly:
                self._send_slowly()
            self.send_response(webhook.status)
            self.end_headers()

        def _send_slowly(self) -> None:
            self.wfile.write(b"HTTP/1.1 200 OK\r\n")
            while not ended.is_set():
                try:
                    self.wfile.write(b"X-Header: 1\r\n")
                except OSError:
                    return
                time.sleep(0.05)

        def log_message(self, *_: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    webhook.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield webhook
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
