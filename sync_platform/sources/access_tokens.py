"""Access tokens of a platform that exchanges single-use refresh tokens for them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from sync_platform.errors import AuthenticationFailed, Refused, SyncError
from sync_platform.sources.extraction import Extraction

T = TypeVar("T")
REFRESH_AHEAD_S = 60
SECRET = "refresh_token"  # noqa: S105 - the name of a secret, not its value


@dataclass(frozen=True)
class TokenPair:
    """An access token, the refresh token for the next one, and the seconds for which the access token is valid."""

    access: str
    refresh: str
    valid_s: float


class AccessTokens:
    """The access token of one extraction, refreshed once for all calls that find it expired.

    `exchange` returns new tokens for a refresh token. It raises AuthenticationFailed or Refused if the platform refuses
    that token.
    """

    def __init__(self, extraction: Extraction, exchange: Callable[[str], Awaitable[TokenPair]]) -> None:
        self._extraction, self._exchange = extraction, exchange
        self._refreshing = asyncio.Lock()
        self._access: str | None = None
        self._expires_at = 0.0

    async def call(self, send: Callable[[str], Awaitable[T]]) -> T:
        """What `send` returns with an access token. A refused token is refreshed once; a second refusal is raised."""
        token = await self._valid_token()
        try:
            return await send(token)
        except AuthenticationFailed:
            if self._access == token:
                self._access = None
        return await send(await self._valid_token())

    async def _valid_token(self) -> str:
        async with self._refreshing:
            if self._access is None or time.monotonic() > self._expires_at:
                self._access = await self._refresh()
            return self._access

    async def _refresh(self) -> str:
        """A new access token, for the last refresh token received or, if that is refused, for the configured one.

        The next refresh token is stored before the access token is used.
        """
        known = [self._extraction.secrets.read(SECRET), self._extraction.credentials["refresh_token"]]
        refused: SyncError | None = None
        for refresh_token in dict.fromkeys(filter(None, known)):
            try:
                tokens = await self._exchange(refresh_token)
            except (AuthenticationFailed, Refused) as error:
                refused = error
                continue
            self._extraction.secrets.write(SECRET, tokens.refresh)
            self._expires_at = time.monotonic() + max(0.0, tokens.valid_s - REFRESH_AHEAD_S)
            return tokens.access
        platform, name = self._extraction.client.platform, self._extraction.client.platform.upper()
        settings = f"{name}_APP_ID, {name}_APP_SECRET and {name}_REFRESH_TOKEN"
        raise AuthenticationFailed(f"{platform}: no access token: check {settings} ({refused})")
