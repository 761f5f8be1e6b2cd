"""Serves the benchmark's pages from memory: `python -m benchmarks.server ROWS` prints its address."""

from __future__ import annotations

import asyncio
import socket
import sys
from typing import Any
from urllib.parse import parse_qs

import uvicorn

from benchmarks.records import pages


def main(rows: int) -> None:
    bodies = list(pages(rows))

    async def app(scope: dict[str, Any], receive: Any, send: Any) -> None:
        number = int(parse_qs(scope["query_string"].decode()).get("page", ["1"])[0])
        body = bodies[number - 1] if 1 <= number <= len(bodies) else b'{"data": [], "meta": {}}'
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    listening = socket.create_server(("127.0.0.1", 0))
    sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    config = uvicorn.Config(
        app, log_level="critical", access_log=False, lifespan="off", http="httptools", loop="uvloop"
    )
    asyncio.run(uvicorn.Server(config).serve(sockets=[listening]))


if __name__ == "__main__":
    main(int(sys.argv[1]))
