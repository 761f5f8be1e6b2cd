"""Connections that end if their client is too slow: it must send the head of a request, and read its answer, in time.

Otherwise a few thousand clients that send or read nothing would use up the server's connections. The time for a body is
in request_limits.py; uvicorn itself ends websockets whose client does not answer a ping.
"""

from __future__ import annotations

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

HEAD_WITHIN_S = 20.0
"""From the first byte, or from the connection, to the last header."""
READ_WITHIN_S = 60.0
"""How long a client may read nothing while more of its answer waits than the buffers take."""


class TimedHttp(H11Protocol):
    """HTTP with both limits."""

    head_within_s, read_within_s = HEAD_WITHIN_S, READ_WITHIN_S
    _head_timer: asyncio.TimerHandle | None = None
    _read_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._watch_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch_head()

    def connection_lost(self, exc: Exception | None) -> None:
        _cancel(self._head_timer)
        _cancel(self._read_timer)
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._read_timer = self.loop.call_later(self.read_within_s, self.transport.abort)

    def resume_writing(self) -> None:
        _cancel(self._read_timer)
        super().resume_writing()

    def _watch_head(self) -> None:
        """Begin to wait for the end of a head, or end it. What was sent before does not make the time longer."""
        if self.conn.their_state is not h11.IDLE:
            _cancel(self._head_timer)
            self._head_timer = None
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_within_s, self._end_without_head)

    def _end_without_head(self) -> None:
        self._head_timer = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


class TimedWebsocket(WebSocketsSansIOProtocol):
    """A websocket whose client must read in time."""

    read_within_s = READ_WITHIN_S
    _read_timer: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        super().pause_writing()
        self._read_timer = self.loop.call_later(self.read_within_s, self.transport.abort)

    def resume_writing(self) -> None:
        _cancel(self._read_timer)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        _cancel(self._read_timer)
        super().connection_lost(exc)


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
