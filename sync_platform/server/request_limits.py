"""Limits of every request: its host, the length of its address and its headers, its body and the time to send it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync_platform.server.refusal import refusal, refuse

LONGEST_ADDRESS = 8192
"""In bytes, of the path with its query."""
LARGEST_HEADERS = 32 * 1024
"""In bytes."""
LARGEST_BODY = 1024 * 1024
"""In bytes."""
OF_ANY_HOST = ("/healthz", "/readyz")
"""Probes ask by the address of a container, and learn nothing that is worth a protection."""
BODY_WITHIN_S = 30.0
"""A body must have arrived after this time."""


class BodyRefused(HTTPException):
    """The body is too large, or takes too long to arrive: an error that the apps behind answer in their own form.

    The connection ends with the answer, since the rest of the body is not read.
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(status, message, {"Connection": "close"})


class RequestLimits:
    """ASGI middleware. `hosts`: the values of the header Host that are answered.

    An unknown host is refused, since a page of a stranger's name that resolves to our address (DNS rebinding) would be
    of our own origin to a browser.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str], body_within_s: float = BODY_WITHIN_S) -> None:
        self._app, self._body_within_s = app, body_within_s
        self._hosts = [[host] for host in hosts]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        if scope["path"] not in OF_ANY_HOST and [each.lower() for each in headers.getlist("host")] not in self._hosts:
            await refuse(scope, receive, send, refusal(421, "this server has another address: see SERVE_URL"))
        elif len(scope.get("raw_path") or scope["path"]) + len(scope["query_string"]) > LONGEST_ADDRESS:
            await refuse(scope, receive, send, refusal(414, f"the address has more than {LONGEST_ADDRESS} bytes"))
        elif sum(len(name) + len(value) for name, value in scope["headers"]) > LARGEST_HEADERS:
            await refuse(scope, receive, send, refusal(431, f"the headers have more than {LARGEST_HEADERS} bytes"))
        elif scope["type"] == "websocket":
            await self._app(scope, receive, send)
        else:
            await self._within_limits(scope, receive, send)

    async def _within_limits(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, _limited(receive, self._body_within_s), send)
        except BodyRefused as error:  # nothing is answered yet: an app reads the body before it answers
            await refusal(error.status_code, error.detail, dict(error.headers or {}))(scope, receive, send)


def _limited(receive: Receive, within_s: float) -> Receive:
    size, is_whole = 0, False
    end = asyncio.get_running_loop().time() + within_s

    async def limited() -> Message:
        nonlocal size, is_whole
        if is_whole:  # after the body, the only thing that can arrive is the end of the connection
            return await receive()
        try:
            async with asyncio.timeout_at(end):
                message = await receive()
        except TimeoutError:
            raise BodyRefused(408, f"the body did not arrive within {within_s:.0f} s") from None
        size += len(message.get("body", b""))
        if size > LARGEST_BODY:
            raise BodyRefused(413, f"the body has more than {LARGEST_BODY} bytes")
        is_whole = not message.get("more_body", False)
        return message

    return limited
