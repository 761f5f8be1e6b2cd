"""The routes of login and logout: a link's code or a password becomes a session, a logout ends it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import parse_qsl

import sqlalchemy as sa
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sync_platform.permissions.session_store import SessionStore
from sync_platform.permissions.user_store import UserStore
from sync_platform.server.access_log import AccessLog
from sync_platform.server.credentials import address_of, cookie_name, credentials_of, is_encrypted
from sync_platform.server.login_page import login_page
from sync_platform.server.refusal import refusal, too_many
from sync_platform.server.shared_rate_limit import SharedRateLimit

FORM = "application/x-www-form-urlencoded"
START = "/"
"""Where a login leads if it was not asked for by another page."""


@dataclass(frozen=True)
class LoginRoutes:
    """Login and logout. Tries are limited, by address and in all: each hashes a password, which is slow on purpose."""

    ledger: sa.Engine
    sessions: SessionStore
    log: AccessLog
    has_passwords: bool
    oidc_name: str = ""

    @cached_property
    def users(self) -> UserStore:
        return UserStore(self.ledger)

    @cached_property
    def _limits(self) -> tuple[SharedRateLimit, SharedRateLimit]:
        by_address = SharedRateLimit(self.ledger, "logins of an address", 10, per_s=60)
        return by_address, SharedRateLimit(self.ledger, "logins", 100, per_s=60)

    def routes(self) -> list[Route]:
        return [
            Route("/login", self.show, methods=["GET"]),
            Route("/login", self.log_in, methods=["POST"]),
            Route("/logout", self.log_out, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        """The login page; a login link opens it with its code."""
        target = local_path(request.query_params.get("next", ""))
        return self.page(target, code=request.query_params.get("code", ""))

    async def log_in(self, request: Request) -> Response:
        """Begin a session, and lead to the page that was asked for."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
            return refusal(415, f"a form is sent as {FORM}")
        address = address_of(request)
        if wait_s := await run_in_threadpool(self.wait_s, address):
            return too_many(wait_s)
        form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
        target = local_path(form.get("next", ""))
        user, how = await run_in_threadpool(self._user_of, form)
        if user is None:
            await run_in_threadpool(self.log.denied, None, address, "POST /login", f"wrong {how}")
            problem = "The link was used already, or is too old." if how == "link" else "The name or password is wrong."
            return self.page(target, problem=problem, status=401)
        return await self.begin_session(request, user, how, target)

    async def begin_session(self, request: Request, user: str, how: str, target: str) -> Response:
        """The answer that begins a session of a user, which is on record before."""
        await run_in_threadpool(self.log.logged_in, user, address_of(request), how)
        await run_in_threadpool(self.sessions.end, credentials_of(request).session)
        secret = await run_in_threadpool(self.sessions.begin, user)
        answer = RedirectResponse(target, 303)
        answer.set_cookie(
            cookie_name(request),
            secret,
            max_age=int(self.sessions.lifetime.total_seconds()),
            secure=is_encrypted(request),
            httponly=True,
            samesite="lax",
        )
        return answer

    async def log_out(self, request: Request) -> Response:
        """End the session of this browser."""
        await run_in_threadpool(self.log.logged_out, request.state.actor)
        await run_in_threadpool(self.sessions.end, credentials_of(request).session)
        answer = RedirectResponse("/login", 303)
        answer.delete_cookie(cookie_name(request), secure=is_encrypted(request), httponly=True, samesite="lax")
        return answer

    def wait_s(self, address: str) -> float:
        """0, or the seconds until somebody at this address may try again."""
        by_address, in_all = self._limits
        return by_address.wait_s(address) or in_all.wait_s("")

    def _user_of(self, form: Mapping[str, str]) -> tuple[str | None, str]:
        """The user who logs in, None if it is nobody, and how."""
        if "code" in form:
            return self.sessions.use_link(form["code"]), "link"
        name = form.get("user", "")
        is_right = self.has_passwords and self.users.is_password_of(name, form.get("password", ""))
        return (name if is_right else None), "password"

    def page(self, target: str, *, code: str = "", problem: str = "", status: int = 200) -> Response:
        """The login page, with why a try failed."""
        return login_page(
            target,
            code=code,
            has_passwords=self.has_passwords,
            oidc_name=self.oidc_name,
            problem=problem,
            status=status,
        )


def local_path(target: str) -> str:
    """The path if it leads to this server, else the start page: a login must not send people elsewhere.

    Browsers read `//host`, `/\\host`, and either with tabs or line ends in it, as another server.
    """
    is_local = target.startswith("/") and target.isprintable() and "\\" not in target and not target.startswith("//")
    return target if is_local else START
