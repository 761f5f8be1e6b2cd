"""Runs whose process was killed: Dagster goes on believing in them, and they go on holding their platforms' pools.

What belongs here: knowing the dead from the living, and settling them. What to do about a run that is merely slow
is decided elsewhere.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import dagster as dg

PROCESS_TAG = "sync_platform/process"
LOOK_EVERY_S = 60
UNFINISHED = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]


def this_process(run_id: str) -> str:
    """This process, as the run in it is tagged: told apart from any other, on any machine, at any time. The run's id is
    in it because a run that repeats another inherits its tags."""
    return f"{os.uname().nodename}/{os.getpid()}/{_started_at(os.getpid())}/{run_id}"


def settle_dead_runs(instance: dg.DagsterInstance) -> None:
    """End the runs that this machine's dead processes left unfinished."""
    for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED)):
        process, _, tagged = run.tags.get(PROCESS_TAG, "").rpartition("/")
        if tagged == run.run_id and not _is_alive(process):
            instance.report_run_failed(run, message="the process that ran it has died")
            instance.event_log_storage.free_concurrency_slots_for_run(run.run_id)


@dg.sensor(
    name="dead_runs",
    minimum_interval_seconds=LOOK_EVERY_S,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Ends runs whose process was killed, so that no queued run waits for them.",
)
def dead_runs_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
    settle_dead_runs(context.instance)
    return dg.SkipReason("it only settles runs, and asks for none")


def free_pools(instance: dg.DagsterInstance, pools: Iterable[str], run_id: str) -> None:
    """Take the pools from every other run, on the word of one who knows that those runs are dead."""
    storage = instance.event_log_storage
    if not storage.supports_global_concurrency_limits:
        return
    for pool in pools:
        held = storage.get_concurrency_info(pool)
        for other in {*held.active_run_ids, *held.pending_run_ids, *held.assigned_run_ids} - {run_id}:
            storage.free_concurrency_slots_for_run(other)


def _is_alive(process: str) -> bool:
    """Whether a tagged process still runs; one on another machine is taken to."""
    node, pid, started_at = process.split("/")
    return node != os.uname().nodename or _started_at(int(pid)) == started_at


def _started_at(pid: int) -> str:
    """When a process started, in clock ticks since boot, so that a reused id is not mistaken; empty for none."""
    try:
        state, *numbers = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return "" if state in "ZX" else numbers[18]  # dead, but nobody has asked after it yet: common in containers
    except OSError:
        pass
    try:
        os.kill(pid, 0)  # a system without /proc: the id alone has to do
    except OSError:
        return ""
    return "unknown"
