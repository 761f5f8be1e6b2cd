"""The progress of an emergency request as server-sent events (WHATWG HTML, section 9.2)."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator

import orjson
from starlette.concurrency import run_in_threadpool

from sync_platform.api.context import ApiContext
from sync_platform.emergency.sync_progress import POLL_S, RequestProgress
from sync_platform.errors import SyncError

logger = logging.getLogger(__name__)
EVENTS = "text/event-stream"
EVENT_SCHEMA = {"schema": {"type": "string"}}
READ_AGAIN_S = POLL_S / 2
SILENT_S = 15.0
"""After so long without an event a comment is sent, so that nothing in between closes the connection."""


class SharedProgress:
    """The progress of requests, read once for all who follow the same request at the same time."""

    def __init__(self, context: ApiContext) -> None:
        self._context, self._lock = context, threading.Lock()
        self._known: dict[str, tuple[float, RequestProgress]] = {}

    def read(self, request_id: str) -> RequestProgress:
        """The progress, at most READ_AGAIN_S old; NotFound for an unknown request, StorageError for a broken ledger."""
        with self._lock:
            now = time.monotonic()
            self._known = {name: each for name, each in self._known.items() if now - each[0] < READ_AGAIN_S}
            if request_id not in self._known:
                request = self._context.requests.find(request_id)
                self._known[request_id] = now, RequestProgress(request, self._context.progress.of_request(request_id))
            return self._known[request_id][1]


async def progress_events(shared: SharedProgress, request_id: str) -> AsyncIterator[bytes]:
    """An event for the progress now and after each change, until the request has ended. No thread waits for it."""
    last: RequestProgress | None = None
    silent_s = 0.0
    try:
        while last is None or last.request.is_open:
            now = await run_in_threadpool(shared.read, request_id)
            if now != last:
                yield b"event: progress\ndata: " + orjson.dumps(now.document()) + b"\n\n"
                last, silent_s = now, 0.0
                continue
            if silent_s >= SILENT_S:
                yield b": still open\n\n"
                silent_s = 0.0
            await asyncio.sleep(POLL_S)
            silent_s += POLL_S
    except SyncError as error:
        logger.warning("the progress of request %s cannot be followed: %s", request_id, error)
