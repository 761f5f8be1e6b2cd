"""Refusals as pages: a browser of a person that asks for a page gets one, and programs get JSON."""

from __future__ import annotations

import secrets

import orjson
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync_platform.server.pages.refusal_page import refusal_page

METHODS = ("GET", "POST")
JSON = "application/json"
POLICY = "default-src 'none'; style-src 'nonce-{}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


class RefusalPages:
    """ASGI middleware that replaces a refusal by a page where the header Accept names HTML.

    `of_programs`: the beginnings of paths whose answers stay as they are.
    """

    def __init__(self, app: ASGIApp, *of_programs: str) -> None:
        self._app, self._of_programs = app, of_programs

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] not in METHODS or not self._is_of_person(scope):
            await self._app(scope, receive, send)
            return
        refused: Message | None = None
        body = b""

        async def send_page(message: Message) -> None:
            nonlocal refused, body
            if message["type"] == "http.response.start" and _is_refusal(message):
                refused = message
            elif refused is None:
                await send(message)
            else:
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    await _send_page(scope, refused, body, send)

        await self._app(scope, receive, send_page)

    def _is_of_person(self, scope: Scope) -> bool:
        return "text/html" in Headers(scope=scope).get("accept", "") and not scope["path"].startswith(self._of_programs)


def _is_refusal(start: Message) -> bool:
    return bool(start["status"] >= 400 and MutableHeaders(scope=start).get("content-type") == JSON)


async def _send_page(scope: Scope, start: Message, body: bytes, send: Send) -> None:
    """Send the page of a refusal; an answer of another form, such as that of `/readyz`, as it is."""
    document = orjson.loads(body)
    if isinstance(document, dict) and "error" in document:
        actor, nonce = scope.get("state", {}).get("actor"), secrets.token_urlsafe(16)
        user = actor.name if actor else ""
        body = refusal_page(start["status"], document["error"]["message"], nonce=nonce, user=user).encode()
        headers = MutableHeaders(scope=start)
        headers["Content-Type"], headers["Content-Length"] = "text/html; charset=utf-8", str(len(body))
        headers["Content-Security-Policy"] = POLICY.format(nonce)
    await send(start)
    await send({"type": "http.response.body", "body": body})
