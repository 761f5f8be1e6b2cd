"""The routes of a login with an OpenID Connect provider: to the provider, and back."""

from __future__ import annotations

import hmac
import logging
from dataclasses import dataclass
from urllib.parse import quote, unquote

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sync_platform.errors import AuthenticationFailed, UsageError
from sync_platform.server.credentials import address_of, is_encrypted
from sync_platform.server.login_routes import LoginRoutes, local_path
from sync_platform.server.oidc_provider import CALLBACK, LoginAttempt, OidcProvider
from sync_platform.server.refusal import too_many

logger = logging.getLogger(__name__)
LASTS_S = 600
"""How long a person may take at the provider."""


@dataclass(frozen=True)
class OidcRoutes:
    """Login with a provider. Only users of ours (`user add`) get in; their roles are ours too."""

    provider: OidcProvider
    login: LoginRoutes

    def routes(self) -> list[Route]:
        return [
            Route("/login/oidc", self.leave, methods=["GET"]),
            Route(CALLBACK, self.come_back, methods=["GET"]),
        ]

    async def leave(self, request: Request) -> Response:
        """Lead to the provider. A cookie keeps what the way back must prove."""
        attempt = LoginAttempt.new()
        try:
            url = await run_in_threadpool(self.provider.login_url, attempt)
        except AuthenticationFailed as error:
            return self._failed(error, "The login provider cannot be reached.")
        answer = RedirectResponse(url, 303)
        target = local_path(request.query_params.get("next", ""))
        answer.set_cookie(
            _cookie(request),
            f"{attempt.text}.{quote(target, safe='')}",
            max_age=LASTS_S,
            secure=is_encrypted(request),
            httponly=True,
            samesite="lax",
        )
        return answer

    async def come_back(self, request: Request) -> Response:
        """Begin a session of the user whose name the provider proves."""
        address = address_of(request)
        if wait_s := await run_in_threadpool(self.login.wait_s, address):
            return too_many(wait_s)
        stored_attempt, _, target = request.cookies.get(_cookie(request), "").rpartition(".")
        attempt, query = LoginAttempt.parse(stored_attempt), request.query_params
        if attempt is None or not hmac.compare_digest(attempt.state.encode(), query.get("state", "").encode()):
            return await self._denied(address, "This login was not begun in this browser, or too long ago: try again.")
        try:
            name = await run_in_threadpool(self.provider.name_of, query.get("code", ""), attempt)
            await run_in_threadpool(self.login.users.find, name)
        except AuthenticationFailed as error:
            logger.warning("a login failed: %s", error)
            return await self._denied(address, "The login provider did not confirm who you are.")
        except UsageError:
            return await self._denied(address, "You are not a user here: ask an admin to add you.")
        answer = await self.login.begin_session(request, name, "oidc", local_path(unquote(target)))
        answer.delete_cookie(_cookie(request), secure=is_encrypted(request), httponly=True, samesite="lax")
        return answer

    async def _denied(self, address: str, problem: str) -> Response:
        await run_in_threadpool(self.login.log.denied, None, address, f"GET {CALLBACK}", "wrong oidc login")
        return self.login.page("/", problem=problem, status=401)

    def _failed(self, error: Exception, problem: str) -> Response:
        logger.error("%s", error)
        return self.login.page("/", problem=problem, status=503)


def _cookie(request: Request) -> str:
    return "__Host-sync_oidc" if is_encrypted(request) else "sync_oidc"
