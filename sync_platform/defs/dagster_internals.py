"""The parts of Dagster that this program uses although they are not public.

A test names the version of Dagster in which they were checked. On an upgrade, look for each of them in the new version:

- `InstanceRef.from_dir(folder, overrides)`: an instance over a folder with its own `dagster.yaml`, some settings
  overridden. `DagsterInstance.local_temp` is public, and does the same today for a folder that is meant to be deleted.
- `InstigatorType`, `InstigatorStatus`: the kind and the state of sensors and schedules, as `all_instigator_state` has
  them, and the fields of `ScheduleInstigatorData` and `SensorInstigatorData`.
- `get_ticks`, `TickStatus`: the recorded ticks of a sensor or a schedule.
- `get_required_daemon_types`: the threads of the daemon that send heartbeats.
- `NoOpComputeLogManager`: stores no output of steps.
- `schedule_execution_time_iterator`: the next times and the last times of a schedule.
- The variable `DAGSTER_BACKFILL_RETRY_DEFINITION_CHANGED_ERROR`: with it, a backfill waits while the code server cannot
  be reached (`sync_platform/server/dagster_ui/elected_daemon.py`).
- `CheckError`: raised by `DagsterInstance.get` for a wrong `DAGSTER_HOME`.
- `DagsterExecutionInterruptedError`: ends a run as an interrupt does, which leaves the state of an ended run as it is.
- `DagsterApiServer._check_for_orphaned_runs`: a look at the runs of a code server (`server/dagster_ui/code_server.py`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from dagster import DagsterInstance
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.instance.ref import InstanceRef
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, InstigatorTick, TickStatus
from dagster._utils.schedules import schedule_execution_time_iterator
from dagster_shared.check import CheckError
from filelock import FileLock

__all__ = [
    "CheckError",
    "InstigatorState",
    "InstigatorTick",
    "TickStatus",
    "instance_in",
    "is_schedule_stopped",
    "is_sensor_stopped",
    "last_time",
    "newest_tick",
    "next_tick",
    "required_threads",
    "running_schedules",
    "running_sensors",
]

CHECKED_IN = "1.13.27"
# Capturing the output of steps costs a process for each, and it would take the terminal away from the progress bars.
NO_CAPTURE: dict[str, Any] = {
    "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
}


def instance_in(folder: Path) -> DagsterInstance:
    """The instance in a folder, with the settings of its `dagster.yaml`, that captures no output of steps.

    One process at a time opens it: two that make its databases together would spoil them, for good.
    """
    with FileLock(folder / ".opening.lock"):
        return DagsterInstance.from_ref(InstanceRef.from_dir(str(folder), overrides=NO_CAPTURE))


def is_sensor_stopped(instance: DagsterInstance, name: str) -> bool:
    """True if a person switched off the sensor."""
    return _is_stopped(instance, InstigatorType.SENSOR, name)


def is_schedule_stopped(instance: DagsterInstance, name: str) -> bool:
    """True if a person switched off the schedule."""
    return _is_stopped(instance, InstigatorType.SCHEDULE, name)


def next_tick(cron: str | Sequence[str], after: datetime, timezone: str) -> datetime:
    """The first time of a cron expression, or of several, after a moment."""
    return next(schedule_execution_time_iterator(after.timestamp(), cron, timezone))


def last_time(cron: str | Sequence[str], before: datetime, timezone: str) -> datetime:
    """The last time of a cron expression, or of several, at or before a moment."""
    crons = [cron] if isinstance(cron, str) else cron
    at = before.timestamp()
    backwards = (islice(schedule_execution_time_iterator(at, each, timezone, ascending=False), 3) for each in crons)
    return max(time for times in backwards for time in times if time.timestamp() <= at)


def required_threads(instance: DagsterInstance) -> Mapping[str, float | None]:
    """The threads that the instance's daemon must have, and the time of the last heartbeat of each."""
    heartbeats = instance.get_daemon_heartbeats()
    return {
        name: heartbeats[name].timestamp if name in heartbeats else None
        for name in instance.get_required_daemon_types()
    }


def running_schedules(instance: DagsterInstance) -> list[InstigatorState]:
    """The schedules that are turned on, as the daemon has recorded them."""
    return [each for each in instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE) if each.is_running]


def running_sensors(instance: DagsterInstance) -> list[InstigatorState]:
    """The sensors that are turned on, as the daemon has recorded them."""
    return [each for each in instance.all_instigator_state(instigator_type=InstigatorType.SENSOR) if each.is_running]


def newest_tick(
    instance: DagsterInstance, state: InstigatorState, statuses: Iterable[TickStatus] | None = None
) -> InstigatorTick | None:
    """The newest tick of a schedule or a sensor, of any status, or of the given ones."""
    wanted = list(statuses) if statuses else None
    ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=1, statuses=wanted)
    return ticks[0] if ticks else None


def _is_stopped(instance: DagsterInstance, kind: InstigatorType, name: str) -> bool:
    states = instance.all_instigator_state(instigator_type=kind)
    return any(state.name == name and state.status == InstigatorStatus.STOPPED for state in states)
