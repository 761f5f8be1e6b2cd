"""The units of one server under a real systemd: what they do, and what a stop of them does not do."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import httpx
import orjson
import pytest

from sync_platform.api_client import ApiClient
from sync_platform.storage.platform_lock import platform_lock
from sync_platform_tests.infrastructure.test_one_server import UNITS as UNIT_FILES
from sync_platform_tests.one_server.installed_server import STATE, UNITS, InstalledServer
from sync_platform_tests.one_server.queued_run import launched, state_of

pytestmark = pytest.mark.full  # it takes minutes
HEARTBEAT = f"{STATE}/watch/heartbeat.json"


def test_every_unit_runs_as_its_user_and_is_started_again_with_the_machine(server: InstalledServer) -> None:
    assert {f"sync-platform-{name}" for name in UNITS} == {file.stem for file in UNIT_FILES}
    for name in UNITS:
        unit = f"sync-platform-{name}"
        assert (server.machine.state(unit), server.machine.state(f"{unit}.service")) == ("active", "active"), name
        user = server.machine.run(f"ps -o user:32= -p {server.machine.main_pid(unit)}").stdout.strip()
        assert user == "sync-platform"
    wanted = server.machine.run("systemctl list-dependencies --plain multi-user.target").stdout
    assert all(f"sync-platform-{name}.service" in wanted for name in UNITS), wanted


def test_an_emergency_request_is_run_by_the_starter(server: InstalledServer, api: ApiClient) -> None:
    request = api.request_emergency("the menus are wrong", sources=["chope"])
    server.wait_for(lambda: api.emergency(request.request_id).finished_at)
    ended = api.emergency(request.request_id)
    assert (ended.status, [each.reasons for each in ended.platforms]) == ("complete", [[]])


def test_the_daemon_starts_a_run_of_the_queue(server: InstalledServer, client: httpx.Client) -> None:
    run = launched(client)
    server.wait_for(lambda: state_of(client, run) in ("SUCCESS", "FAILURE"))
    assert state_of(client, run) == "SUCCESS", server.machine.journal("sync-platform-code-server")


def test_the_watch_makes_rounds(server: InstalledServer) -> None:
    first = heartbeat(server)
    server.wait_for(lambda: heartbeat(server)["at"] > first["at"])
    assert heartbeat(server)["is_complete"] is True


def test_the_processes_of_a_unit_see_those_of_the_others(server: InstalledServer) -> None:
    """A run whose process is not seen counts as dead."""
    watch, starter = (server.machine.main_pid(f"sync-platform-{name}") for name in ("watch", "starter"))
    as_user = f"nsenter --target={watch} --mount setpriv --reuid=sync-platform --regid=sync-platform --clear-groups"
    assert server.machine.run(f"{as_user} cat /proc/{starter}/stat").stdout.startswith(f"{starter} ")
    assert server.machine.run(f"{as_user} cat /proc/1/stat", check=False).returncode != 0


def test_a_stop_of_all_units_ends_no_run(server: InstalledServer, client: httpx.Client, api: ApiClient) -> None:
    ledger = server.settings["LEDGER"]
    with ExitStack() as held:
        for platform in ("chope", "data_gov_hk"):
            held.enter_context(platform_lock(ledger, platform, "of-the-test", lambda _: None))
        run = launched(client)
        request = api.request_emergency("the hours are wrong", sources=["chope"])
        server.wait_for(lambda: state_of(client, run) == "STARTED")
        server.wait_for(lambda: api.emergency(request.request_id).launched_at)
        server.machine.run("systemctl stop sync-platform.target 'sync-platform-*.service'")
        states = {name: server.machine.state(f"sync-platform-{name}") for name in UNITS}
        assert set(states.values()) <= {"inactive"}, states
        assert is_under_way(server)
    server.wait_for(lambda: not is_under_way(server))
    server.machine.run("systemctl start sync-platform.target")
    server.wait_for(server.is_ready)
    assert state_of(client, run) == "SUCCESS"
    server.wait_for(lambda: api.emergency(request.request_id).finished_at)
    ended = api.emergency(request.request_id)
    assert (ended.status, [each.reasons for each in ended.platforms]) == ("complete", [[]])


def heartbeat(server: InstalledServer) -> dict[str, Any]:
    return dict(orjson.loads(server.machine.run(f"cat {HEARTBEAT}").stdout))


def is_under_way(server: InstalledServer) -> bool:
    """Whether any process of the program runs."""
    return bool(server.machine.run("pgrep --uid sync-platform", check=False).stdout.split())
