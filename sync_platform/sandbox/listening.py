"""The process that listens: socket, announcement, lifeline."""

from __future__ import annotations

import os
import socket
import sys
import threading
from typing import TYPE_CHECKING

import orjson
import uvicorn

from sync_platform.sandbox.errors import SandboxError

if TYPE_CHECKING:
    from sync_platform.sandbox.server import App


class _Announcing(uvicorn.Server):
    """Prints the address on standard output once requests are answered."""

    url = ""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            sys.stdout.buffer.write(orjson.dumps({"url": self.url}, option=orjson.OPT_APPEND_NEWLINE))
            sys.stdout.flush()


def listen(app: App, host: str, port: int, *, lifeline: bool) -> None:
    """Serves the application until interrupted; SandboxError if the address cannot be had."""
    bound = _bind(host, port)
    if lifeline:
        threading.Thread(target=_die_with_standard_input, daemon=True).start()
    config = uvicorn.Config(
        app,
        log_config=None,
        log_level="critical",
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=1,
        timeout_keep_alive=60,
        server_header=False,
        ws="websockets-sansio",
    )
    server = _Announcing(config)
    shown = f"[{host}]" if ":" in host else host
    server.url = f"http://{shown}:{bound.getsockname()[1]}"
    server.run(sockets=[bound])


def _bind(host: str, port: int) -> socket.socket:
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((host, port))
        bound.listen(128)
    except (OSError, OverflowError) as error:
        bound.close()
        reason = getattr(error, "strerror", None) or str(error)
        raise SandboxError(f"cannot listen on {host}:{port}: {reason}") from None
    return bound


def _die_with_standard_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)
