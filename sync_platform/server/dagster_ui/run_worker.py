"""A worker: it takes runs from the queue in Redis, one at a time, for as long as it lives.

    python -m sync_platform.server.dagster_ui.run_worker

A worker that is asked to stop takes no further run, and ends after the run that it has.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import dagster as dg
from celery import signals
from dagster_celery.config import TASK_EXECUTE_JOB_NAME

from sync_platform.defs.run_queue import QUEUE
from sync_platform.defs.worker_launcher import WorkerRunLauncher
from sync_platform.errors import SettingsError
from sync_platform.logs.configuration import begin_logging
from sync_platform.server.dagster_ui.worker_run import WorkerRun


def work() -> int:
    """Work until asked to stop; the exit code."""
    begin_logging()
    signals.setup_logging.connect(_keep_logging)
    with dg.DagsterInstance.get() as instance:
        launcher = require_worker_launcher(instance)

        @launcher.celery.task(name=TASK_EXECUTE_JOB_NAME)  # type: ignore[untyped-decorator]
        def execute_job(execute_job_args_packed: Mapping[str, Any]) -> None:
            WorkerRun(instance, launcher.heartbeats, execute_job_args_packed).execute()

        options = {"without_gossip": True, "without_mingle": True, "without_heartbeat": True}
        worker = launcher.celery.Worker(queues=[QUEUE], quiet=True, **options)
        worker.start()
        return int(worker.exitcode or 0)


def require_worker_launcher(instance: dg.DagsterInstance) -> WorkerRunLauncher:
    """The launcher of the instance; SettingsError where it is another one, so that no worker would get a run."""
    launcher = instance.run_launcher
    if not isinstance(launcher, WorkerRunLauncher):
        raise SettingsError(
            f"DAGSTER_HOME names an instance whose runs are launched by {type(launcher).__name__}, not by workers: "
            "use the dagster.yaml of infrastructure/fleet"
        )
    return launcher


def _keep_logging(**_: Any) -> None:
    """Celery configures no logging where something is connected to its signal."""


if __name__ == "__main__":
    sys.exit(work())
