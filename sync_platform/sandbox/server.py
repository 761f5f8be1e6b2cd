"""The server: one ASGI application for all platforms, and the process around it.

What belongs here: routing to a platform, playing faults, listening. What doesn't: any platform's own answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from datetime import date
from typing import Any
from urllib.parse import parse_qs

import orjson

from sync_platform.sandbox.city import PLATFORMS, City, calendar
from sync_platform.sandbox.errors import SandboxError
from sync_platform.sandbox.faults import (
    CONNECTION_FAULTS,
    LIST_FAULTS,
    PLATFORM_FAULTS,
    Fault,
    Faults,
    check_fault,
    read_fault,
)
from sync_platform.sandbox.views.view import View
from sync_platform.sandbox.wire import Listing, Reply, Request, json_reply, spoil

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ARCHIVE = "data_gov_hk_archive"
BUILT_BEFORE_LISTENING = 20_000  # places: a larger city takes seconds, a smaller one is built when first asked for
WALL = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Are you a person?</body></html>"


def create_app(city: City | Callable[[], City], faults: Faults | Iterable[str] | None = None) -> Sandbox:
    """The ASGI application; `city` may be a function that answers the city of the current day."""
    current = city if callable(city) else (lambda: city)
    return Sandbox(current, faults if isinstance(faults, Faults) else Faults(faults or ()))


class Sandbox:
    """Routes `/<platform>/...` to the platform's view, and spoils the answer where a fault is in force."""

    def __init__(self, city: Callable[[], City], faults: Faults) -> None:
        self.city, self.faults = city, faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            from sync_platform.sandbox.stream import serve_stream

            await serve_stream(self.city(), scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        platform, slash, rest = scope["path"][1:].partition("/")
        prefix = platform
        if platform == ARCHIVE:
            platform, rest = "data_gov_hk", f"archive/{rest}"
        body = await _body(receive) if scope["method"] not in ("GET", "HEAD") else b""
        headers = dict(scope["headers"])
        if platform not in PLATFORMS:
            await _send(send, self._own(scope["method"], scope["path"], body, headers))
            return
        query_string = scope["query_string"].decode("latin-1")
        host = headers.get(b"host", b"127.0.0.1").decode("latin-1")
        request = Request(
            scope["method"],
            slash + rest,
            parse_qs(query_string, keep_blank_values=True),
            headers,
            body,
            f"{scope.get('scheme', 'http')}://{host}{scope['path']}",
        )
        target = f"/{prefix}{request.path}?{query_string}"
        try:
            wanted = _asked_for(platform, request)
        except SandboxError as error:
            await _send(send, json_reply({"error": str(error)}, 400))
            return
        await self._answer(platform, request, target, wanted, receive, send)

    async def _answer(
        self, platform: str, request: Request, target: str, wanted: list[Fault], receive: Receive, send: Send
    ) -> None:
        view = self.city().view(platform)
        found = self.faults.happening(platform, target, CONNECTION_FAULTS) if self.faults.waiting else []
        happening = {fault.fault: fault.value for fault in (*wanted, *found) if fault.fault in CONNECTION_FAULTS}
        if "timeout" in happening:
            await _wait_or_leave(receive, 3600 if happening["timeout"] is None else happening["timeout"])
            await _send(send, Reply(b"{}"), breaks=True)
            return
        if "slow" in happening:
            await _wait_or_leave(receive, 2 if happening["slow"] is None else happening["slow"])
        reply = _refusal(view, happening)
        if reply is None:
            answer = view.answer(request)
            reply = self._rendered(answer, platform, target, wanted) if isinstance(answer, Listing) else answer
        if "truncated" in happening:
            reply = Reply(reply.body[: len(reply.body) // 2], reply.status, reply.content_type, reply.headers)
        await _send(send, reply, breaks="reset" in happening, head=request.method == "HEAD")

    def _rendered(self, answer: Listing, platform: str, target: str, wanted: list[Fault]) -> Reply:
        names = [fault.fault for fault in wanted if fault.fault in LIST_FAULTS]
        if self.faults.waiting:
            playable = _playable(answer)
            names += [fault.fault for fault in self.faults.happening(platform, target, playable)]
        return spoil(answer, names) if names else answer.reply()

    def _own(self, method: str, path: str, body: bytes, headers: dict[bytes, bytes]) -> Reply:
        """The sandbox's own pages: the index, its health, and the faults in force."""
        city = self.city()
        if path == "/health":
            return json_reply({"status": "ok"})
        if path == "/":
            base = f"http://{headers.get(b'host', b'').decode('latin-1')}"
            platforms = {name: f"{base}/{name}" for name in (*PLATFORMS, ARCHIVE)}
            return json_reply({"platforms": platforms, "places": city.size, "today": city.today.isoformat()})
        if path != "/_faults":
            return json_reply({"error": f"nothing at {path}: platforms are {', '.join(PLATFORMS)}"}, 404)
        if method == "POST":
            try:
                self.faults.waiting.append(read_fault(orjson.loads(body)))
            except orjson.JSONDecodeError:
                return json_reply({"error": "the body is not JSON"}, 400)
            except SandboxError as error:
                return json_reply({"error": str(error)}, 400)
        elif method == "DELETE":
            self.faults.waiting.clear()
        known = {name: sorted(names) for name, names in PLATFORM_FAULTS.items()}
        return json_reply({"faults": [fault.as_json() for fault in self.faults.waiting], "known": known})


def _playable(answer: Listing) -> set[str]:
    """The list faults that can happen to this answer; others wait for another request."""
    common = {"retyped", "unknown-field"}
    if not answer.single:
        common |= {"empty", "half", "duplicates", "repeated-page", "shuffled", "endless-cursor"}
    return common | set(answer.special)


def _asked_for(platform: str, request: Request) -> list[Fault]:
    """The faults that the request itself asks for, by header or by query parameter."""
    names = [*request.query.pop("_fault", ()), request.header(b"x-sandbox-fault")]
    found = []
    for name in filter(None, names):
        fault, _, value = name.partition("=")
        check_fault(platform, fault)
        try:
            found.append(Fault(platform, fault, value=float(value) if value else None))
        except ValueError:
            raise SandboxError(f"fault {name!r}: value {value!r} is not a number") from None
    return found


def _refusal(view: View, happening: dict[str, float | None]) -> Reply | None:
    """The answer of a fault that stands in place of the platform's, if one is happening."""
    if "429-retry-after" in happening:
        seconds = happening["429-retry-after"]
        refused = view.refuse(429, "too many requests")
        wait = (b"retry-after", f"{1 if seconds is None else seconds:g}".encode())
        return Reply(refused.body, refused.status, refused.content_type, (*refused.headers, wait))
    for status, message in ((429, "too many requests"), (500, "internal error"), (401, "credentials refused")):
        if str(status) in happening:
            return view.refuse(status, message)
    if "error-in-200" in happening:
        return view.fail_inside_200()
    if "html" in happening:
        return Reply(WALL, 200, "text/html; charset=utf-8")
    return None


async def _send(send: Send, reply: Reply, *, breaks: bool = False, head: bool = False) -> None:
    """Sends the reply; `breaks` stops halfway, whereupon the server closes the connection."""
    headers = [
        (b"content-type", reply.content_type.encode()),
        (b"content-length", str(len(reply.body)).encode()),
        *reply.headers,
    ]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    if breaks:
        await send({"type": "http.response.body", "body": reply.body[: len(reply.body) // 2], "more_body": True})
        return
    await send({"type": "http.response.body", "body": b"" if head else reply.body})


async def _body(receive: Receive) -> bytes:
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(parts)


async def _wait_or_leave(receive: Receive, seconds: float) -> None:
    """Waits, or returns early when the client has gone."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while (await receive())["type"] != "http.disconnect":
                pass


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    places: int = 2000,
    seed: int = 852,
    today: date | None = None,
    faults: Iterable[str] = (),
    lifeline: bool = False,
) -> None:
    """Serves until interrupted; prints one line of JSON with the `url` once it listens.

    Without `today` the world follows the calendar. `lifeline` ends the process when its standard input closes.
    Raises SandboxError for a wrong option or a port in use.
    """
    from sync_platform.sandbox.listening import listen

    current = calendar(places, seed) if today is None else City(places, seed, today)
    app = create_app(current, list(faults))
    if places > BUILT_BEFORE_LISTENING:
        app.city().places  # noqa: B018 - built here, lest the first request waits for it
    listen(app, host, port, lifeline=lifeline)
