"""Two servers over one PostgreSQL: what one knows, the other knows at once; one daemon runs for both."""

from __future__ import annotations

import itertools
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.websockets import WebSocketDisconnect

from sync_platform.permissions.role import Role
from sync_platform.server.application import ServerParts, application
from sync_platform.server.dagster_ui.daemon_election import DAEMON
from sync_platform.server.shared_rate_limit import SharedRateLimit
from sync_platform.settings import load_settings
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.platform_lock import holder_of
from sync_platform.storage.relational import open_database
from sync_platform_tests.cli.conftest import Shell, wait_until
from sync_platform_tests.extent import only_in_full
from sync_platform_tests.installations import fleet_settings
from sync_platform_tests.server.conftest import CHECK_AGAIN_S, COOKIE, ORIGIN, WEBSOCKET, TestedServer
from sync_platform_tests.server.test_serve import is_ready
from sync_platform_tests.services import PostgresServer, S3Server
from sync_platform_tests.warm import StartedProcess

API = "/api/production-sync"
REQUEST = {"reason": "wrong prices", "priority": "high", "sources": ["chope"]}


@pytest.fixture
def pair(
    server: TestedServer, tmp_path: Path, postgres_server: PostgresServer
) -> Iterator[tuple[TestedServer, TestedServer]]:
    """Two servers with engines of their own on one new ledger. Dagster is that of the module's server."""
    servers = []
    url = postgres_server.url(postgres_server.create_database())
    for name in ("first", "second"):
        settings = load_settings(sync_home=tmp_path / name, ledger=url)
        ledger = open_database(settings.ledger_url, MIGRATIONS)
        parts = ServerParts(
            settings, ledger, lambda table, log: _nothing, list, lambda run_ids: {}, list, check_again_s=CHECK_AGAIN_S
        )
        servers.append(TestedServer(settings, ledger, application(parts), [], server.instance))
    yield servers[0], servers[1]
    for each in servers:
        each.ledger.dispose()


async def _nothing(scope: Any, receive: Any, send: Any) -> None:
    """In place of Dagster: it accepts a websocket, and says nothing."""
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.accept"})
        await receive()


def test_two_servers_share_logins_tokens_limits_keys_and_requests(pair: tuple[TestedServer, TestedServer]) -> None:
    first, second = pair
    _a_login_link_works_once_and_its_session_everywhere(first, second)
    _a_session_that_ends_here_ends_an_open_websocket_there(first, second)
    token = first.token(Role.operator)
    authorization = {"Authorization": f"Bearer {token}"}
    _a_request_that_is_sent_to_both_is_made_once(first, second, authorization)
    first.tokens.revoke(first.tokens.all_tokens()[0].name)
    assert second.client(**authorization).get(f"{API}/emergency").status_code == 401
    _tries_are_counted_together(first, second)


def _a_login_link_works_once_and_its_session_everywhere(first: TestedServer, second: TestedServer) -> None:
    first.users.add_if_missing("ada", [Role.viewer])
    form = {"code": first.sessions.new_link("ada")[0]}
    answer = second.client(Origin=ORIGIN).post("/login", data=form)
    assert answer.status_code == 303
    assert first.client(Origin=ORIGIN).post("/login", data=form).status_code == 401
    client = first.client()
    client.cookies.set(COOKIE, answer.cookies[COOKIE])
    assert client.get("/docs").status_code == 200


def _a_session_that_ends_here_ends_an_open_websocket_there(first: TestedServer, second: TestedServer) -> None:
    browser = second.browser(Role.viewer, name="bob")
    with browser.websocket_connect(WEBSOCKET, ["graphql-ws"]) as websocket:
        first.users.end_sessions("bob")
        with pytest.raises(WebSocketDisconnect) as closed:
            websocket.receive_json()
    assert closed.value.code == 1008


def _a_request_that_is_sent_to_both_is_made_once(
    first: TestedServer, second: TestedServer, authorization: dict[str, str]
) -> None:
    headers = {**authorization, "Idempotency-Key": "k1"}
    answers: list[Any] = []

    def post(server: TestedServer) -> None:
        answers.append(server.client(**headers).post(f"{API}/emergency", json=REQUEST))

    threads = [threading.Thread(target=post, args=(each,)) for each in (first, second, first, second)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert {each.status_code for each in answers} == {202}
    assert len({each.json()["data"]["requestId"] for each in answers}) == 1
    listed = second.client(**authorization).get(f"{API}/emergency").json()["data"]["items"]
    assert len(listed) == 1


def _tries_are_counted_together(first: TestedServer, second: TestedServer) -> None:
    statuses = [
        each.client(Origin=ORIGIN).post("/login", data={"code": "wrong"}).status_code
        for each in itertools.islice(itertools.cycle((first, second)), 12)
    ]
    assert statuses[-1] == 429
    assert statuses.count(401) in (8, 9, 10)  # two logins are counted before


def test_a_shared_limit_counts_the_uses_of_all_processes_within_its_window(postgres_server: PostgresServer) -> None:
    url, now = postgres_server.url(postgres_server.create_database()), [0.0]
    limits = [SharedRateLimit(open_database(url, MIGRATIONS), "x", 2, 60, lambda: now[0]) for _ in range(2)]
    assert [each.wait_s("a") for each in limits] == [0, 0]
    assert [each.wait_s("a") for each in limits] == [60, 60]
    limits[1].give_back("a")
    assert [each.wait_s("a") for each in reversed(limits)] == [0, 60]
    assert limits[0].wait_s("b") == 0
    now[0] = 60.5
    assert limits[1].wait_s("a") == 0


@pytest.mark.parametrize("count", [only_in_full(2)])
def test_two_processes_serve_one_installation_and_one_daemon_runs_for_both(
    count: int, tmp_path: Path, postgres_server: PostgresServer, s3_server: S3Server
) -> None:
    shared = fleet_settings(postgres_server, s3_server) | {"DAGSTER_HOME": str(tmp_path / "dagster")}
    Path(shared["DAGSTER_HOME"]).mkdir()
    ports = [unused_port() for _ in range(count)]
    shells = [
        Shell(tmp_path / f"server{port}", {**shared, "SYNC_ACTOR": "ada", "SERVE_URL": f"http://127.0.0.1:{ports[0]}"})
        for port in ports
    ]
    started: list[StartedProcess] = []
    hosts = {"Host": f"127.0.0.1:{ports[0]}", "Origin": f"http://127.0.0.1:{ports[0]}"}
    clients = [httpx.Client(base_url=f"http://127.0.0.1:{port}", headers=hosts, timeout=60) for port in ports]
    try:
        for shell, port in zip(shells, ports, strict=True):  # at once: Dagster's home is new
            started.append(shell.start("serve", "--port", str(port)))
        for client, process in zip(clients, started, strict=True):
            wait_until(_ready(client), process)
        wait_until(lambda: sum("the one of this server waits" in each.errors for each in started) == 1, started[0])
        (code,) = re.findall(r"login\?code=(\S+)", started[0].errors)
        login = clients[1].post("/login", data={"code": code})
        assert login.status_code == 303
        clients[0].cookies.set(COOKIE, login.cookies[COOKIE])
        key = {"Idempotency-Key": "k"}
        made = [client.post(f"{API}/emergency", json=REQUEST, headers=key) for client in (*clients, *clients)]
        assert len({each.json()["data"]["requestId"] for each in made}) == 1, made
        (request_id,) = {each.json()["data"]["requestId"] for each in made}
        path = f"{API}/emergency/{request_id}"
        wait_until(lambda: clients[1].get(path).json()["data"]["finishedAt"], started[0])
        assert clients[1].get(path).json()["data"]["status"] == "complete"
        synced = clients[0].get(f"{API}/syncs?source=chope").json()["data"]["items"]
        assert len(synced) == 1
        runs_daemon = next(each for each in started if "the one of this server waits" not in each.errors)
        other = next(each for each in started if each is not runs_daemon)
        runs_daemon.send_signal(signal.SIGKILL)
        ledger = load_settings(ledger=shared["LEDGER"]).ledger_url
        wait_until(lambda: holder_of(ledger, DAEMON) is not None, other)
        wait_until(_ready(clients[started.index(other)]), other)
    finally:
        for process in started:
            if process.is_running:
                process.send_signal(signal.SIGTERM)
            process.wait()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ready(client: httpx.Client) -> Callable[[], bool]:
    return lambda: is_ready(client)
