"""The parts of `serve`, each in a process of its own."""

from __future__ import annotations

import signal
from pathlib import Path

import httpx
import pytest
from dagster import DagsterInstance

from sync_platform.errors import SettingsError
from sync_platform.server.dagster_ui.run_worker import require_worker_launcher
from sync_platform.server.processes.dagster_processes import code_server_command, daemon_command
from sync_platform.server.processes.separate_process import require_code_server
from sync_platform.settings import load_settings
from sync_platform_tests.cli.conftest import Shell, wait_until
from sync_platform_tests.server.test_serve import free_port, is_ready


def test_the_daemon_is_told_where_the_code_server_listens(tmp_path: Path) -> None:
    command = daemon_command(tmp_path, {"host": "code", "port": 4266}, "json")
    assert str(tmp_path / "workspace.yaml") in command
    assert (tmp_path / "workspace.yaml").read_text() == (
        'load_from:\n- grpc_server:\n    host: "code"\n    port: 4266\n    location_name: "sync_platform.definitions"\n'
    )
    assert "--port" in code_server_command(["--host", "127.0.0.1", "--port", "4266"], "json")


@pytest.mark.parametrize("address", ["code", "code:", ":4266", "code:0", "code:65536", "code:http"])
def test_an_address_of_the_code_server_without_host_or_port_is_refused(address: str) -> None:
    with pytest.raises(SettingsError, match="CODE_SERVER=.*must be host:port"):
        load_settings(code_server=address)


def test_a_part_needs_the_address_of_the_code_server() -> None:
    with pytest.raises(SettingsError, match="CODE_SERVER is not set"):
        require_code_server(load_settings())


@pytest.mark.parametrize("broker", ["10.0.0.5:6379", "redis://", "amqp://guest@10.0.0.5//"])
def test_an_address_of_the_workers_redis_that_is_none_is_refused(broker: str) -> None:
    with pytest.raises(SettingsError, match="RUN_BROKER=.*must start with redis:// or rediss://"):
        load_settings(run_broker=broker)


def test_a_worker_that_would_get_no_runs_is_refused(tmp_path: Path) -> None:
    done = Shell(tmp_path / "home").run_in_process("serve", "--only", "worker")
    assert (done.returncode, "RUN_BROKER is not set" in done.stderr) == (2, True), done.stderr
    with pytest.raises(SettingsError, match="launched by SyncInMemoryRunLauncher, not by workers"):
        require_worker_launcher(DagsterInstance.ephemeral())


@pytest.mark.full
def test_the_parts_of_the_server_run_apart_and_stop_when_they_are_asked(tmp_path: Path) -> None:
    url, code = f"http://127.0.0.1:{(port := free_port())}", f"127.0.0.1:{free_port()}"
    shell = Shell(tmp_path / "home", {"CODE_SERVER": code, "SERVE_PORT": str(port)})
    client = httpx.Client(base_url=url, timeout=30)
    web = shell.start("serve", "--only", "web")
    parts = [web, *(shell.start("serve", "--only", part) for part in ("code-server", "daemon"))]
    done = []
    try:
        wait_until(lambda: is_ready(client), web)
        wait_until(lambda: '"is_daemon_running": true' in shell.run_in_process("status", "--json").stdout, parts[-1])
        second = shell.run_in_process("serve", "--only", "daemon")
        assert (second.returncode, "runs already" in second.stderr) == (1, True)
        assert "login?code=" not in web.errors
        code_server = parts.pop(1)
        code_server.send_signal(signal.SIGTERM)
        done = [code_server.wait()]
        wait_until(lambda: client.get("/readyz").json()["warnings"], web)
        assert is_ready(client)
    finally:
        for each in parts:
            each.send_signal(signal.SIGTERM)
        done += [each.wait() for each in parts]
    assert [each.returncode for each in done] == [0, 0, 0], [each.stderr for each in done]
