"""The calls of Keeta's Open Platform: signed, under an access token, with the outcome in the answer's `code`."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Annotated, Any, TypeVar

import msgspec
import orjson

from sync_platform.errors import AuthenticationFailed, Refused, ServerFailed, SyncError
from sync_platform.sources.access_tokens import AccessTokens, TokenPair
from sync_platform.sources.endpoints import ErrorCode
from sync_platform.sources.extraction import Extraction
from sync_platform.sources.loose_records import read_loosely
from sync_platform.sources.reply import Reply

T = TypeVar("T")


def _error_of(code: int, message: str, text: str) -> SyncError:
    """The error of a code: its first seven digits are a family of errors, as the platform defines them."""
    family = str(code)[:7]
    if family == "1150001":
        return AuthenticationFailed(text)
    return Refused(text) if family in ("1150002", "1150003") else ServerFailed(text)


ERROR_CODE = ErrorCode(ok=0, error_of=_error_of)


Token = Annotated[str, msgspec.Meta(min_length=1)]


class TokenAnswer(msgspec.Struct, rename="camel"):
    """`expires_in`: seconds, in any notation. The tokens are not lost where it cannot be read."""

    access_token: Token
    refresh_token: Token
    expires_in: Any = None


class Answer(msgspec.Struct):
    data: Any = None


def signature(url: str, fields: Mapping[str, Any], secret: str) -> str:
    """Lowercase hex SHA-256 of `URL?k=v&k=v` (fields sorted by name, `sig` left out) followed by the app secret."""
    pairs = "&".join(f"{name}={_text(fields[name])}" for name in sorted(fields) if name != "sig")
    return sha256(f"{url}?{pairs}{secret}".encode()).hexdigest()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


def data_of(reply: Reply) -> Any:
    """The data of an answer; raises the error of its code."""
    body = reply.json()
    ERROR_CODE.check(reply, body)
    return reply.shaped(body, Answer).data


def _read_tokens(reply: Reply) -> TokenPair:
    answer = reply.shaped(data_of(reply), TokenAnswer, "token")
    valid_s = read_loosely(answer.expires_in, float).value
    is_known = isinstance(valid_s, int | float) and not isinstance(valid_s, bool) and valid_s > 0
    return TokenPair(answer.access_token, answer.refresh_token, float(valid_s) if is_known else None)


class Session:
    """Signed calls under an access token."""

    def __init__(self, extraction: Extraction) -> None:
        self._client, self._credentials = extraction.client, extraction.credentials
        self._tokens = AccessTokens(extraction, self._exchange)

    async def call(self, path: str, fields: Mapping[str, Any], read: Callable[[Reply], T]) -> T:
        return await self._tokens.call(lambda token: self._post(path, {**fields, "accessToken": token}, read))

    async def _post(
        self, path: str, fields: Mapping[str, Any], read: Callable[[Reply], T], is_repeatable: bool = True
    ) -> T:
        def body(url: str) -> bytes:
            whole = {**fields, "appId": self._credentials["app_id"], "timestamp": int(time.time())}
            return orjson.dumps({**whole, "sig": signature(url, whole, self._credentials["app_secret"])})

        return await self._client.post(path, body, read=read, is_repeatable=is_repeatable)

    async def _exchange(self, refresh_token: str) -> TokenPair:
        fields = {"grantType": "refresh_token", "refreshToken": refresh_token}
        return await self._post("/base/oauth/token", fields, _read_tokens, is_repeatable=False)
