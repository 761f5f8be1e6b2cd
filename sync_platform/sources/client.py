"""One platform's HTTP client: connection reuse, pace, pauses and retries.

A connector passes `read`, a function from a `Reply` to the result. The class of the error that `read` raises decides
whether the request is retried, so errors inside HTTP 200 and broken bodies are treated like HTTP statuses.
"""

from __future__ import annotations

import asyncio
import logging
import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from sync_platform.errors import (
    ConnectionFailed,
    Refused,
    Throttled,
    TransientError,
    may_have_taken_effect,
)
from sync_platform.sources.authentication import sendable
from sync_platform.sources.connection_settings import http_client
from sync_platform.sources.content_codings import ACCEPTED
from sync_platform.sources.login_in_address import Login, split_login
from sync_platform.sources.pace import Pacer
from sync_platform.sources.redirects import keeps_origin, origin_text
from sync_platform.sources.repeat_log import RepeatLog
from sync_platform.sources.reply import Reply
from sync_platform.sources.response_bodies import BodyLimit, body_of, discard_body, limit_body
from sync_platform.sources.response_errors import error_of_response
from sync_platform.sources.retry_after_header import advice
from sync_platform.sources.server_time import server_time
from sync_platform.storage.environment_proxy import named_proxy

logger = logging.getLogger(__name__)
T = TypeVar("T")
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 60.0
DEADLINE_TIMEOUTS = 4
LARGEST_PORT = 65_535
_QUOTED_BYTES = re.compile(r"[: ]*(bytearray\()?\bb['\"].*", re.DOTALL)
LOOPBACK_WAIT_FACTOR = 0.1  # a server on this machine recovers faster than one behind a bot wall


def _reason(lost: httpx.TransportError) -> str:
    """Why the connection failed, without the bytes that the HTTP library quotes: they may be a part of a body."""
    return _QUOTED_BYTES.sub("", str(lost)) or type(lost).__name__


def is_loopback(url: str) -> bool:
    """True if the host of an address is `localhost` or a loopback IP address. Other names are not resolved."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class Client:
    """Requests to one platform; use as an async context manager.

    When the platform asks for a pause, all requests wait; one that is in flight meanwhile is not sent again before. A
    pause of more than `longest_pause_s` ends at once as Throttled, with the time to try again.

    `clock_ahead_s`: by how much this machine's clock is ahead of the server's; None until the server says its time.

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
        longest_pause_s: float = 900.0,
        most_body_bytes: int = 256_000_000,
        html_is_a_wall: bool = False,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.platform, self.concurrency = platform, concurrency
        self.base_url, self._login = split_login(base_url.rstrip("/"))
        self._attempts, self._html_is_a_wall = attempts, html_is_a_wall
        self._wait_factor = LOOPBACK_WAIT_FACTOR if is_loopback(base_url) else 1.0
        self._wall_wait_s = wall_wait_s * self._wait_factor**2
        self._longest_pause_s = longest_pause_s
        self._timeout_s = timeout_s
        self._body_limit = BodyLimit(most_body_bytes)
        self._pacer = pacer
        self._repeats = RepeatLog(platform)
        self._is_secret = bool(headers.keys() - {"Accept"}) or self._login is not None
        self.clock_ahead_s: float | None = None
        self._http = http_client(
            platform,
            headers={
                "User-Agent": "Mozilla/5.0 (compatible; sync-platform)",
                "Accept-Encoding": ACCEPTED,
                **sendable(platform, headers),
            },
            timeout=httpx.Timeout(timeout_s, connect=min(10.0, timeout_s)),
            limits=httpx.Limits(max_connections=concurrency, max_keepalive_connections=concurrency),
            follow_redirects=True,
            event_hooks={
                "request": [self._refuse_strange_port],
                "response": [self._refuse_strange_origin, self._limit_body],
            },
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

    async def post(
        self, path: str, body: Callable[[str], bytes], *, read: Callable[[Reply], T], is_repeatable: bool = True
    ) -> T:
        """POST JSON. `body` is called with the URL at every attempt, so a signature has the time of the attempt.

        A request that is not repeatable is tried again only if it surely had no effect.
        """
        return await self._request("POST", path, read, body=body, is_repeatable=is_repeatable)

    async def _refuse_strange_port(self, request: httpx.Request) -> None:
        """Raise Refused for a port that does not exist, of a setting or of a redirect."""
        if not 0 <= (request.url.port or 0) <= LARGEST_PORT:
            raise Refused(f"{self.platform}: {request.url} is not an address: there is no port {request.url.port}")

    async def _refuse_strange_origin(self, response: httpx.Response) -> None:
        """Raise Refused for a redirect that would send our secrets (headers, or the body of a POST) somewhere else."""
        if response.has_redirect_location and (self._is_secret or response.request.method != "GET"):
            target = response.url.join(response.headers["location"])
            if not keeps_origin(response.url, target):
                where = origin_text(target)
                raise Refused(f"{self.platform}: {response.url} sends us and our credentials on to {where}")

    async def _limit_body(self, response: httpx.Response) -> None:
        limit_body(response, self.platform, self._body_limit)

    async def _request(
        self,
        method: str,
        path: str,
        read: Callable[[Reply], T],
        params: Any = None,
        body: Callable[[str], bytes] | None = None,
        known_etag: str | None = None,
        is_repeatable: bool = True,
    ) -> T:
        whole = split_login(path) if path.startswith("http") else (self.base_url + path, self._login)

        def is_worth_another(error: BaseException) -> bool:
            if isinstance(error, Throttled) and not self._may_wait():
                return False
            return isinstance(error, TransientError) and (is_repeatable or not may_have_taken_effect(error))

        try:
            async for attempt in AsyncRetrying(
                retry=retry_if_exception(is_worth_another),
                stop=stop_after_attempt(self._attempts),
                wait=self._wait,
                before_sleep=self._log_repeat,
                reraise=True,
            ):
                with attempt:
                    return await self._once(method, *whole, read, params, body, known_etag)
        except Throttled as error:
            wait_s = self._pause_s(error)
            raise Throttled(f"{error}; {advice(wait_s)}", wait_s) from None
        raise AssertionError("unreachable: tenacity re-raises")

    async def _once(
        self,
        method: str,
        url: str,
        login: Login | None,
        read: Callable[[Reply], T],
        params: Any,
        body: Callable[[str], bytes] | None,
        known_etag: str | None,
    ) -> T:
        async with self._pacer.slot():
            content = body(url) if body else None
            headers = {"Content-Type": "application/json"} if content else {}
            if known_etag:
                headers["If-None-Match"] = known_etag
            try:
                return read(await self._reply(method, url, auth=login, params=params, content=content, headers=headers))
            except Throttled as error:
                self._pause(self._pause_s(error) + self._jittered(self._pacer.pause.failed_trials))
                raise

    async def _reply(self, method: str, url: str, **request: Any) -> Reply:
        deadline_s, named = self._timeout_s * DEADLINE_TIMEOUTS, f"{url}{named_proxy(url)}"
        try:
            # the whole answer has a deadline, not only each read: a body that comes too slowly also times out
            async with asyncio.timeout(deadline_s), self._http.stream(method, url, **request) as response:
                error = error_of_response(self.platform, response, self._html_is_a_wall)
                if error:
                    await discard_body(response)
                    raise error
                received = await body_of(response)
        except TimeoutError:
            raise ConnectionFailed(f"{self.platform}: {named} did not answer completely in {deadline_s:g} s") from None
        except httpx.TimeoutException as late:
            was_sent = not isinstance(late, httpx.ConnectTimeout | httpx.PoolTimeout)
            raise ConnectionFailed(
                f"{self.platform}: {named} did not answer in {self._timeout_s:g} s", was_sent
            ) from None
        except httpx.TooManyRedirects:
            raise Refused(f"{self.platform}: {url} redirects in a circle") from None
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as wrong:
            raise Refused(f"{self.platform}: {url} is not an address: {wrong}") from None
        except httpx.TransportError as lost:
            reason, was_sent = _reason(lost), not isinstance(lost, httpx.ConnectError)
            raise ConnectionFailed(f"{self.platform}: connection to {named} failed: {reason}", was_sent) from None
        fetched_at = datetime.now(UTC)
        self._compare_clocks(fetched_at, server_time(response.headers))
        return Reply(
            platform=self.platform,
            url=str(response.url),
            status=response.status_code,
            fetched_at=fetched_at,
            body=received,
            etag=response.headers.get("etag"),
            last_modified=response.headers.get("last-modified"),
            content_type=response.headers.get("content-type", ""),
        )

    def _compare_clocks(self, own_time: datetime, server_time: datetime | None) -> None:
        """Keep the smallest difference: a stale cache may send an old time."""
        if server_time is not None:
            ahead_s = (own_time - server_time).total_seconds()
            self.clock_ahead_s = min(ahead_s, self.clock_ahead_s or ahead_s, key=abs)

    def _pause(self, seconds: float) -> None:
        """Send no request for this time. The first answer that asks for it is logged, not those of others in flight."""
        if not self._pacer.pause.is_on:
            logger.warning("%s asks for a pause: no request is sent for %.0f s", self.platform, seconds)
        self._pacer.pause.ask(seconds)

    def _log_repeat(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        if error is not None and not isinstance(error, Throttled):
            self._repeats.add(error)

    def _pause_s(self, error: Throttled) -> float:
        """How long the platform asks to wait, or what is usual where it does not say."""
        return self._wall_wait_s if error.retry_after_s is None else error.retry_after_s

    def _may_wait(self) -> bool:
        """False once the platform asks for a longer pause, or for more pauses in a row, than a run should wait."""
        pause = self._pacer.pause
        return pause.length_s <= self._longest_pause_s and pause.failed_trials < self._attempts

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return 0.0 if isinstance(error, Throttled) else self._jittered(state.attempt_number - 1)

    def _jittered(self, failed: int) -> float:
        backoff: float = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2**failed) * self._wait_factor
        return backoff * random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, is no secret
