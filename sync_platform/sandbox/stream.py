"""Bistrochat's WebSocket: replays the last day's events, then stays open.

With `?live=SECONDS` a further event follows every so many seconds; without it the stream falls silent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs

import orjson

if TYPE_CHECKING:
    from sync_platform.sandbox.city import City
    from sync_platform.sandbox.views.bistrochat import Bistrochat

PATH = "/bistrochat/v1/stream"
_UNAUTHORISED, _NOT_FOUND = 4401, 4404


async def serve_stream(
    city: City,
    scope: MutableMapping[str, Any],
    receive: Callable[[], Awaitable[MutableMapping[str, Any]]],
    send: Callable[[MutableMapping[str, Any]], Awaitable[None]],
) -> None:
    """Plays one connection: events after `?after=`, then live ones or silence until the client leaves."""
    await receive()
    await send({"type": "websocket.accept"})
    if scope["path"] != PATH or not dict(scope["headers"]).get(b"x-api-key"):
        await send({"type": "websocket.close", "code": _NOT_FOUND if scope["path"] != PATH else _UNAUTHORISED})
        return
    query = parse_qs(scope["query_string"].decode("latin-1"))
    after = query.get("after", [""])[0]
    view = cast("Bistrochat", city.view("bistrochat"))
    for event in view.events:
        if orjson.loads(event)["event_id"] > after:
            await send({"type": "websocket.send", "text": event.decode()})
    leaving = asyncio.ensure_future(_left(receive))
    live = float(query.get("live", ["0"])[0])
    sequence = max([len(view.events), *_sequence(after, f"{city.today:%Y%m%d}")])
    while not leaving.done():
        await asyncio.wait([leaving], timeout=live or None)
        if not leaving.done() and view.events:
            sequence += 1
            event = _live_event(view.events[sequence % len(view.events)], city, sequence)
            await send({"type": "websocket.send", "text": event.decode()})


def _live_event(pattern: bytes, city: City, sequence: int) -> bytes:
    """A new event made after an old one, happening now."""
    event = orjson.loads(pattern)
    event["event_id"] = f"{city.today:%Y%m%d}-{sequence:06d}"
    if event["type"] == "post":
        now = datetime.now(timezone(timedelta(hours=8))).time().replace(microsecond=0)
        event["data"] |= {"post_id": f"live-{event['event_id']}", "posted_at": f"{city.today}T{now}+08:00", "likes": 0}
    return orjson.dumps(event)


def _sequence(after: str, day: str) -> list[int]:
    """The number inside an event id of the day, if it is one."""
    head, _, number = after.partition("-")
    return [int(number)] if head == day and number.isdecimal() else []


async def _left(receive: Callable[[], Awaitable[MutableMapping[str, Any]]]) -> None:
    while (await receive())["type"] != "websocket.disconnect":
        pass
