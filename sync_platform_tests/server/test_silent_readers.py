"""Many readers of events and websockets that never read: the server answers others meanwhile, and stops in time."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn

from sync_platform.permissions.role import Role
from sync_platform.server.serving import server_config
from sync_platform_tests.server.conftest import COOKIE, ORIGIN, WEBSOCKET, TestedServer

MANY = 60
"""More than the threads that answer requests."""
API = "/api/production-sync"
HOST = urlsplit(ORIGIN).netloc
INIT = b'{"type": "connection_init", "payload": {}}'
FRAME = bytes([0x81, 0x80 | len(INIT)]) + bytes(4) + INIT
"""A masked text frame of a websocket (RFC 6455, section 5.2); the mask is zero."""


@dataclass
class Listening:
    """The whole app of `serve` on a port, and the thread that serves it."""

    address: tuple[str, int]
    server: uvicorn.Server
    thread: threading.Thread

    def silent(self, sent: bytes) -> socket.socket:
        """A connection that sends, and never reads; its buffer is as small as the system allows."""
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        connection.connect(self.address)
        connection.sendall(sent)
        return connection


@pytest.fixture
def listening(server: TestedServer) -> Iterator[Listening]:
    config = server_config(server.settings, server.app)
    config.timeout_graceful_shutdown = 1
    bound = socket.create_server(("127.0.0.1", 0), backlog=4 * MANY)
    running = uvicorn.Server(config)
    thread = threading.Thread(target=lambda: asyncio.run(running.serve([bound])), daemon=True)
    thread.start()
    yield Listening(bound.getsockname()[:2], running, thread)
    running.force_exit = running.should_exit = True
    thread.join()


def test_readers_of_events_and_websockets_that_never_read_hold_neither_others_nor_the_stop(
    server: TestedServer, listening: Listening
) -> None:
    body = {"reason": "events", "priority": "low", "sources": ["chope"]}
    made = server.client(Role.operator).post(f"{API}/emergency", json=body).json()["data"]
    token, path = server.token(Role.viewer), f"{API}/emergency/{made['requestId']}"
    session = server.browser(Role.viewer, name="silent").cookies[COOKIE]
    key = (
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: graphql-ws"
    )
    events = f"GET {path}/events HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: Bearer {token}\r\n\r\n"
    websocket = (
        f"GET {urlsplit(WEBSOCKET).path} HTTP/1.1\r\nHost: {HOST}\r\nOrigin: {ORIGIN}\r\nCookie: {COOKIE}={session}\r\n"
        f"Upgrade: websocket\r\nConnection: Upgrade\r\n{key}\r\n\r\n"
    )
    with ExitStack() as opened:
        for _ in range(MANY):
            opened.enter_context(closing(listening.silent(events.encode())))
            opened.enter_context(closing(listening.silent(websocket.encode() + 20 * FRAME)))
        client = httpx.Client(
            base_url=f"http://{listening.address[0]}:{listening.address[1]}", headers={"Host": HOST}, timeout=30
        )
        for _ in range(5):
            answer = client.get(path, headers={"Authorization": f"Bearer {token}"})
            assert (answer.status_code, answer.json()["data"]["status"]) == (200, "requested")
            assert client.get("/healthz").status_code == 200
        assert len(listening.server.server_state.connections) >= 2 * MANY, "all of them are open"
        client.close()
        listening.server.should_exit = True
        listening.thread.join(30)
        assert not listening.thread.is_alive()
