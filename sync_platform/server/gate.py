"""The gate: every request and every websocket passes it, and it decides who is asking and what the route needs.

It is ASGI middleware, since a dependency of a route would neither see websockets nor mounted apps.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import TypeVar
from urllib.parse import quote

import anyio
import sqlalchemy as sa
from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sync_platform.errors import StorageError
from sync_platform.permissions.actor import Actor
from sync_platform.permissions.session_store import SessionStore
from sync_platform.permissions.token_store import TokenStore
from sync_platform.server.access_log import AccessLog
from sync_platform.server.access_table import ANYBODY, WEBSOCKET, AccessTable, is_open_to
from sync_platform.server.credentials import Credentials, address_of, credentials_of
from sync_platform.server.refusal import POLICY_VIOLATION, refusal, refuse, too_many
from sync_platform.server.shared_checks import SharedChecks
from sync_platform.server.shared_rate_limit import SharedRateLimit

logger = logging.getLogger(__name__)
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
CHECK_AGAIN_S = 5.0
"""How often it is checked whether the session of an open connection is still valid."""
FEWEST_THREADS = 8
COUNTED = "start-emergency"
"""The action that each actor may ask for only so often."""
WRONG_REQUESTS = frozenset({400, 404, 409, 413, 415, 422})
"""The statuses of requests that are malformed, or ask for what does not exist."""
T = TypeVar("T")


class Gate:
    """Decides about each request before any route sees it. The actor is in `request.state.actor` from here on.

    `ledger`: has what its limits count. `origins`: the values of the header Origin of our own pages.
    """

    def __init__(
        self,
        app: ASGIApp,
        table: AccessTable,
        tokens: TokenStore,
        sessions: SessionStore,
        log: AccessLog,
        ledger: sa.Engine,
        origins: Collection[str],
        check_again_s: float = CHECK_AGAIN_S,
    ) -> None:
        self._app, self._table, self._tokens, self._sessions = app, table, tokens, sessions
        self._log, self._origins, self._check_again_s = log, origins, check_again_s
        self._wrong_credentials = SharedRateLimit(ledger, "wrong credentials", 20, per_s=60)
        self._emergencies = SharedRateLimit(ledger, "emergency requests", 10, per_s=60)
        self._threads: anyio.CapacityLimiter | None = None
        self._actors = SharedChecks(self._actor_of)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        request = HTTPConnection(scope)
        credentials = credentials_of(request)
        try:
            actor, refused = await self._decide(request, credentials)
        except StorageError as error:
            logger.error("a request is refused: %s", error)
            refused, actor = refusal(503, "the ledger cannot be used: see the log of the server"), None
        scope.setdefault("state", {})["actor"] = actor
        if refused is not None:
            await refuse(scope, receive, send, refused)
            return
        if actor is not None and _method(request) in (WEBSOCKET, "GET"):
            await self._run_while_unchanged(scope, receive, send, credentials)
        elif actor is not None and self._table.of_route(_method(request), scope["path"]) == COUNTED:
            await self._run_counted(scope, receive, send, actor)
        else:
            await self._app(scope, receive, send)

    async def _decide(self, request: HTTPConnection, credentials: Credentials) -> tuple[Actor | None, Response | None]:
        """The actor, and the refusal if the request is refused."""
        method, path, address = _method(request), request.scope["path"], address_of(request)
        needs = self._table.of_route(method, path)
        if needs == ANYBODY:
            return None, await self._refused_origin(request, None)
        actor = await self._actors.answer((credentials, address))
        if actor is None:
            return None, await self._unauthenticated(request, credentials, address)
        if credentials.session and (refused := await self._refused_origin(request, actor)):
            return actor, refused
        if needs is None:
            return actor, self._not_listed(path)
        if not is_open_to(needs, actor):
            await self._in_thread(lambda: self._log.denied(actor, address, f"{method} {path}", "role"))
            return actor, refusal(403, f"this is not allowed for {actor.name} ({', '.join(sorted(actor.roles))})")
        if needs == COUNTED:
            wait_s = await self._in_thread(lambda: self._emergencies.wait_s(actor.name))
            return actor, too_many(wait_s) if wait_s else None
        return actor, None

    def _not_listed(self, path: str) -> Response:
        """The refusal of a method and a path that no route has together."""
        methods = self._table.methods_of(path)
        if not methods:
            return refusal(404, "there is nothing at this address")
        return refusal(405, "this method is not possible here", {"Allow": ", ".join(methods)})

    async def _unauthenticated(self, request: HTTPConnection, credentials: Credentials, address: str) -> Response:
        if not credentials.are_missing:
            if wait_s := await self._in_thread(lambda: self._wrong_credentials.wait_s(address)):
                return too_many(wait_s)
            kind = "token" if credentials.token else "session"
            what = f"{_method(request)} {request.scope['path']}"
            await self._in_thread(lambda: self._log.denied(None, address, what, f"{kind} not valid"))
        if _method(request) == "GET" and "text/html" in request.headers.get("accept", ""):
            target = request.scope["path"] + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(target, safe='/')}", 303)
        return refusal(401, "log in, or send a token", {"WWW-Authenticate": 'Bearer realm="sync-platform"'})

    async def _refused_origin(self, request: HTTPConnection, actor: Actor | None) -> Response | None:
        """The refusal of a change or a websocket that a page of another site asks for in a person's name (CSRF)."""
        method = _method(request)
        if method in SAFE_METHODS or request.headers.get("origin") in self._origins:
            return None
        address = address_of(request)
        if wait_s := await self._in_thread(lambda: self._wrong_credentials.wait_s(address)):
            return too_many(wait_s)
        await self._in_thread(lambda: self._log.denied(actor, address, f"{method} {request.scope['path']}", "origin"))
        return refusal(403, "the request does not come from a page of this server")

    async def _run_counted(self, scope: Scope, receive: Receive, send: Send, actor: Actor) -> None:
        """Run the app for a request that counts. One that turns out to be wrong does not: nothing was asked for."""

        async def send_after_count(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] in WRONG_REQUESTS:
                with suppress(StorageError):
                    await self._in_thread(lambda: self._emergencies.give_back(actor.name))
            await send(message)

        await self._app(scope, receive, send_after_count)

    async def _run_while_unchanged(self, scope: Scope, receive: Receive, send: Send, credentials: Credentials) -> None:
        """Run the app for a connection that may stay open, such as a stream of events or a large download.

        It ends when its actor is nobody any more, or has other roles.
        """
        first, address = scope["state"]["actor"], address_of(HTTPConnection(scope))
        answer = asyncio.ensure_future(self._app(scope, receive, send))
        try:
            while not (await asyncio.wait({answer}, timeout=self._check_again_s))[0]:
                if await self._actors.answer((credentials, address)) != first:
                    answer.cancel()
                    await asyncio.wait({answer})
                    if scope["type"] == "websocket":
                        await send({"type": "websocket.close", "code": POLICY_VIOLATION})
                    return
            await answer
        finally:
            answer.cancel()

    async def _actor_of(self, credentials_and_address: tuple[Credentials, str]) -> Actor | None:
        """The actor with these credentials at this network address."""
        credentials, address = credentials_and_address
        return await self._in_thread(lambda: credentials.actor(self._tokens, self._sessions, address))

    async def _in_thread(self, function: Callable[[], T]) -> T:
        """Run a function that waits for the ledger in a thread of the gate, which no slow query of Dagster can take."""
        if self._threads is None:
            self._threads = anyio.CapacityLimiter(FEWEST_THREADS)
        return await anyio.to_thread.run_sync(function, limiter=self._threads)


def _method(request: HTTPConnection) -> str:
    return WEBSOCKET if request.scope["type"] == "websocket" else str(request.scope["method"])
