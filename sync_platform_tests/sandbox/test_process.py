"""The sandbox process: its first line, faults of the connection, the stream, and its end."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest
import websockets

from sync_platform_tests.limits import LONGEST_WAIT_S

from .conftest import CREDENTIALS

COMMAND = [sys.executable, "-m", "sync_platform.sandbox", "--places", "300", "--today", "2026-11-24"]


def start(*options: str) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [*COMMAND, "--lifeline", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout
    return process, json.loads(process.stdout.readline())["url"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    process, address = start()
    yield address
    process.kill()
    process.wait()


def test_it_prints_its_address_and_answers(url: str) -> None:
    assert httpx.get(f"{url}/health").status_code == 200


def test_a_reset_breaks_the_connection_in_the_middle_of_the_body(url: str) -> None:
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        httpx.get(f"{url}/eatigo/v1/branches?_fault=reset", headers=CREDENTIALS)


def test_a_timeout_never_answers(url: str) -> None:
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{url}/eatigo/v1/branches?_fault=timeout", headers=CREDENTIALS, timeout=0.2)


def test_a_timeout_of_some_seconds_ends_the_connection(url: str) -> None:
    began = time.monotonic()
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{url}/eatigo/v1/branches?_fault=timeout%3D0.3", headers=CREDENTIALS)
    assert time.monotonic() - began > 0.25


def test_a_slow_answer_arrives(url: str) -> None:
    began = time.monotonic()
    assert httpx.get(f"{url}/eatigo/v1/branches?_fault=slow%3D0.3", headers=CREDENTIALS).status_code == 200
    assert time.monotonic() - began >= 0.3


def test_the_stream_replays_in_order_and_resumes(url: str) -> None:
    address = url.replace("http://", "ws://") + "/bistrochat/v1/stream"

    async def listen(after: str, count: int, live: str = "0") -> list[dict[str, str]]:
        query = f"{address}?after={after}&live={live}"
        async with websockets.connect(query, additional_headers={"X-Api-Key": "k"}) as stream:
            return [json.loads(await asyncio.wait_for(stream.recv(), 5)) for _ in range(count)]

    events = asyncio.run(listen("", 2))
    ids = [event["event_id"] for event in events]
    assert ids == sorted(ids)
    assert {event["type"] for event in events} <= {"post", "venue"}
    assert asyncio.run(listen(ids[0], 1))[0] == events[1]
    live = asyncio.run(listen("20261124-000500", 2, live="0.01"))
    assert [event["event_id"] for event in live] == ["20261124-000501", "20261124-000502"]


def test_the_stream_wants_a_key(url: str) -> None:
    async def knock() -> None:
        async with websockets.connect(url.replace("http", "ws", 1) + "/bistrochat/v1/stream") as stream:
            await stream.recv()

    with pytest.raises(websockets.ConnectionClosed, match="4401"):
        asyncio.run(knock())


def test_it_ends_when_standard_input_closes() -> None:
    process, _ = start()
    assert process.stdin
    process.stdin.close()
    assert process.wait(LONGEST_WAIT_S) == 0


def test_a_port_in_use_is_one_line_on_standard_error() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run([*COMMAND, "--port", str(port)], capture_output=True, text=True, timeout=LONGEST_WAIT_S)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert f"127.0.0.1:{port}" in done.stderr


def test_a_wrong_fault_option_is_one_line_on_standard_error() -> None:
    done = subprocess.run([*COMMAND, "--fault", "eatigo:cap"], capture_output=True, text=True, timeout=LONGEST_WAIT_S)
    assert done.returncode == 1
    assert done.stderr.startswith("sandbox: eatigo cannot play fault 'cap'")


def test_the_sandbox_imports_neither_the_rest_of_the_platform_nor_the_orchestrator() -> None:
    script = (
        "import pkgutil, importlib, sys, sync_platform.sandbox as box\n"
        "for module in pkgutil.walk_packages(box.__path__, box.__name__ + '.'):\n"
        "    '__main__' in module.name or importlib.import_module(module.name)\n"
        "ours = [name for name in sys.modules if name.startswith('sync_platform.')]\n"
        "print([n for n in ours if not n.startswith('sync_platform.sandbox')], 'dagster' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=LONGEST_WAIT_S, check=True
    )
    assert done.stdout.strip() == "[] False"


def test_importing_the_package_imports_nothing_heavy() -> None:
    script = "import sys, sync_platform.sandbox; print('uvicorn' in sys.modules, 'orjson' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=LONGEST_WAIT_S, check=True
    )
    assert done.stdout.strip() == "False False"
