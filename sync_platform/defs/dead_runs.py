"""Dead runs: runs whose process was killed. Dagster counts them as running, and they occupy their platforms' pools.

A run on another host whose worker is gone is noticed by Dagster's run monitoring, and before it begins by Dagster's
daemon (`sync_platform/server/dagster_ui/lost_runs.py`).

A run can also count as dead while its process goes on: its host was cut off for a while. Dagster would store the
success of such a run in place of its failure, although its retry has begun. So its process stops before it commits.

What belongs here: finding dead runs, and ending them. Slow runs are not dead.
"""

from __future__ import annotations

import os
from collections.abc import Iterable

import dagster as dg
from dagster._core.errors import DagsterExecutionInterruptedError

from sync_platform.storage.process_identity import is_dead_here, own_process

PROCESS_TAG = "sync_platform/process"
POD_TAG = "sync_platform/pod"
"""The tag of a run in a pod of Kubernetes: the name of the pod, and the run's id, because a retry inherits the tag."""
LOOK_EVERY_S = 60
UNFINISHED = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def this_process(run_id: str) -> str:
    """The value of PROCESS_TAG for a run in this process. No other process, on any machine, ever has the same value.

    It contains the run's id, because a retry of a run inherits the tags of the run.
    """
    return f"{own_process()}/{run_id}"


def tags_of_process(run_id: str) -> dict[str, str]:
    """The tags that say where a run is carried out: the process, and on Kubernetes the pod."""
    tags = {PROCESS_TAG: this_process(run_id)}
    # Kubernetes gives each pod this variable, and the pod's name as its host name
    return tags | {POD_TAG: f"{os.uname().nodename}/{run_id}"} if "KUBERNETES_SERVICE_HOST" in os.environ else tags


def pod_of(run: dg.DagsterRun) -> str:
    """The name of the pod that the run's process is in; empty where it is in none, or has not begun."""
    pod, _, tagged = run.tags.get(POD_TAG, "").rpartition("/")
    return pod if tagged == run.run_id else ""


def end_dead_runs(instance: dg.DagsterInstance, *, interrupted: bool = False) -> None:
    """End the unfinished runs of dead processes of this machine. They failed, or a person interrupted them."""
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        if is_dead(run):
            if interrupted:
                cancel_run(instance, run.run_id)
            else:
                instance.report_run_failed(run, message="the process that ran it has died")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


def is_dead(run: dg.DagsterRun) -> bool:
    """True if the run's process was on this machine, and has died."""
    process, _, tagged = run.tags.get(PROCESS_TAG, "").rpartition("/")
    return tagged == run.run_id and is_dead_here(process)


def require_under_way(instance: dg.DagsterInstance, run_id: str) -> None:
    """Interrupt the run of this process where Dagster's records say that it has ended; its state there stays.

    Nothing follows where they cannot be read now.
    """
    try:
        run = instance.get_run_by_id(run_id)
    except Exception:  # whatever the database's driver raises
        return
    if run is not None and run.is_finished:
        raise DagsterExecutionInterruptedError(f"run {run_id} has ended: others have given it up")


def cancel_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Store that a person interrupted the run: Dagster shows it as canceled and its checks as skipped."""
    if run := instance.get_run_by_id(run_id):
        instance.report_run_canceled(run, message="a person interrupted the command that ran it")


@dg.sensor(
    name="dead_runs",
    minimum_interval_seconds=LOOK_EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs whose process was killed, so that no queued run waits for them.",
)
def dead_runs_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    end_dead_runs(context.instance)
    return dg.SkipReason("this sensor only ends dead runs, and launches none")


def free_pools(instance: dg.DagsterInstance, pools: Iterable[str], run_id: str) -> None:
    """Free the pools that other runs occupy. The caller has the lock of these platforms, so the other runs are dead."""
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    for pool in pools:
        info = storage.get_concurrency_info(pool)
        for other in {*info.active_run_ids, *info.pending_run_ids, *info.assigned_run_ids} - {run_id}:
            storage.free_concurrency_slots_for_run(other)
