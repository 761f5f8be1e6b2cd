"""Bodies of responses: decoded while they are received, and never larger than a limit."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import suppress

import httpx

from sync_platform.errors import BodyTooLarge, MalformedBody
from sync_platform.sources.content_codings import BodyDecoder, CodingError

SMALL_SHARE = 16
MAX_UNUSED_BYTES = 64 * 1024
UNUSED_BODY_WAIT_S = 1.0


class BodyLimit:
    """The limit for each decoded body of one platform, in bytes.

    One body at a time may be larger than a sixteenth of it, so that several endless bodies do not add up.
    """

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self.small_bytes = most_bytes // SMALL_SHARE
        self.large_body = asyncio.Lock()


def limit_body(response: httpx.Response, platform: str, limit: BodyLimit) -> None:
    """Make a response whose body is not read yet decode its body itself, within a limit. The body of a redirect is not
    decoded, because nobody needs it."""
    names = [] if response.has_redirect_location else response.headers.get_list("content-encoding", split_commas=True)
    if isinstance(response.stream, httpx.AsyncByteStream):
        response.stream = _LimitedBody(response.stream, names, f"{platform}: {response.url}", limit)
        response.headers.pop("content-encoding", None)


async def body_of(response: httpx.Response) -> bytes:
    """The whole decoded body. A response that holds its body is a reference cycle, freed late: this one is streamed."""
    received = io.BytesIO()
    async for piece in response.aiter_bytes():
        received.write(piece)
    return received.getvalue()


async def discard_body(response: httpx.Response) -> None:
    """Read a body that is not used, so that its connection can be used again; one that is long or late is left."""
    size = 0
    with suppress(MalformedBody, BodyTooLarge, TimeoutError, httpx.TransportError):
        async with asyncio.timeout(UNUSED_BODY_WAIT_S):
            async for piece in response.aiter_bytes():
                size += len(piece)
                if size > MAX_UNUSED_BYTES:
                    return


class _LimitedBody(httpx.AsyncByteStream):
    """The decoded pieces of a body. Raises MalformedBody if it is damaged or ends too early, and BodyTooLarge."""

    def __init__(self, received: httpx.AsyncByteStream, names: list[str], where: str, limit: BodyLimit) -> None:
        self._received, self._names, self._where, self._limit = received, names, where, limit
        self._holds_lock = False
        self._size_bytes = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            decoder = BodyDecoder(self._names)
            async for data in self._received:
                for piece in decoder.decode(data):
                    await self._count(piece)
                    yield piece
            decoder.finish()
        except CodingError as error:
            raise MalformedBody(f"{self._where} answered a body that {error}") from None

    async def aclose(self) -> None:
        if self._holds_lock:
            self._holds_lock = False
            self._limit.large_body.release()
        await self._received.aclose()

    async def _count(self, piece: bytes) -> None:
        self._size_bytes += len(piece)
        if self._size_bytes > self._limit.most_bytes:
            most_mb = self._limit.most_bytes / 1e6
            raise BodyTooLarge(
                f"{self._where} answered a body of more than {most_mb:g} MB (HTTP_BODY_LIMIT_MB), and may have no end"
            )
        if self._size_bytes > self._limit.small_bytes and not self._holds_lock:
            await self._limit.large_body.acquire()
            self._holds_lock = True
