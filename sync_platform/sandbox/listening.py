"""The process that listens: the socket, the line with the address, and how it ends."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import date

import orjson
import uvicorn

from sync_platform.sandbox.city import City, calendar
from sync_platform.sandbox.sandbox_error import SandboxError
from sync_platform.sandbox.server import App, create_app

BUILT_BEFORE_LISTENING = 20_000  # places: a larger city takes seconds, a smaller one is built on the first request


class _AnnouncingServer(uvicorn.Server):
    """Prints the address on standard output once requests are answered, and calls `announce` with it."""

    url = ""
    announce: Callable[[str], None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if not self.should_exit:
            sys.stdout.buffer.write(orjson.dumps({"url": self.url}, option=orjson.OPT_APPEND_NEWLINE))
            sys.stdout.flush()
            if self.announce is not None:
                self.announce(self.url)


def serve(
    host: str = "127.0.0.1",
    port: int = 0,
    places: int = 2000,
    seed: int = 852,
    today: date | None = None,
    faults: Iterable[str] = (),
    lifeline: bool = False,
    announce: Callable[[str], None] | None = None,
) -> None:
    """Serves until interrupted; prints one line of JSON with the `url` once it listens, and calls `announce` with it.

    Without `today` the city follows the calendar. `lifeline` ends the process when its standard input closes.
    Raises SandboxError for a wrong option or a port in use.
    """
    current = calendar(places, seed) if today is None else City(places, seed, today)
    app = create_app(current, list(faults))
    if places > BUILT_BEFORE_LISTENING:
        app.city().places  # noqa: B018 - built here, so that the first request does not wait for it
    _listen(app, host, port, lifeline=lifeline, announce=announce)


def _listen(app: App, host: str, port: int, *, lifeline: bool, announce: Callable[[str], None] | None) -> None:
    bound = _bind(host, port)
    if lifeline:
        threading.Thread(target=_end_with_standard_input, daemon=True).start()
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
    server = _AnnouncingServer(config)
    address = f"[{host}]" if ":" in host else host
    server.url = f"http://{address}:{bound.getsockname()[1]}"
    server.announce = announce
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


def _end_with_standard_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)
