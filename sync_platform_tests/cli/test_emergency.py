"""`emergency` on the command line, with and without a daemon that launches the request."""

from __future__ import annotations

import getpass
import json
import re
import signal
import time
from typing import Any

import pytest

from sync_platform.emergency.request_store import RequestStore
from sync_platform.lake.syncs import SyncRecord, syncs_of_request
from sync_platform.settings import Settings
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.cli.conftest import Shell


def _status(shell: Shell, *arguments: str) -> tuple[int, dict[str, Any]]:
    done = shell.run("emergency", "status", "--json", *arguments)
    return done.returncode, json.loads(done.stdout)


def _on_record(shell: Shell, request_id: str) -> list[SyncRecord]:
    with Lake(LakeAddress.of(Settings(_env_file=None, sync_home=shell.home)), read_only=True) as lake:
        return syncs_of_request(lake, request_id)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["chope"], "Missing option '--reason'"),
        (["chop", "--reason", "x"], "unknown platform chop; there are data_gov_hk"),
        (["chope", "--reason", " "], "needs a reason"),
        (["chope", "--reason", "x", "--priority", "urgent"], "Invalid value for '--priority'"),
    ],
)
def test_a_bad_request_is_bad_usage_and_leaves_nothing(shell: Shell, arguments: list[str], message: str) -> None:
    done = shell.run_in_process("emergency", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr
    assert not shell.home.exists()


def test_a_request_that_nothing_launches_reports_that_and_runs_here_once_with_now(shell: Shell) -> None:
    asked = shell.run("emergency", "chope", "--reason", "menus are [wrong]")
    assert asked.returncode == 0, asked.stderr
    assert "no Dagster daemon is running" in asked.stdout and "--now" in asked.stdout
    request_id = asked.stdout.split()[1].rstrip(":")
    ran = shell.run("emergency", "chope", "--reason", "still wrong", "--priority", "critical", "--now", "--json")
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert (document["request_id"], document["status"], document["priority"]) == (request_id, "complete", "critical")
    assert [asking["reason"] for asking in document["askings"]] == ["menus are [wrong]", "still wrong"]
    (platform,) = document["platforms"]
    assert (platform["platform"], platform["status"], platform["launched_by"]) == ("chope", "complete", "process")
    rows = shell.query(
        "SELECT run_id, request_id, requested_by, request_priority, records FROM sync.runs ORDER BY dataset"
    )
    assert {(row["run_id"], row["request_id"], row["requested_by"], row["request_priority"]) for row in rows} == {
        (platform["run_id"], request_id, getpass.getuser(), "critical")
    }
    assert {part["dataset"]: part["records"] for part in platform["datasets"]}.keys() == {"restaurants", "reservations"}
    report = shell.run("emergency", "status", request_id)
    assert report.returncode == 0
    assert f"emergency request {request_id}: complete" in report.stdout
    assert "menus are [wrong]" in report.stdout
    assert platform["run_id"] in report.stdout
    assert re.search(r"^Next: sync-platform changes chope --since \d{4}-\d{2}-\d{2}$", report.stdout, re.MULTILINE)
    assert f"Next: sync-platform emergency status {request_id}\n" in shell.run_in_process("emergency", "status").stdout


def test_a_failed_request_is_reported_with_its_reason_and_exit_code(shell: Shell) -> None:
    shell.environment["CHOPE_BASE_URL"] = "http://127.0.0.1:9"
    ran = shell.run("emergency", "chope", "--reason", "x", "--key", "ticket-7", "--now")
    assert ran.returncode == 1
    assert "http://127.0.0.1:9" in ran.stdout
    assert ran.stdout.endswith("Next: sync-platform sync chope\n")
    again = shell.run("emergency", "chope", "--reason", "x", "--key", "ticket-7", "--json")
    document = json.loads(again.stdout)
    assert (again.returncode, document["status"]) == (1, "failed")
    assert [each.status for each in _on_record(shell, document["request_id"])] == ["failed"]


def test_an_unknown_request_is_bad_usage(shell: Shell) -> None:
    done = shell.run("emergency", "status", "20261124T083000-1f3a9c")
    assert done.returncode == 2
    assert "there is no emergency request '20261124T083000-1f3a9c'" in done.stderr


def test_a_request_killed_during_its_run_stays_open_and_completes_the_next_time(shell: Shell, sandbox: Any) -> None:
    shell.environment |= sandbox("chope:slow=30").addresses("chope")
    process = shell.start("emergency", "chope", "--reason", "menus are wrong", "--now")
    requests = RequestStore(f"sqlite:///{shell.home / 'ledger.sqlite'}")
    while not any(request.state == "running" for request in requests.open_requests()):
        assert process.is_running, process.wait()
        time.sleep(0.05)
    (request,) = requests.open_requests()
    platform: dict[str, Any] = {"progress": None}
    while not platform["progress"]:  # the run writes its first message a moment after the claim
        (platform,) = _status(shell, request.request_id)[1]["platforms"]
    assert (platform["status"], platform["progress"]) == ("running", 'Started execution of step "landing__chope".')
    process.send_signal(signal.SIGKILL)
    process.wait()
    code, listed = _status(shell)
    assert (code, [request["status"] for request in listed["requests"]]) == (0, ["requested"])
    shell.environment.pop("CHOPE_BASE_URL")
    ran = shell.run("emergency", "chope", "--reason", "menus are wrong", "--now", "--json")
    assert ran.returncode == 0, ran.stderr
    document = json.loads(ran.stdout)
    assert (document["request_id"], document["status"]) == (listed["requests"][0]["request_id"], "complete")
    assert {row["run_id"] for row in shell.query("SELECT run_id FROM sync.runs")} == {
        document["platforms"][0]["run_id"]
    }
