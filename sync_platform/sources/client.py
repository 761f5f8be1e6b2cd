"""One platform's HTTP client: connection reuse, pace, retries, and the only place that makes an error of an answer.

A connector passes `read`, a function from a `Reply` to the result. The class of the error that `read` raises decides
whether the request is retried, so errors inside HTTP 200 and broken bodies are treated like HTTP statuses.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec
import orjson
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt

from sync_platform.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    ContractBroken,
    MalformedBody,
    Refused,
    ServerFailed,
    SettingsError,
    SyncError,
    Throttled,
    TransientError,
)
from sync_platform.sources.loose_json import decode_loosely, may_have_long_integer
from sync_platform.sources.pace import Pacer

T = TypeVar("T")
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0
LONGEST_RETRY_AFTER_S = 900.0
LOOPBACK_WAIT_FACTOR = 0.1  # a server on this machine recovers faster than one behind a bot wall


@dataclass(frozen=True)
class Reply:
    """One answer as received: the body's bytes, and the facts about it that the manifest keeps."""

    platform: str
    url: str
    status: int
    fetched_at: datetime
    body: bytes
    etag: str | None = None
    last_modified: str | None = None
    content_type: str = ""

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()

    def json(self) -> Any:
        """The decoded body; MalformedBody where it is not JSON. A value that JSON cannot express (`NaN`, half a
        surrogate pair) does not lose the page, and an integer beyond 64 bits is exact: see `decode_loosely`."""
        if may_have_long_integer(self.body):
            with suppress(ValueError, RecursionError):
                return decode_loosely(self.body)
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError as error:
            with suppress(ValueError, RecursionError):
                return decode_loosely(self.body)
            is_html = self.body.lstrip()[:1] == b"<"
            found = "HTML, not" if is_html else f"{len(self.body)} bytes that end too early or are not"
            raise MalformedBody(f"{self.platform}: {self.url} answered {found} JSON: {error.msg}") from None

    def json_as(self, shape: type[T], page: str = "1") -> T:
        """The decoded body in a declared shape; ContractBroken with the path of the field that differs."""
        return self.shaped(self.json(), shape, page)

    def shaped(self, value: Any, shape: type[T], page: str = "1") -> T:
        """A decoded value in a declared shape; ContractBroken with the path of the field that differs."""
        try:
            return msgspec.convert(value, shape)
        except msgspec.ValidationError as error:
            problem, _, path = str(error).partition(" - at ")
            raise ContractBroken(self.platform, self.url, page, path.strip("`") or "$", problem) from None


def is_loopback(url: str) -> bool:
    """True if the host of an address is `localhost` or a loopback IP address. Other names are not resolved."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class Client:
    """Requests to one platform; use as an async context manager.

    Errors: SettingsError for headers that HTTP cannot carry; any SyncError of a request, a TransientError only after
    `attempts` tries with exponential backoff, jitter and Retry-After.
    """

    def __init__(
        self,
        platform: str,
        base_url: str,
        *,
        headers: Mapping[str, str],
        pacer: Pacer,
        concurrency: int,
        timeout_s: float = 30.0,
        attempts: int = 5,
        wall_wait_s: float = 30.0,
        html_is_a_wall: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.platform, self.base_url, self.concurrency = platform, base_url.rstrip("/"), concurrency
        self._attempts, self._html_is_a_wall = attempts, html_is_a_wall
        self._wait_factor = LOOPBACK_WAIT_FACTOR if is_loopback(base_url) else 1.0
        self._wall_wait_s = wall_wait_s * self._wait_factor**2
        self._timeout_s = timeout_s
        self._pacer = pacer
        self._is_secret = bool(headers.keys() - {"Accept"})
        self._http = httpx.AsyncClient(
            headers={"User-Agent": "Mozilla/5.0 (compatible; sync-platform)", **_sendable(platform, headers)},
            timeout=httpx.Timeout(timeout_s, connect=min(10.0, timeout_s)),
            limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
            follow_redirects=True,
            event_hooks={"response": [self._refuse_strange_host]},
            transport=transport,
            trust_env=not is_loopback(base_url),
        )

    async def __aenter__(self) -> Self:
        await self._http.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.__aexit__(kind, error, trace)

    async def get(
        self, path: str, params: Any = None, *, read: Callable[[Reply], T], known_etag: str | None = None
    ) -> T:
        """GET a path below the base URL (or a whole URL) and return the result of `read`.

        With `known_etag` the reply may be a 304 without a body: the resource still has that ETag (RFC 9110, 13.1.2).
        """
        return await self._request("GET", path, read, params=params, known_etag=known_etag)

    async def post(self, path: str, body: Callable[[str], bytes], *, read: Callable[[Reply], T]) -> T:
        """POST JSON. `body` is called with the URL at every attempt, so a signature has the time of the attempt."""
        return await self._request("POST", path, read, body=body)

    async def _refuse_strange_host(self, response: httpx.Response) -> None:
        """Raise Refused for a redirect that would send our secrets (headers, or the body of a POST) to another host."""
        if response.has_redirect_location and (self._is_secret or response.request.method != "GET"):
            target = response.url.join(response.headers["location"])
            if target.host != response.url.host or (target.scheme, response.url.scheme) == ("http", "https"):
                raise Refused(f"{self.platform}: {response.url} sends us and our credentials on to {target.host}")

    async def _request(
        self,
        method: str,
        path: str,
        read: Callable[[Reply], T],
        params: Any = None,
        body: Callable[[str], bytes] | None = None,
        known_etag: str | None = None,
    ) -> T:
        url = path if path.startswith("http") else self.base_url + path
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(TransientError),
            stop=stop_after_attempt(self._attempts),
            wait=self._wait,
            reraise=True,
        ):
            with attempt:
                return read(await self._once(method, url, params, body, known_etag))
        raise AssertionError("unreachable: tenacity re-raises")

    async def _once(
        self, method: str, url: str, params: Any, body: Callable[[str], bytes] | None, known_etag: str | None
    ) -> Reply:
        content = body(url) if body else None
        headers = {"Content-Type": "application/json"} if content else {}
        if known_etag:
            headers["If-None-Match"] = known_etag
        async with self._pacer.slot():
            try:
                # the whole answer has a deadline, not only each read: a body that comes too slowly also times out.
                # It is streamed because a response that holds its body is a reference cycle, freed late.
                async with (
                    asyncio.timeout(self._timeout_s * 4),
                    self._http.stream(method, url, params=params, content=content, headers=headers) as response,
                ):
                    received = b"".join([part async for part in response.aiter_bytes()])
            except (TimeoutError, httpx.TimeoutException):
                raise ConnectionFailed(f"{self.platform}: {url} did not answer in {self._timeout_s:g} s") from None
            except httpx.TooManyRedirects:
                raise Refused(f"{self.platform}: {url} redirects in a circle") from None
            except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
                raise Refused(f"{self.platform}: {url} is not an address: {error}") from None
            except httpx.TransportError as error:
                reason = str(error) or type(error).__name__
                raise ConnectionFailed(f"{self.platform}: connection to {url} failed: {reason}") from None
            except httpx.DecodingError as error:
                raise MalformedBody(f"{self.platform}: {url} answered a broken {error}") from None
        reply = Reply(
            platform=self.platform,
            url=str(response.url),
            status=response.status_code,
            fetched_at=datetime.now(UTC),
            body=received,
            etag=response.headers.get("etag"),
            last_modified=response.headers.get("last-modified"),
            content_type=response.headers.get("content-type", ""),
        )
        failure = self._failure(reply, response.headers)
        if failure:
            raise failure
        return reply

    def _failure(self, reply: Reply, headers: httpx.Headers) -> SyncError | None:
        """The error for a status or a bot wall; None for a good reply. Only this function decides it."""
        where = f"{self.platform}: {reply.url} answered {reply.status}"
        if reply.status == 429 or (reply.status == 403 and self._html_is_a_wall):
            return Throttled(f"{where}: too many requests", _retry_after_s(headers.get("retry-after")))
        if reply.status in (401, 403):
            return AuthenticationFailed(f"{where}: check {self.platform.upper()}_API_KEY")
        if reply.status in (408, 425) or reply.status >= 500:
            return ServerFailed(where)
        if reply.status >= 400:
            return Refused(where)
        if self._html_is_a_wall and "html" in reply.content_type:
            return Throttled(f"{self.platform}: {reply.url} answered HTML in place of data: blocked")
        return None

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        backoff: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2 ** (state.attempt_number - 1)) * self._wait_factor
        jittered: float = backoff * random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, is no secret
        if isinstance(error, Throttled):
            if error.retry_after_s is not None:
                return min(LONGEST_RETRY_AFTER_S, error.retry_after_s) + jittered
            return self._wall_wait_s + jittered
        return jittered


def _sendable(platform: str, headers: Mapping[str, str]) -> Mapping[str, str]:
    """The headers; SettingsError for one that HTTP cannot carry. httpx's own error would show the secret."""
    for name, value in headers.items():
        if not value.isascii() or not value.isprintable() or value != value.strip():
            raise SettingsError(
                f"{platform}: the header {name} cannot be sent: {platform.upper()}_API_KEY or another credential "
                "holds a line break, a blank at its end, or a letter outside ASCII"
            )
    return headers


def _retry_after_s(value: str | None) -> float | None:
    """Seconds from a Retry-After header: a number, or a date (RFC 9110, 10.2.3)."""
    if value is None:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return None
