"""Access tokens of a platform that exchanges single-use refresh tokens for them.

A refresh token is recorded before it is sent. If no usable answer comes (a lost connection, a killed process), the
platform may have used it up, and a second use can make it revoke every token that came from it. Such a token is never
sent again: a person must authorise again.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import TypeVar

import msgspec

from sync_platform.documents.local_time import local_time
from sync_platform.errors import AuthenticationFailed, Busy, Refused, SyncError, TokenInDoubt, may_have_taken_effect
from sync_platform.sources.extraction import Extraction

T = TypeVar("T")
REFRESH_AHEAD_S = 60
SECRET = "refresh_token"  # noqa: S105 - the name of a secret, not its value
EXCHANGE = "refresh_token_exchange"


@dataclass(frozen=True)
class TokenPair:
    """An access token, the refresh token for the next one, and the seconds for which the access token is valid.

    `valid_s`: None where the platform does not say; the access token is then used until it is refused.
    """

    access: str
    refresh: str
    valid_s: float | None


class ExchangeRecord(msgspec.Struct, frozen=True):
    """What is recorded of the exchanges of refresh tokens, as SHA-256 digests in hexadecimal.

    `sent`: the token that was sent and not answered yet; empty if none is. `sent_at`: when, in UTC. `configured`: the
    token of the settings that was sent last; the stored token came from it.
    """

    sent: str = ""
    sent_at: datetime = datetime.min
    configured: str = ""


class AccessTokens:
    """The access token of one extraction, refreshed once for all calls that find it expired.

    `exchange` returns new tokens for a refresh token, and sends it at most once, unless it surely had no effect. It
    raises AuthenticationFailed or Refused if the platform refuses that token.
    """

    def __init__(self, extraction: Extraction, exchange: Callable[[str], Awaitable[TokenPair]]) -> None:
        self._platform, self._secrets = extraction.client.platform, extraction.secrets
        self._configured = extraction.credentials["refresh_token"]
        self._exchange = exchange
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
        """A new access token; TokenInDoubt where each known refresh token may be used up."""
        refused: SyncError | None = None
        for refresh_token in self._known_tokens():
            try:
                return await self._exchanged(refresh_token)
            except TokenInDoubt:
                raise
            except (AuthenticationFailed, Refused) as error:
                refused = error
        record = self._record()
        if refused is None and record.sent:
            raise self._in_doubt(record)
        name = self._platform.upper()
        settings = f"{name}_APP_ID, {name}_APP_SECRET and {name}_REFRESH_TOKEN"
        raise AuthenticationFailed(f"{self._platform}: no access token: check {settings} ({refused or 'none is set'})")

    def _known_tokens(self) -> Iterator[str]:
        """The refresh tokens that may be sent, in the order in which to try them.

        A token that a person has newly configured comes first. A configured token that was sent before is used up.
        """
        record, stored, configured = self._record(), self._secrets.read(SECRET), self._configured
        known = [stored, configured]
        if stored and record.configured:
            known = [stored] if record.configured == _digest(configured) else [configured, stored]
        yield from (token for token in dict.fromkeys(filter(None, known)) if _digest(token) != record.sent)

    async def _exchanged(self, refresh_token: str) -> str:
        """The access token for a refresh token. The next refresh token is stored before the access token is used."""
        before = self._secrets.read(EXCHANGE)
        record = self._mark_sent(before, refresh_token)
        try:
            tokens = await self._exchange(refresh_token)
        except SyncError as error:
            if may_have_taken_effect(error):
                raise self._in_doubt(record, str(error)) from error
            self._secrets.write(EXCHANGE, before or _written(ExchangeRecord()))
            raise
        self._secrets.write(SECRET, tokens.refresh)
        self._secrets.write(EXCHANGE, _written(ExchangeRecord(configured=record.configured)))
        if tokens.valid_s is None:
            self._expires_at = math.inf
        else:
            self._expires_at = time.monotonic() + max(tokens.valid_s - REFRESH_AHEAD_S, tokens.valid_s / 2)
        return tokens.access

    def _mark_sent(self, before: str | None, refresh_token: str) -> ExchangeRecord:
        """Record that this token is about to be sent; Busy where another process did so since `before` was read."""
        sent, known = _digest(refresh_token), self._record(before).configured
        configured = sent if refresh_token == self._configured else known
        record = ExchangeRecord(sent, datetime.now(UTC), configured)
        if not self._secrets.replace(EXCHANGE, before, _written(record)):
            raise Busy(f"{self._platform}: another process exchanges the refresh token at this moment")
        return record

    def _record(self, text: str | None = None) -> ExchangeRecord:
        stored = text or self._secrets.read(EXCHANGE)
        return msgspec.json.decode(stored, type=ExchangeRecord) if stored else ExchangeRecord()

    def _in_doubt(self, record: ExchangeRecord, reason: str = "a lost connection or a killed process") -> TokenInDoubt:
        return TokenInDoubt(
            f"{self._platform}: the refresh token was sent at {local_time(record.sent_at)}, and its answer was lost "
            f"({reason}). The token works once and may be used up; it is not sent again, because that could revoke "
            f"all tokens. Authorise this application again on the platform, and set {self._platform.upper()}"
            "_REFRESH_TOKEN to the new token"
        )


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _written(record: ExchangeRecord) -> str:
    return msgspec.json.encode(record).decode()
