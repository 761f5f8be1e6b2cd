"""The server: one ASGI application for all platforms.

What belongs here: routing to a platform's view, and the faults of the connection. What doesn't: any platform's own
answers, the effects of list faults, and the process that listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

import orjson

from sync_platform.sandbox.city import City
from sync_platform.sandbox.event_stream import serve_stream
from sync_platform.sandbox.faults import CONNECTION_FAULTS
from sync_platform.sandbox.list_faults import reply_with_faults
from sync_platform.sandbox.planned_faults import Fault, PlannedFaults, check_fault, playable_faults, read_fault
from sync_platform.sandbox.platform_view import PlatformView
from sync_platform.sandbox.sandbox_error import SandboxError
from sync_platform.sandbox.views import view_class, view_names
from sync_platform.sandbox.wire import ListAnswer, WireReply, WireRequest, json_reply

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

ARCHIVE_SUFFIX = "_archive"
BOT_WALL = b"<!DOCTYPE html><html><head><title>Just a moment...</title></head><body>Are you a person?</body></html>"


def create_app(city: City | Callable[[], City], faults: PlannedFaults | Iterable[str] | None = None) -> Sandbox:
    """The ASGI application; `city` may be a function that returns the city of the current day."""
    current = city if callable(city) else (lambda: city)
    return Sandbox(current, faults if isinstance(faults, PlannedFaults) else PlannedFaults(faults or ()))


class Sandbox:
    """Routes `/<platform>/...` to the platform's view, and plays the planned faults."""

    def __init__(self, city: Callable[[], City], faults: PlannedFaults) -> None:
        self.city, self.faults = city, faults

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            platform, slash, rest = scope["path"][1:].partition("/")
            view = self.city().view(platform) if platform in view_names() else None
            await serve_stream(view, slash + rest, scope, receive, send)
        elif scope["type"] == "lifespan":
            await _lifespan(receive, send)

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        prefix, slash, rest = scope["path"][1:].partition("/")
        platform = prefix.removesuffix(ARCHIVE_SUFFIX)
        body = await _body(receive) if scope["method"] not in ("GET", "HEAD") else b""
        headers = dict(scope["headers"])
        if platform not in view_names() or (platform != prefix and not view_class(platform).has_archive):
            await _send(send, self._own_page(scope["method"], scope["path"], body, headers))
            return
        query_string = scope["query_string"].decode("latin-1")
        host = headers.get(b"host", b"127.0.0.1").decode("latin-1")
        request = WireRequest(
            scope["method"],
            slash + rest if platform == prefix else f"/archive/{rest}",
            parse_qs(query_string, keep_blank_values=True),
            headers,
            body,
            f"{scope.get('scheme', 'http')}://{host}{scope['path']}",
        )
        target = f"/{prefix}{request.path}?{query_string}"
        try:
            wanted_faults = _wanted_faults(platform, request)
        except SandboxError as error:
            await _send(send, json_reply({"error": str(error)}, 400))
            return
        await self._answer(platform, request, target, wanted_faults, receive, send)

    async def _answer(
        self, platform: str, request: WireRequest, target: str, wanted_faults: list[Fault], receive: Receive, send: Send
    ) -> None:
        view = self.city().view(platform)
        planned = self.faults.happening(platform, target, CONNECTION_FAULTS) if self.faults.planned else []
        happening = {
            fault.fault: fault.value for fault in (*wanted_faults, *planned) if fault.fault in CONNECTION_FAULTS
        }
        if "timeout" in happening:
            await _wait_or_leave(receive, 3600 if happening["timeout"] is None else happening["timeout"])
            await _send(send, WireReply(b"{}"), breaks=True)
            return
        if "slow" in happening:
            await _wait_or_leave(receive, 2 if happening["slow"] is None else happening["slow"])
        reply = _refusal(view, happening)
        if reply is None:
            answer = view.answer(request)
            reply = (
                self._rendered(answer, platform, target, wanted_faults) if isinstance(answer, ListAnswer) else answer
            )
        if "truncated" in happening:
            reply = WireReply(reply.body[: len(reply.body) // 2], reply.status, reply.content_type, reply.headers)
        await _send(send, reply, breaks="reset" in happening, head=request.method == "HEAD")

    def _rendered(self, answer: ListAnswer, platform: str, target: str, wanted_faults: list[Fault]) -> WireReply:
        names = [fault.fault for fault in wanted_faults if fault.fault not in CONNECTION_FAULTS]
        if self.faults.planned:
            playable = _playable(answer)
            names += [fault.fault for fault in self.faults.happening(platform, target, playable)]
        return reply_with_faults(answer, names) if names else answer.reply()

    def _own_page(self, method: str, path: str, body: bytes, headers: dict[bytes, bytes]) -> WireReply:
        """The sandbox's own pages: the index, its health, and the planned faults."""
        if path == "/health":
            return json_reply({"status": "ok"})
        if path == "/":
            return self._index(headers)
        if path != "/_faults":
            return json_reply({"error": f"nothing at {path}: platforms are {', '.join(view_names())}"}, 404)
        if method == "POST":
            try:
                self.faults.planned.append(read_fault(orjson.loads(body)))
            except orjson.JSONDecodeError:
                return json_reply({"error": "the body is not JSON"}, 400)
            except SandboxError as error:
                return json_reply({"error": str(error)}, 400)
        elif method == "DELETE":
            self.faults.planned.clear()
        known = {name: sorted(playable_faults(name)) for name in view_names()}
        return json_reply({"faults": [fault.as_json() for fault in self.faults.planned], "known": known})

    def _index(self, headers: dict[bytes, bytes]) -> WireReply:
        city, base = self.city(), f"http://{headers.get(b'host', b'').decode('latin-1')}"
        archives = [f"{name}{ARCHIVE_SUFFIX}" for name in view_names() if view_class(name).has_archive]
        platforms = {name: f"{base}/{name}" for name in (*view_names(), *archives)}
        return json_reply({"platforms": platforms, "places": city.size, "today": city.today.isoformat()})


def _playable(answer: ListAnswer) -> set[str]:
    """The list faults that can happen to this answer; the others happen to a later request."""
    common = {"retyped", "unknown-field"}
    if not answer.is_record:
        common |= {"empty", "half", "duplicates", "repeated-page", "shuffled", "endless-cursor"}
    return common | set(answer.special)


def _wanted_faults(platform: str, request: WireRequest) -> list[Fault]:
    """The faults that the request itself asks for, by header or by query parameter."""
    names = [*request.query.pop("_fault", ()), request.header(b"x-sandbox-fault")]
    wanted_faults = []
    for name in filter(None, names):
        fault, _, value = name.partition("=")
        check_fault(platform, fault)
        try:
            wanted_faults.append(Fault(platform, fault, value=float(value) if value else None))
        except ValueError:
            raise SandboxError(f"fault {name!r}: value {value!r} is not a number") from None
    return wanted_faults


def _refusal(view: PlatformView, happening: dict[str, float | None]) -> WireReply | None:
    """The reply of a fault that replaces the platform's own answer, or None where none is happening."""
    if "429-retry-after" in happening:
        seconds = happening["429-retry-after"]
        refused = view.refuse(429, "too many requests")
        wait = (b"retry-after", f"{1 if seconds is None else seconds:g}".encode())
        return WireReply(refused.body, refused.status, refused.content_type, (*refused.headers, wait))
    for status, message in ((429, "too many requests"), (500, "internal error"), (401, "credentials refused")):
        if str(status) in happening:
            return view.refuse(status, message)
    if "error-in-200" in happening:
        return view.fail_inside_200()
    if "html" in happening:
        return WireReply(BOT_WALL, 200, "text/html; charset=utf-8")
    return None


async def _send(send: Send, reply: WireReply, *, breaks: bool = False, head: bool = False) -> None:
    """Sends the reply; `breaks` stops halfway, and the server then closes the connection."""
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
