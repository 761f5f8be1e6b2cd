"""The disk of the daemon is full: the server says so and goes on, and works again once there is room."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import httpx
import orjson
import pytest

from sync_platform.api_client import ApiClient
from sync_platform.storage.platform_lock import platform_lock
from sync_platform_tests.one_server.installed_server import STATE, UNITS, InstalledServer
from sync_platform_tests.one_server.queued_run import launch, launched, process_of, state_of, successful

pytestmark = pytest.mark.full  # it takes minutes
FILLER = f"{STATE}/of-something-else"
NOT_WRITTEN = "disk I/O error"
"""What SQLite says where Dagster's records are on a full disk."""
INSERTED = "SELECT inserted FROM sync.runs WHERE platform = 'data_gov_hk' AND status = 'complete' ORDER BY started_at"


def test_a_full_disk_is_an_alert_and_runs_go_on_once_there_is_room(
    server: InstalledServer, client: httpx.Client, api: ApiClient
) -> None:
    before = successful(client)
    with ExitStack() as full:
        with platform_lock(server.settings["LEDGER"], "data_gov_hk", "of-the-test", lambda _: None):
            under_way = launched(client)
            server.wait_for(lambda: state_of(client, under_way) == "STARTED" and process_of(client, under_way))
            process = process_of(client, under_way)
            full.enter_context(full_disk(server))
            server.wait_for(lambda: "disk-full" in open_problems(api))
            assert not server.is_ready()
            assert NOT_WRITTEN in launch(client)["data"]["launchRun"]["message"]
            health = client.get("/api/production-sync/health").raise_for_status().json()["data"]
            assert "disk" in {each["part"] for each in health["losses"]}
            request = api.request_emergency("the menus are wrong", sources=["chope"])
            server.wait_for(lambda: api.emergency(request.request_id).finished_at)
            assert "free some space" in api.emergency(request.request_id).platforms[0].reasons[0]
            server.wait_for(lambda: "emergency-in-trouble" in open_problems(api))  # in the next round of the watch
        server.wait_for(lambda: not is_alive(server, process))  # it cannot write its events
    server.wait_for(lambda: state_of(client, under_way) == "FAILURE")
    server.wait_for(lambda: successful(client) - before)  # Dagster has started it again
    run = launched(client)
    server.wait_for(lambda: state_of(client, run) in ("SUCCESS", "FAILURE"))
    assert state_of(client, run) == "SUCCESS"
    rows = inserted(server)  # none twice, whatever was there before the test
    assert rows[0] > 0 and not any(rows[1:])
    server.wait_for(lambda: "disk-full" not in open_problems(api))
    assert {server.machine.state(f"sync-platform-{name}") for name in UNITS} == {"active"}
    assert server.is_ready()


@contextmanager
def full_disk(server: InstalledServer) -> Iterator[None]:
    """In the block, something else takes all room on the disk of the server, also what is freed meanwhile."""
    fill = f"while :; do cat /dev/zero >> {FILLER}; sleep 0.2; done"
    server.machine.run(f"systemd-run --unit=filler sh -c '{fill}'")
    try:
        yield
    finally:
        server.machine.run(f"systemctl stop filler; rm {FILLER}")


def open_problems(api: ApiClient) -> set[str]:
    return {each.name for each in api.alerts()}


def inserted(server: InstalledServer) -> list[int]:
    """How many rows each complete sync of the register inserted."""
    return [each["inserted"] for each in orjson.loads(server.program("query", INSERTED, "--json"))]


def is_alive(server: InstalledServer, process: str | None) -> bool:
    state = server.machine.run(f"ps -o stat= -p {process}", check=False).stdout
    return bool(state.strip()) and not state.startswith("Z")
