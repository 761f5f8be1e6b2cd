"""A run that waits for its next attempt gives way to an emergency run of its platform; on a real Dagster instance."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import httpx
import pytest

from sync_platform.definitions import build
from sync_platform.defs import retry_wait
from sync_platform.defs.automation import asset_keys, job_name, run_config
from sync_platform.defs.landing import Mode
from sync_platform.defs.progress import NoProgress
from sync_platform.landing.manifest import newest_landing
from sync_platform.settings import load_settings
from sync_platform.sources.period import current_period
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.platform_lock import holder_of
from sync_platform_tests.defs.daemon_harness import PLATFORMS, ROOT, DaemonHarness
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.warm import StartedProcess, started

CHOPE = PLATFORMS["chope"]
DELAY_S = 60
"""The run waits for 30 to 90 s before its second attempt."""


@pytest.fixture
def environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of runs: every request to the platform fails, and none is repeated at once."""
    command = [sys.executable, "-m", "sync_platform.sandbox", "--places", "40", "--fault", "chope:500"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as sandbox:
        assert sandbox.stdout is not None
        url = json.loads(sandbox.stdout.readline())["url"]
        variables = {
            "SYNC_HOME": str(home),
            "CHOPE_BASE_URL": f"{url}/chope",
            "HTTP_ATTEMPTS": "1",
            "SANDBOX_PLACES": "40",
        }
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        yield variables
        sandbox.kill()


def _run_as_scheduled(environment: dict[str, str], delay_s: float, _number: int) -> None:
    retry_wait.RETRY_DELAY_S = delay_s
    daemon = DaemonHarness(Path(environment["SYNC_HOME"]))
    job = build(load_settings(), NoProgress()).resolve_job_def(job_name(CHOPE, Mode.full))
    result = job.execute_in_process(
        instance=daemon.instance,
        run_config=run_config(CHOPE, Mode.full),
        tags={"dagster/schedule_name": "monthly_full_sync"},
        asset_selection=asset_keys(CHOPE),
        partition_key=current_period(CHOPE.cadence).key,
    )
    assert result.success


def _waiting_run(daemon: DaemonHarness, environment: dict[str, str]) -> tuple[StartedProcess, str]:
    """A run of the platform in a process of its own that waits for its second attempt, and the id of the run."""
    (process,) = started(1, _run_as_scheduled, (environment, DELAY_S))
    run = _first(lambda: daemon.instance.get_runs(), process)[0]
    _first(lambda: any("attempt 2 of 3" in text for text in _messages(daemon, run.run_id)), process)
    return process, run.run_id


def _first(find: Callable[[], Any], process: StartedProcess) -> Any:
    limit = time.monotonic() + LONGEST_WAIT_S
    while not (found := find()):
        assert process.is_running, process.wait()
        assert time.monotonic() < limit, "the expected state was not reached in time"
        time.sleep(0.05)
    return found


def _messages(daemon: DaemonHarness, run_id: str) -> list[str]:
    return [entry.user_message for entry in daemon.instance.all_logs(run_id)]


def test_an_emergency_run_does_not_wait_for_a_run_between_two_attempts_which_then_uses_what_it_landed(
    daemon: DaemonHarness, environment: dict[str, str]
) -> None:
    process, waiting_run = _waiting_run(daemon, environment)
    httpx.delete(environment["CHOPE_BASE_URL"].removesuffix("chope") + "_faults")
    request = daemon.request("chope")
    daemon.sense()
    asked_at = time.monotonic()
    _first(daemon.next_in_queue, process)
    _first(lambda: holder_of(daemon.settings.ledger_url, "chope") is None, process)
    waited_s = time.monotonic() - asked_at
    ran = daemon.launch()
    assert ran.status == dg.DagsterRunStatus.SUCCESS
    assert waited_s < DELAY_S / 4
    assert not any("attempt 3" in text for text in _messages(daemon, waiting_run))
    daemon.sense()
    assert daemon.requests.find(request.request_id).outcome == "complete"
    done = process.wait()
    assert done.returncode == 0, done.stderr
    store = FolderStore(daemon.settings.home / "landing_store")
    (landed, *_) = newest_landing(store, "chope", ["restaurants"], current_period(CHOPE.cadence).key)
    assert landed.run_id == ran.run_id
    (pool,) = [limit for limit in daemon.instance.event_log_storage.get_pool_limits() if limit.name == "chope"]
    assert pool.limit == 1
