"""A platform's WebSocket: sends the last day's events, then stays open.

With `?live=SECONDS` it then sends a new event after each such interval; without it, no further event.
What belongs here: the life of one connection. What doesn't: the shape of a platform's events.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any, ClassVar
from urllib.parse import parse_qs

import orjson

from sync_platform.sandbox.platform_view import PlatformView

UNAUTHORISED, NOT_FOUND = 4401, 4404
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


class StreamingView(PlatformView):
    """A view of a platform that also streams events; their ids, `YYYYMMDD-NNNNNN`, sort by time."""

    stream_path: ClassVar[str]
    """The path of its WebSocket, below the platform's prefix."""

    @property
    @abstractmethod
    def events(self) -> list[bytes]:
        """The last day's events, in order."""

    @abstractmethod
    def is_admitted(self, headers: Mapping[bytes, bytes]) -> bool:
        """True if the headers have the platform's credentials."""

    @abstractmethod
    def live_event(self, sequence: int) -> bytes:
        """A new event with that number and the current time, modelled on one of `events`."""

    def reason_to_close(self, path: str, headers: Mapping[bytes, bytes]) -> int | None:
        """The WebSocket code that ends a connection to the path at once, or None where the events may follow."""
        if path != self.stream_path:
            return NOT_FOUND
        return None if self.is_admitted(headers) else UNAUTHORISED


async def serve_stream(
    view: PlatformView | None, path: str, scope: MutableMapping[str, Any], receive: Receive, send: Send
) -> None:
    """Plays one connection: events after `?after=`, then live ones, until the client leaves.

    `view` is None for a platform that does not exist; `path` is below the platform's prefix.
    """
    await receive()
    await send({"type": "websocket.accept"})
    streaming = view if isinstance(view, StreamingView) else None
    code = streaming.reason_to_close(path, dict(scope["headers"])) if streaming else NOT_FOUND
    if streaming is None or code:
        await send({"type": "websocket.close", "code": code})
        return
    query = parse_qs(scope["query_string"].decode("latin-1"))
    after = query.get("after", [""])[0]
    for event in streaming.events:
        if orjson.loads(event)["event_id"] > after:
            await send({"type": "websocket.send", "text": event.decode()})
    await _send_live(streaming, after, float(query.get("live", ["0"])[0]), receive, send)


async def _send_live(view: StreamingView, after: str, every_s: float, receive: Receive, send: Send) -> None:
    """Sends a new event every `every_s` seconds (none if that is 0), until the client leaves."""
    leaving = asyncio.ensure_future(_wait_until_left(receive))
    sequence = max([len(view.events), *_sequence(after, f"{view.today:%Y%m%d}")])
    while not leaving.done():
        await asyncio.wait([leaving], timeout=every_s or None)
        if not leaving.done() and view.events:
            sequence += 1
            await send({"type": "websocket.send", "text": view.live_event(sequence).decode()})


def _sequence(after: str, day: str) -> list[int]:
    """The number inside an event id of the day; empty for any other text."""
    head, _, number = after.partition("-")
    return [int(number)] if head == day and number.isdecimal() else []


async def _wait_until_left(receive: Receive) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass
