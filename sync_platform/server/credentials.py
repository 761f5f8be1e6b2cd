"""Who sends a request: by the token in its header Authorization, or by the session in its cookie."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import HTTPConnection

from sync_platform.permissions.actor import Actor
from sync_platform.permissions.session_store import SessionStore
from sync_platform.permissions.token_store import TokenStore

SECURE_COOKIE, LOCAL_COOKIE = "__Host-sync_session", "sync_session"
"""The cookie's name over https, and over http on loopback, where some browsers store no Secure cookie."""


@dataclass(frozen=True)
class Credentials:
    """What a request shows to say who sends it. `session` comes by itself with a request of a browser."""

    token: str = ""
    session: str = ""

    @property
    def are_missing(self) -> bool:
        return not self.token and not self.session

    def actor(self, tokens: TokenStore, sessions: SessionStore, address: str) -> Actor | None:
        """The actor now; None if the token or the session is not valid (any more). A token counts before a session."""
        if self.token:
            return tokens.actor_of(self.token, address)
        return sessions.actor_of(self.session, address) if self.session else None


def credentials_of(request: HTTPConnection) -> Credentials:
    """The credentials of a request. A header Authorization of another kind than Bearer is a wrong token."""
    authorization = request.headers.get("authorization")
    if authorization is not None:
        kind, _, token = authorization.partition(" ")
        return Credentials(token=token.strip() if kind.lower() == "bearer" and token.strip() else "no bearer token")
    return Credentials(session=request.cookies.get(cookie_name(request), ""))


def cookie_name(request: HTTPConnection) -> str:
    """The name of the session's cookie on this connection."""
    return SECURE_COOKIE if is_encrypted(request) else LOCAL_COOKIE


def is_encrypted(request: HTTPConnection) -> bool:
    return request.url.scheme in ("https", "wss")


def address_of(request: HTTPConnection) -> str:
    """The network address of the client; uvicorn takes it from X-Forwarded-For for the proxies of the settings."""
    return request.client.host if request.client else ""
