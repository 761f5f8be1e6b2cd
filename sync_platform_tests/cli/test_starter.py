"""`emergency starter` starts requests as soon as they are made, each once, despite crashes and beside the sensor."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync_platform.defs.dead_runs import PROCESS_TAG
from sync_platform.defs.emergency import run_requests
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.starter_presence import STARTED_WITHIN, STARTER_LOCK, is_left_to_starter
from sync_platform.emergency.submission import submit_request
from sync_platform.emergency.sync_progress import progress_of_request
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings
from sync_platform.storage.platform_lock import holder_of
from sync_platform_tests.cli.conftest import Shell, wait_until
from sync_platform_tests.warm import StartedProcess

PLATFORMS = load_platforms()


@pytest.fixture
def settings(shell: Shell) -> Settings:
    return Settings(_env_file=None, sync_home=shell.home)


@pytest.fixture
def starter(shell: Shell, settings: Settings, sandbox: Any) -> Iterator[StartedProcess]:
    """A starter that is ready; the platform answers slowly."""
    shell.environment |= sandbox("chope:slow=1*3").addresses("chope")
    process = shell.start("emergency", "starter")
    wait_until(lambda: holder_of(settings.ledger_url, STARTER_LOCK) is not None, process)
    yield process
    process.send_signal(signal.SIGTERM)
    assert process.wait().returncode == 0


def _request(settings: Settings) -> EmergencyRequest:
    requests = RequestStore(settings.ledger_url)
    return submit_request(requests, PLATFORMS, ["chope"], reason="menus are wrong", requester="ada").request


def test_a_request_is_started_without_a_daemon_and_once_although_its_worker_is_killed(
    shell: Shell, settings: Settings, starter: StartedProcess
) -> None:
    requests, request_id = RequestStore(settings.ledger_url), _request(settings).request_id
    assert list(run_requests(requests, PLATFORMS)) == []  # the sensor leaves it to the starter

    def is_fetching() -> bool:
        (platform,) = progress_of_request(settings.ledger_url, request_id).document()["platforms"]
        return bool(platform["progress"]) and platform["progress"]["phase"] == "fetching"

    wait_until(is_fetching, starter)
    first = requests.find(request_id).run_of("chope")
    os.kill(_worker_of(shell, first.run_id or ""), signal.SIGKILL)
    wait_until(lambda: not requests.find(request_id).is_open, starter)
    (run,) = requests.find(request_id).runs
    assert (run.outcome, run.launched_by, run.error) == ("complete", "process", None)
    assert run.run_id != first.run_id
    assert {row["run_id"] for row in shell.query("SELECT run_id FROM sync.runs")} == {run.run_id}


def _worker_of(shell: Shell, run_id: str) -> int:
    """The process that the starter has forked for the request of a run: the parent of the run's process."""
    import dagster as dg

    from sync_platform.defs.dagster_internals import instance_in

    with instance_in(shell.home / "dagster") as instance:
        run = instance.get_run_by_id(run_id)
        assert isinstance(run, dg.DagsterRun)
        pid = run.tags[PROCESS_TAG].split("/")[1]
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def test_the_sensor_launches_a_request_that_no_starter_started_in_time(settings: Settings) -> None:
    request = _request(settings)
    requests = RequestStore(settings.ledger_url)
    assert not is_left_to_starter(settings.ledger_url, request)  # no starter lives
    (launched,) = run_requests(requests, PLATFORMS)
    assert launched.tags["platform"] == "chope"
    assert not is_left_to_starter(settings.ledger_url, request, request.requested_at + STARTED_WITHIN)
