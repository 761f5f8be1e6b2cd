"""One server of containers, as the compose file starts it: closed, reached through Caddy only, and started again."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Iterator

import httpx
import orjson
import pytest

from sync_platform.api_client import ApiClient
from sync_platform_tests.infrastructure.test_one_server import services
from sync_platform_tests.one_server.composed_server import ENGINE, ComposedServer, composed_server
from sync_platform_tests.one_server.queued_run import launched, state_of
from sync_platform_tests.one_server.site_client import SITE

pytestmark = pytest.mark.full  # it takes minutes
HEARTBEAT = "/var/lib/sync-platform/watch/heartbeat.json"


@pytest.fixture(scope="module")
def composed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ComposedServer]:
    with composed_server(tmp_path_factory.mktemp("sync-platform-tests-")) as server:
        server.wait_for(server.is_ready)
        server.run("web", "sync-platform", "user", "add", "ada", "--role", "admin")
        yield server


@pytest.fixture(scope="module")
def client(composed: ComposedServer) -> Iterator[httpx.Client]:
    """A client with the rights of an admin."""
    printed = composed.run("web", "sync-platform", "token", "create", "tests", "--role", "admin").stdout
    with composed.client() as client:
        client.headers["Authorization"] = f"Bearer {re.findall(r'sp_[^ ]+', printed)[0].strip()}"
        yield client


@pytest.fixture
def api(client: httpx.Client) -> ApiClient:
    return ApiClient(f"https://{SITE}", http=client)


def test_the_site_is_reached_through_caddy_only_and_not_without_a_login(composed: ComposedServer) -> None:
    with composed.client() as anonymous:
        assert {anonymous.get(path).status_code for path in ("/", "/dagster/", "/metrics")} == {401}
    with composed.client(knows_authority=False) as stranger, pytest.raises(httpx.ConnectError, match="VERIFY_FAILED"):
        stranger.get("/healthz")
    for port in (3000, 4266):
        with pytest.raises(httpx.ConnectError):
            httpx.get(f"http://127.0.0.1:{port}/healthz")


def test_every_container_is_closed(composed: ComposedServer) -> None:
    for name in services():
        status = composed.run(name, "grep", "-E", "^(Uid|NoNewPrivs|Cap(Eff|Bnd)):", "/proc/self/status").stdout
        assert re.findall(r"(\w+):\s+(\S+)", status) == [
            ("Uid", "10001"),
            ("CapEff", "0" * 16),
            ("CapBnd", "0" * 16),
            ("NoNewPrivs", "1"),
        ], name
        written = composed.run(name, "touch", "/opt/x", check=False)
        assert written.returncode != 0 and "Read-only file system" in written.stdout + written.stderr, name


def test_an_emergency_request_and_a_queued_run_end_well(
    composed: ComposedServer, client: httpx.Client, api: ApiClient
) -> None:
    request, run = api.request_emergency("the menus are wrong", sources=["chope"]), launched(client)
    composed.wait_for(lambda: api.emergency(request.request_id).finished_at)
    assert api.emergency(request.request_id).status == "complete"
    composed.wait_for(lambda: state_of(client, run) in ("SUCCESS", "FAILURE"))
    assert state_of(client, run) == "SUCCESS", composed.compose("logs", "code-server").stdout


def test_the_watch_makes_rounds(composed: ComposedServer) -> None:
    first = heartbeat(composed)
    composed.wait_for(lambda: heartbeat(composed)["at"] > first["at"])
    assert heartbeat(composed)["is_complete"] is True


def test_a_container_that_is_killed_is_started_again(composed: ComposedServer) -> None:
    for name in ("web", "code-server"):
        killed = main_process(composed, name)
        os.kill(killed, signal.SIGKILL)
        composed.wait_for(lambda name=name, killed=killed: main_process(composed, name) not in (0, killed))
    composed.wait_for(composed.is_ready)


def test_what_is_stored_outlives_the_containers(composed: ComposedServer, client: httpx.Client) -> None:
    before = composed.run("web", "sync-platform", "user", "list", "--json").stdout
    composed.compose("down")
    composed.compose("up", "--detach")
    composed.wait_for(composed.is_ready)
    assert composed.run("web", "sync-platform", "user", "list", "--json").stdout == before
    assert client.get("/api/production-sync/health").status_code == 200


def heartbeat(composed: ComposedServer) -> dict[str, object]:
    return dict(orjson.loads(composed.run("watch", "cat", HEARTBEAT).stdout))


def main_process(composed: ComposedServer, service: str) -> int:
    """The first process of a container, as this machine counts; 0 where it does not run."""
    labels = {"project": composed.folder.name, "service": service}
    filters = [f"--filter=label=com.docker.compose.{name}={value}" for name, value in labels.items()]
    (container,) = engine("ps", "--all", "--quiet", *filters).split()
    return int(engine("inspect", "--format", "{{.State.Pid}}", container))


def engine(*arguments: str) -> str:
    return subprocess.run([ENGINE, *arguments], capture_output=True, text=True, check=True).stdout
