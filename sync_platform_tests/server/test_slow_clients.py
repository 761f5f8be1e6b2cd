"""Clients that send slowly, send too much or never read: each ends, and the others are answered meanwhile."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket

from sync_platform.server.request_limits import RequestLimits
from sync_platform.server.serving import LARGEST_HEADERS, server_config
from sync_platform.server.timed_connection import TimedHttp, TimedWebsocket
from sync_platform.settings import Settings

TIME_S = 0.5
MANY = 100
HALF_A_HEAD = b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: "


class QuickHttp(TimedHttp):
    head_within_s = read_within_s = TIME_S


class QuickWebsocket(TimedWebsocket):
    read_within_s = TIME_S


async def alive(_: Request) -> Response:
    return PlainTextResponse("alive")


async def endless(_: Request) -> Response:
    async def zeros() -> Any:
        while True:
            yield bytes(1 << 16)
            await asyncio.sleep(0)

    return StreamingResponse(zeros())


async def read_body(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def talk(websocket: WebSocket) -> None:
    await websocket.accept()
    while True:
        await websocket.send_bytes(bytes(1 << 16))
        await asyncio.sleep(0)


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    """A server with the settings and the limits of `serve`, in less time, and routes that answer without end."""
    routes = [
        Route("/healthz", alive),
        Route("/endless", endless),
        Route("/body", read_body, methods=["POST"]),
        WebSocketRoute("/talk", talk),
    ]
    app = RequestLimits(Starlette(routes=routes), ["a"], body_within_s=TIME_S)
    config = server_config(Settings(_env_file=None), app)
    config.http, config.ws, config.timeout_keep_alive = QuickHttp, QuickWebsocket, 1  # type: ignore[assignment]
    listening = socket.create_server(("127.0.0.1", 0), backlog=2 * MANY)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])), daemon=True)
    thread.start()
    yield listening.getsockname()[:2]
    server.force_exit = server.should_exit = True
    thread.join()


def _connected(address: tuple[str, int], sent: bytes = b"") -> socket.socket:
    connection = socket.create_connection(address, timeout=30)
    connection.sendall(sent)
    return connection


def _is_ended(connection: socket.socket) -> bool:
    """True once the server has ended the connection; what it sent before is read."""
    try:
        while connection.recv(1 << 20):
            pass
    except ConnectionResetError:
        pass
    return True


def _is_alive(address: tuple[str, int]) -> bool:
    return httpx.get(f"http://{address[0]}:{address[1]}/healthz", timeout=30).text == "alive"


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(HALF_A_HEAD, id="half a head"),
        pytest.param(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\nGET", id="half a second head"),
        pytest.param(b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf", id="half a body"),
        pytest.param(b"GET /talk HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Up", id="half a handshake"),
    ],
)
def test_clients_that_stop_half_way_end_and_do_not_stop_others(address: tuple[str, int], sent: bytes) -> None:
    with ExitStack() as opened:
        connections = [opened.enter_context(closing(_connected(address, sent))) for _ in range(MANY)]
        assert _is_alive(address)
        assert all(_is_ended(each) for each in connections)


def test_a_byte_now_and_then_does_not_make_the_time_longer(address: tuple[str, int]) -> None:
    began = time.monotonic()
    with closing(_connected(address, HALF_A_HEAD)) as connection, pytest.raises(OSError):
        while time.monotonic() - began < 60:
            connection.sendall(b"x")
            time.sleep(TIME_S / 10)
        pytest.fail("the connection is open still")


def test_huge_headers_are_refused_before_they_are_read(address: tuple[str, int]) -> None:
    with closing(_connected(address, b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-Huge: ")) as connection:
        with pytest.raises(OSError):
            for _ in range(1_000):
                connection.sendall(b"x" * LARGEST_HEADERS)
        assert _is_alive(address)


def test_a_client_that_never_reads_ends_and_does_not_stop_others(address: tuple[str, int]) -> None:
    handshake = b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    websocket = (
        b"GET /talk HTTP/1.1\r\nHost: a\r\n" + handshake + b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    with ExitStack() as opened:
        for sent in (b"GET /endless HTTP/1.1\r\nHost: a\r\n\r\n", websocket):
            silent = opened.enter_context(closing(_connected(address, sent)))
            time.sleep(3 * TIME_S)
            assert _is_alive(address)
            assert _is_ended(silent)  # the stream would have no end
