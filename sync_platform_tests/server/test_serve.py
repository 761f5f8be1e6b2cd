"""`serve` as a process: login by its link, an emergency request, a killed code server meanwhile, a clean stop."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import httpx

from sync_platform_tests.cli.conftest import Shell, wait_until
from sync_platform_tests.server.running_server import children_of, free_port, kill

EMERGENCY = "/api/production-sync/emergency"


def test_serve_keeps_dagster_running_behind_its_login_and_stops_in_order(tmp_path: Path, sandbox: Any) -> None:
    addresses = sandbox("chope:slow=2*3").addresses("chope")
    shell, port = Shell(tmp_path / "home", {"SYNC_ACTOR": "ada", **addresses}), free_port()
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
        request_id = requested(client)
        wait_until(lambda: emergency(client, request_id)["status"] == "running", process)
        assert process.process.pid is not None
        (code_server,) = children_of(process.process.pid, "api grpc")
        kill(code_server)
        wait_until(lambda: not is_ready(client), process)
        assert requested(client) == request_id
        wait_until(
            lambda: is_ready(client) and "vault_backup" in client.post("/dagster/graphql", json=jobs).text, process
        )
        wait_until(lambda: emergency(client, request_id)["finishedAt"], process)
        assert emergency(client, request_id)["status"] == "complete"
    finally:
        process.send_signal(signal.SIGTERM)
        done = process.wait()
    assert done.returncode == 0, done.stderr
    assert len(shell.query("SELECT DISTINCT run_id FROM sync.runs")) == 1
    assert '"outcome":"complete"' in shell.run_in_process("audit", "--operation", "serve", "--json").stdout.replace(
        " ", ""
    )


def requested(client: httpx.Client) -> str:
    """The id of the emergency request, which is sent with the same key each time."""
    body = {"reason": "menus are wrong", "sources": ["chope"]}
    answer = client.post(EMERGENCY, json=body, headers={"Idempotency-Key": "k1"})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["data"]["requestId"])


def emergency(client: httpx.Client, request_id: str) -> Any:
    return client.get(f"{EMERGENCY}/{request_id}").json()["data"]


def is_ready(client: httpx.Client) -> bool:
    try:
        return client.get("/readyz").status_code == 200
    except httpx.TransportError:  # it does not listen yet
        return False
