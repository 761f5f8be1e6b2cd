"""A home with its requests and lake, and a real Dagster instance on it, whose daemons the tests run by hand."""

from __future__ import annotations

import logging
import signal
from pathlib import Path
from typing import Any

import dagster as dg
import yaml
from dagster._core.instance.ref import InstanceRef
from dagster._core.remote_origin import InProcessCodeLocationOrigin
from dagster._core.test_utils import InProcessTestWorkspaceLoadTarget
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._daemon.run_coordinator.queued_run_coordinator_daemon import QueuedRunCoordinatorDaemon
from dagster._daemon.sensor import execute_sensor_iteration

from sync_platform.cli.runner.home import INSTANCE_YAML
from sync_platform.defs.emergency import EMERGENCY
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.submission import submit_request
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings
from sync_platform.storage.lake_address import LakeAddress

PLATFORMS = load_platforms()
ROOT = Path(__file__).parents[2]
IN_THIS_PROCESS = {
    "run_launcher": {
        "module": "dagster._core.launcher.sync_in_memory_run_launcher",
        "class": "SyncInMemoryRunLauncher",
    },
    "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"},
}


class DaemonHarness:
    """A home with its requests and lake, and a Dagster instance on it. The tests run the instance's daemons by hand."""

    def __init__(self, home: Path) -> None:
        self.settings = Settings(_env_file=None, sync_home=home, sandbox_places=40)
        self.requests = RequestStore(self.settings.ledger_url)
        self.lake = LakeAddress.of(self.settings)
        overrides = {**yaml.safe_load(INSTANCE_YAML), **IN_THIS_PROCESS}
        (home / "dagster").mkdir(parents=True, exist_ok=True)
        self.instance = dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(home / "dagster"), overrides=overrides))
        location = LoadableTargetOrigin(module_name="sync_platform.definitions", working_directory=str(ROOT))
        origin = InProcessCodeLocationOrigin(location, location_name="sync_platform")
        self.workspace = WorkspaceProcessContext(self.instance, InProcessTestWorkspaceLoadTarget(origin))

    def request(self, *names: str, **options: Any) -> EmergencyRequest:
        options = {"reason": "menus are wrong", "requester": "ada", **options}
        return submit_request(self.requests, PLATFORMS, list(names), **options).request

    def sense(self, crash_at: str = "") -> None:
        """Run Dagster's sensor daemon once; `crash_at` names the moment at which it is killed."""
        self.instance.wipe_all_schedules()  # deletes the time of the last tick, or the daemon would wait ten seconds
        flags: Any = {EMERGENCY: {crash_at: signal.SIGKILL}} if crash_at else None
        log = logging.getLogger("sensors")
        list(execute_sensor_iteration(self.workspace, log, None, None, debug_crash_flags=flags))

    def next_in_queue(self) -> list[dg.DagsterRun]:
        """The runs that Dagster's queue would launch now, in its order."""
        with QueuedRunCoordinatorDaemon(interval_seconds=1) as queue:
            return list(
                queue._get_runs_to_dequeue(
                    self.instance, self.instance.get_concurrency_config(), fixed_iteration_time=None
                )
            )

    def launch(self) -> dg.DagsterRun:
        """Launch the only run in Dagster's queue, and run it to its end in this process."""
        (queued,) = self.next_in_queue()
        with QueuedRunCoordinatorDaemon(interval_seconds=1) as queue:
            list(queue.run_iteration(self.workspace))
        ran = self.instance.get_run_by_id(queued.run_id)
        assert ran is not None
        return ran

    def runs(self, platform: str) -> list[dg.DagsterRun]:
        return list(self.instance.get_runs(dg.RunsFilter(tags={"platform": platform})))

    def close(self) -> None:
        self.workspace.__exit__(None, None, None)
        self.instance.dispose()
