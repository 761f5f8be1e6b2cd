"""Headers that every answer has, so that browsers neither guess its type nor frame it."""

from __future__ import annotations

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

OWN_CONTENT = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The Content-Security-Policy of our own answers: nothing from elsewhere, and no scripts or styles inside a page."""
OF_DAGSTER = "frame-ancestors 'none'; object-src 'none'"
"""Added to Dagster's own policy. A page keeps every policy that it is sent, so this one only narrows."""
EVERYWHERE = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PUBLIC_FILES = ("_next/", "vendor/", "favicon", "manifest.json", "robots.txt")
"""What Dagster's package has for everybody: browsers may keep it."""
ONE_YEAR_S = 365 * 24 * 3600


class ResponseHeaders:
    """ASGI middleware that adds the headers. `dagster_prefix`: the path below which Dagster answers."""

    def __init__(self, app: ASGIApp, dagster_prefix: str) -> None:
        self._app, self._dagster_prefix = app, dagster_prefix
        self._public_files = tuple(f"{dagster_prefix}/{name}" for name in PUBLIC_FILES)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(scope, MutableHeaders(scope=message))
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, scope: Scope, headers: MutableHeaders) -> None:
        for name, value in EVERYWHERE.items():
            headers[name] = value
        if scope["path"].startswith(self._dagster_prefix):
            headers.append("Content-Security-Policy", OF_DAGSTER)
        else:
            headers.setdefault("Content-Security-Policy", OWN_CONTENT)
        if not scope["path"].startswith(self._public_files):
            headers.setdefault("Cache-Control", "no-store")
        if scope["scheme"] == "https":
            headers["Strict-Transport-Security"] = f"max-age={ONE_YEAR_S}"
