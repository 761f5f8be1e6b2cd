"""The ASGI app: all routes, and around them what every request passes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import httpx
import sqlalchemy as sa
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from sync_platform.api.context import ApiContext
from sync_platform.api.router import PREFIX, api_router
from sync_platform.errors import MadeByNewer, StorageError
from sync_platform.monitoring.installation_state import WaitingRun
from sync_platform.permissions.action import Action
from sync_platform.permissions.actor import Actor
from sync_platform.permissions.session_store import SessionStore
from sync_platform.permissions.token_store import TokenStore
from sync_platform.server.access_log import AccessLog
from sync_platform.server.access_table import AccessTable, load_access_table
from sync_platform.server.address import allowed_hosts, allowed_origins
from sync_platform.server.api_document import api_document_routes
from sync_platform.server.gate import CHECK_AGAIN_S, Gate
from sync_platform.server.head_requests import HeadAsGet
from sync_platform.server.login_routes import LoginRoutes
from sync_platform.server.oidc_provider import OidcProvider
from sync_platform.server.oidc_routes import OidcRoutes
from sync_platform.server.page_routes import PageRoutes
from sync_platform.server.refusal import refusal, refusal_of
from sync_platform.server.refusal_pages import RefusalPages
from sync_platform.server.request_limits import RequestLimits
from sync_platform.server.response_headers import ResponseHeaders
from sync_platform.server.state_routes import StateRoutes
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog

logger = logging.getLogger(__name__)
DAGSTER_PREFIX = "/dagster"
UPGRADED = "a newer version of this program has migrated what is stored: this server is replaced, try again in a minute"
DagsterApp = Callable[[AccessTable, AccessLog], ASGIApp]
"""Makes Dagster's UI and GraphQL with a guard by the table, which writes denials and changes into the log."""


@dataclass(frozen=True)
class ServerParts:
    """What the app is made of: the settings, the ledger, and what it knows of Dagster.

    `waiting_runs` and `progress_of`: as the API's context has them. `problems`: what is not ready now. `warnings`: what
    the server does without now. `check_again_s`: how often open connections are checked. `oidc_transport`: of requests
    to the login provider; None: the network.
    """

    settings: Settings
    ledger: sa.Engine
    dagster: DagsterApp
    waiting_runs: Callable[[], Sequence[WaitingRun]]
    progress_of: Callable[[list[str]], Mapping[str, str]]
    problems: Callable[[], Sequence[str]]
    warnings: Callable[[], Sequence[str]] = tuple
    check_again_s: float = CHECK_AGAIN_S
    oidc_transport: httpx.BaseTransport | None = None


def application(parts: ServerParts) -> ASGIApp:
    """The app behind its gate; `routes_of` is what is behind it."""
    settings, table = parts.settings, load_access_table()
    log = AccessLog(AuditLog(settings.ledger_url))
    tokens = TokenStore(parts.ledger)
    sessions = SessionStore(parts.ledger, timedelta(hours=settings.session_hours))
    routes = HeadAsGet(routes_of(parts, table, sessions, log), PREFIX)
    gate = Gate(routes, table, tokens, sessions, log, parts.ledger, allowed_origins(settings), parts.check_again_s)
    limited = RequestLimits(gate, allowed_hosts(settings))
    return ResponseHeaders(RefusalPages(limited, PREFIX, DAGSTER_PREFIX), DAGSTER_PREFIX)


def routes_of(parts: ServerParts, table: AccessTable, sessions: SessionStore, log: AccessLog) -> FastAPI:
    """All routes, without the gate."""
    app = FastAPI(openapi_url=None)
    settings = parts.settings
    provider = urlsplit(settings.oidc_issuer).hostname or ""
    login = LoginRoutes(parts.ledger, sessions, log, settings.password_login, provider)
    if provider:
        app.router.routes += OidcRoutes(OidcProvider(settings, parts.oidc_transport), login).routes()
    api = _api_context(parts, log)

    def problems() -> list[str]:
        return [*parts.problems(), *(["the first answers are being prepared"] if api.is_preparing.is_set() else [])]

    state = StateRoutes(settings, problems, parts.warnings, parts.waiting_runs)
    pages = PageRoutes(settings, parts.waiting_runs, log)
    app.router.routes += [*login.routes(), *state.routes(), *api_document_routes(), *pages.routes()]
    app.include_router(api_router(api))
    app.add_route(DAGSTER_PREFIX, lambda _: RedirectResponse(f"{DAGSTER_PREFIX}/"), methods=["GET"])
    app.mount(DAGSTER_PREFIX, parts.dagster(table, log))
    app.add_exception_handler(StorageError, _storage_failed)
    app.add_exception_handler(HTTPException, refusal_of)
    return app


def _api_context(parts: ServerParts, log: AccessLog) -> ApiContext:
    def note_denial(actor: Actor, action: Action, resource: str) -> None:
        log.denied(actor, actor.address, f"{action} {resource}".strip(), "role")

    return ApiContext(
        parts.settings, waiting_runs=parts.waiting_runs, note_denial=note_denial, progress_of=parts.progress_of
    )


async def _storage_failed(_: Request, error: Exception) -> Response:
    logger.error("a request failed: %s", error)
    if isinstance(error, MadeByNewer):
        return refusal(503, UPGRADED, {"Retry-After": "10"})
    return refusal(503, "stored data cannot be used now: see the log of the server")
