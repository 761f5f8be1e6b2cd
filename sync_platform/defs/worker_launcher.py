"""Runs on the workers of several hosts: Dagster's Celery launcher, which also notices a worker that is gone.

What belongs here: handing a run to a worker, cancelling it, and judging whether its worker lives. What a worker does is
in `sync_platform/server/dagster_ui/worker_run.py`. It needs the extra `fleet`.

The launcher of Dagster asks Celery's results, in which a task of a dead host stays "started" for ever. This one asks
for the heartbeats of the run, and for its place in the queue before it begins, so that no results are kept.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any, Self

import dagster as dg
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._serdes import ConfigurableClassData
from dagster_celery.launcher import CeleryRunLauncher
from kombu.exceptions import OperationalError

from sync_platform.defs.run_heartbeats import RunHeartbeats
from sync_platform.defs.run_queue import QUEUE
from sync_platform.errors import SettingsError
from sync_platform.settings import Settings, load_settings

WORKER_TAG = "sync_platform/worker"
CELERY_SETTINGS: dict[str, Any] = {
    "worker_pool": "threads",  # the thread only waits: a run has a process of its own
    "worker_concurrency": 1,
    "worker_disable_prefetch": True,  # a busy worker takes no run that an idle one could begin
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "task_acks_late": False,  # Redis would hand out a long run a second time; Dagster repeats what was lost
    "task_ignore_result": True,
    "broker_connection_retry_on_startup": True,
    "broker_connection_max_retries": None,
    "broker_transport_options": {
        "max_retries": 3,
        "interval_start": 0,
        "interval_step": 0.2,
        "interval_max": 0.5,
        "socket_connect_timeout": 5,
        "socket_keepalive": True,
    },
}


def require_run_broker(settings: Settings) -> str:
    """The address of Redis; SettingsError where it is not set.

    Over TLS its certificate is verified, which kombu does only where the address says so.
    """
    if not settings.run_broker:
        raise SettingsError("RUN_BROKER is not set: it is the Redis of the workers, such as redis://10.0.0.5:6379/0")
    address = settings.run_broker
    if address.startswith("rediss://") and "ssl_cert_reqs=" not in address:
        address += f"{'&' if '?' in address else '?'}ssl_cert_reqs=required"
    return address


def worker_tag(run_id: str) -> str:
    """The value of WORKER_TAG of a run on this host. It has the run's id, because a retry inherits the run's tags."""
    return f"{socket.gethostname()}/{run_id}"


def is_taken(run: dg.DagsterRun) -> bool:
    """True if a worker has taken the run from the queue."""
    return run.tags.get(WORKER_TAG, "").rpartition("/")[2] == run.run_id


class WorkerRunLauncher(CeleryRunLauncher):
    """The launcher of `infrastructure/fleet/dagster.yaml`. RUN_BROKER is its only configuration, as of the workers."""

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        broker = require_run_broker(load_settings())
        super().__init__(default_queue=QUEUE, broker=broker, config_source=CELERY_SETTINGS, inst_data=inst_data)
        self.heartbeats = RunHeartbeats(broker)

    @classmethod
    def config_type(cls) -> dict[str, Any]:
        return {}

    @classmethod
    def from_config_value(cls, inst_data: ConfigurableClassData, config_value: Mapping[str, Any]) -> Self:
        return cls(inst_data, **config_value)

    def launch_run(self, context: LaunchRunContext) -> None:
        """Hand the run to Redis. While Redis does not answer, Dagster puts the run back into its queue."""
        try:
            super().launch_run(context)
        except OperationalError as error:
            # the one error after which Dagster's queue tries a run again
            raise DagsterUserCodeUnreachableError(f"Redis (RUN_BROKER) does not answer: {error}") from error

    def terminate(self, run_id: str) -> bool:
        """Mark the run as being cancelled: its worker stops it within seconds. False if no worker has or gets it."""
        run = self._instance.get_run_by_id(run_id)
        if run is None or run.is_finished or (run.status is dg.DagsterRunStatus.STARTED and not is_taken(run)):
            return False
        self._instance.report_run_canceling(run)
        if not is_taken(run):
            self._instance.report_run_canceled(run, message="it was cancelled before a worker took it")
        return True

    @property
    def supports_resume_run(self) -> bool:
        return False

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        if self.is_worker_gone(run):
            return CheckRunHealthResult(WorkerStatus.FAILED, f"its worker is gone: {run.tags[WORKER_TAG]}")
        return CheckRunHealthResult(WorkerStatus.RUNNING)

    def is_worker_gone(self, run: dg.DagsterRun) -> bool:
        """True if a worker took the run and sends no heartbeat. A run of the command line has no worker."""
        return is_taken(run) and self.heartbeats.is_gone(run.run_id)

    def is_lost(self, run: dg.DagsterRun) -> bool:
        """True if a run that is STARTING will not begin: it is not in the queue, and no worker sends its heartbeat."""
        return self.heartbeats.is_lost(run.run_id)

    def get_run_worker_debug_info(self, run: dg.DagsterRun, include_container_logs: bool | None = True) -> str | None:
        return f"worker: {run.tags[WORKER_TAG]}" if is_taken(run) else "no worker has taken it"
