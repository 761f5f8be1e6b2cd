"""`serve` as a process: login by its link, a run launched through GraphQL, a killed code server, a clean stop."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
from pathlib import Path

import httpx

from sync_platform_tests.cli.conftest import Shell, wait_until
from sync_platform_tests.warm import StartedProcess


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_serve_keeps_dagster_running_behind_its_login_and_stops_in_order(tmp_path: Path) -> None:
    shell, port = Shell(tmp_path / "home", {"SYNC_ACTOR": "ada"}), free_port()
    url = f"http://127.0.0.1:{port}"
    process = shell.start("serve", "--port", str(port))
    client = httpx.Client(base_url=url, headers={"Origin": url}, timeout=30)
    try:
        wait_until(lambda: "login?code=" in process.errors, process)
        wait_until(lambda: is_ready(client), process)
        assert client.get("/dagster/server_info").status_code == 401
        (code,) = re.findall(r"login\?code=(\S+)", process.errors)
        assert client.post("/login", data={"code": code}).status_code == 303
        second = shell.run_in_process("serve", "--port", str(free_port()))
        assert (second.returncode, "runs already" in second.stderr) == (1, True)
        jobs = {"query": "{ repositoriesOrError { ... on RepositoryConnection { nodes { jobs { name } } } } }"}
        assert "vault_backup" in client.post("/dagster/graphql", json=jobs).text
        os.kill(code_server_of(process), signal.SIGKILL)
        wait_until(lambda: not is_ready(client), process)
        wait_until(
            lambda: is_ready(client) and "vault_backup" in client.post("/dagster/graphql", json=jobs).text, process
        )
    finally:
        process.send_signal(signal.SIGTERM)
        done = process.wait()
    assert done.returncode == 0, done.stderr
    assert '"outcome":"complete"' in shell.run_in_process("audit", "--operation", "serve", "--json").stdout.replace(
        " ", ""
    )


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:  # it does not listen yet
        return False


def code_server_of(process: StartedProcess) -> int:
    listed = subprocess.run(["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    lines = (line.split(None, 2) for line in listed.splitlines())
    (found,) = (int(pid) for pid, parent, text in lines if parent == str(process.process.pid) and "api grpc" in text)
    return found
