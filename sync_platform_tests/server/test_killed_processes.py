"""Each process of `serve`, killed in the middle of an emergency request and of a restore: done once, and said so."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync_platform.api.backup_answer import RestoreBody
from sync_platform.settings import load_settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform_tests.cli.backed_up_home import backed_up_home
from sync_platform_tests.server.running_server import RunningServer, children_of, kill

CHILDREN = {"the code server": "api grpc", "the daemon": "elected_daemon", "the starter": "emergency starter"}
pytestmark = pytest.mark.full  # test_serve.py kills one of them; backup/test_killed.py kills a job at its steps


@pytest.fixture
def server(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, sandbox: Any) -> Iterator[RunningServer]:
    """A server over a home with a backup. Chope answers slowly."""
    shell = backed_up_home(tmp_path / "home", tmp_path_factory).shell
    shell.environment |= sandbox("chope:slow=3*3").addresses("chope")
    running = RunningServer(shell)
    yield running
    done = running.stop()
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("victim", ["the server", *CHILDREN, "the forker", "the worker", "the run"])
def test_an_emergency_request_is_run_once_although_a_process_is_killed(server: RunningServer, victim: str) -> None:
    first = server.client.request_emergency("menus are wrong", sources=["chope"], key="k1")

    def progress() -> str:
        return server.client.emergency(first.request_id).platforms[0].progress or ""

    server.wait_until(lambda: "page" in progress() or "fetch" in progress())
    _kill(server, victim)
    again = server.client.request_emergency("menus are wrong", sources=["chope"], key="k1")
    assert (again.request_id, again.joined) == (first.request_id, False)
    server.wait_until(lambda: server.client.emergency(first.request_id).finished_at)
    ended = server.client.emergency(first.request_id)
    assert (ended.status, [each.reasons for each in ended.platforms]) == ("complete", [[]])
    runs = server.shell.query(f"SELECT DISTINCT run_id FROM sync.runs WHERE request_id = '{first.request_id}'")
    assert [row["run_id"] for row in runs] == [ended.platforms[0].run_id]
    server.wait_until(lambda: server.shell.unfinished_runs() == [])
    server.wait_until(server.is_ready)


@pytest.mark.parametrize("victim", ["the server", *CHILDREN, "the job", "the server and the job"])
def test_a_restore_is_done_once_although_a_process_is_killed(server: RunningServer, victim: str) -> None:
    code, document = server.shell.sync("chope")
    assert code == 0, document
    (backup,) = list(server.client.backups())
    body = RestoreBody.model_validate(
        {"backupId": backup.backup_id, "targetEnvironment": "development", "conflictResolution": "overwrite"}
    )
    first = server.client.start_restore(body, key="k1")
    server.wait_until(lambda: server.client.job(first.job_id).state != "queued")
    _kill_in_restore(server, victim, first.job_id)
    assert server.client.start_restore(body, key="k1").job_id == first.job_id
    done = server.client.finished(server.client.job(first.job_id), poll_s=0.2)
    assert (done.state, done.error) == ("complete", None)
    assert done.result is not None
    changed = [table for table in done.result["tables"] if table["updated"] or table["removed"]]
    assert changed
    restored = server.shell.query("SELECT DISTINCT run_id FROM sync.restores")
    assert [first.job_id in row["run_id"] for row in restored] == [True]
    log = AuditLog(load_settings(sync_home=server.shell.home).ledger_url)
    assert [each.outcome for each in log.entries(operation="restore")].count("complete") == 1
    server.wait_until(server.is_ready)


def _kill(server: RunningServer, victim: str) -> None:
    if victim == "the server":
        server.kill_and_start_again()
        return
    if victim in CHILDREN:
        kill(server.child(CHILDREN[victim]))
        return
    (forker,) = children_of(server.child(CHILDREN["the starter"]))
    (worker,) = children_of(forker)
    kill({"the forker": forker, "the worker": worker, "the run": max(children_of(worker))}[victim])


def _kill_in_restore(server: RunningServer, victim: str, job_id: str) -> None:
    if victim in CHILDREN:
        kill(server.child(CHILDREN[victim]))
    elif victim == "the job":
        kill(server.child(job_id))
    elif victim == "the server":
        server.kill_and_start_again()
    else:
        job = server.child(job_id)
        server.process.send_signal(signal.SIGSTOP)  # otherwise it starts the job again before it is killed
        kill(job)
        server.kill_and_start_again()
