"""Load on `serve`: `python -m benchmarks.serving`: 50 clients for 60 s, half of them health, half of them searches.

It measures answer times, and the processor time of the server for each request, which other work on the machine hardly
changes. With N clients that send the next request as soon as they have an answer, no answer can take less on average
than N times the processor time of a request: one process answers them all.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote
from urllib.request import urlopen

from rich.console import Console
from rich.table import Table

from benchmarks.served_restaurants import DISTRICTS, HAN, LATIN, make_home
from sync_platform.permissions.role import Role
from sync_platform.permissions.token_store import TokenStore
from sync_platform.settings import Settings
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database

API = "/api/production-sync"
LIMITS_MS = {"health": 150, "search": 200}
"""At the 95th percentile, on two cores."""


@dataclass
class Measured:
    """The answer times of one kind of request, in seconds, and the answers that were not 200."""

    times: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def percentile_ms(self, percent: int) -> float:
        return statistics.quantiles(self.times, n=100)[percent - 1] * 1_000


@contextmanager
def served(settings: Settings) -> Iterator[tuple[int, int]]:
    """The server of a home: its port, and its process. It is ready."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        port = int(probe.getsockname()[1])
    command = [sys.executable, "-m", "sync_platform", "serve", "--port", str(port)]
    environment = {**os.environ, "SYNC_HOME": str(settings.home)}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        _wait_until_ready(port, process)
        yield port, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait_until_ready(port: int, process: subprocess.Popen[bytes]) -> None:
    while process.poll() is None:
        try:
            with urlopen(f"http://127.0.0.1:{port}/readyz", timeout=10):
                return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("the server has ended")


def searches(draw: random.Random) -> Iterator[str]:
    """Different searches without end: by name in both scripts, by district, near a point, and open now."""
    while True:
        yield f"q={draw.choice(LATIN)}+{draw.choice(LATIN)[:3]}&limit=20"
        yield f"q={quote(''.join(draw.sample(HAN, 2)))}"
        yield f"district={quote(draw.choice(DISTRICTS) or 'Tai Po')}&cuisine=Cantonese"
        yield f"lat={22.2 + draw.random() / 3}&lng={113.9 + draw.random() / 2}&radius=800&openNow=true"


async def load(port: int, token: str, clients: int, for_s: float, pause_s: float) -> dict[str, Measured]:
    """Send requests from this many clients, each with a connection of its own."""
    found = {name: Measured() for name in LIMITS_MS}
    end = time.perf_counter() + for_s

    async def client(number: int) -> None:
        draw = random.Random(number)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for query in searches(draw):
            if time.perf_counter() > end:
                break
            name, path = ("health", "/health") if draw.random() < 0.5 else ("search", f"/restaurants?{query}")
            head = f"GET {API}{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nAuthorization: Bearer {token}\r\n\r\n"
            began = time.perf_counter()
            writer.write(head.encode())
            status = await _read_answer(reader)
            found[name].times.append(time.perf_counter() - began)
            if status != "200":
                found[name].errors.append(f"{status} {path}")
            await asyncio.sleep(pause_s * 2 * draw.random())
        writer.close()

    await asyncio.gather(*(client(number) for number in range(clients)))
    return found


async def _read_answer(reader: asyncio.StreamReader) -> str:
    """The status of an answer, which is read to its end."""
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = next(line.partition(":")[2] for line in head.split("\r\n") if line.startswith("content-length:"))
    await reader.readexactly(int(length))
    return head.split(" ", 2)[1]


def processor_s(pid: int) -> float:
    """The processor time of a process until now."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--restaurants", type=int, default=200_000)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pause", type=float, default=0, help="mean seconds between an answer and the next request")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as home:
        settings = make_home(Path(home), options.restaurants)
        tokens = TokenStore(open_database(settings.ledger_url, MIGRATIONS))
        token = tokens.create("load", Role.viewer, (), timedelta(days=1), "benchmark")[1]
        with served(settings) as (port, pid):
            before = processor_s(pid)
            found = asyncio.run(load(port, token, options.clients, options.seconds, options.pause))
            used_s = processor_s(pid) - before
    report(found, used_s, options.clients)


def report(found: dict[str, Measured], used_s: float, clients: int) -> None:
    """Answer times by kind of request, and the processor time of a request."""
    console, count = Console(), sum(len(each.times) for each in found.values())
    table = Table("", "requests", "errors", "median", "p95", "longest", "limit of p95")
    for name, each in found.items():
        shown = [each.percentile_ms(50), each.percentile_ms(95), max(each.times) * 1_000, LIMITS_MS[name]]
        table.add_row(name, f"{len(each.times):,}", str(len(each.errors)), *(f"{ms:.0f} ms" for ms in shown))
        for error in each.errors[:3]:
            console.print(error)
    console.print(table)
    console.print(
        f"processor time of the server: {used_s / count * 1_000:.2f} ms a request, "
        f"so on average {clients * used_s / count * 1_000:.0f} ms for {clients} clients without a pause on free cores"
    )


if __name__ == "__main__":
    main()
