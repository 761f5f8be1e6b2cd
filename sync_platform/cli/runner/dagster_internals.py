"""The parts of Dagster that this program uses although they are not public.

A test names the version of Dagster in which they were checked. On an upgrade, look for each of them in the new version:

- `InstanceRef.from_dir(folder, overrides)`: an instance over a folder with its own `dagster.yaml`, some settings
  overridden. `DagsterInstance.local_temp` is public, and does the same today for a folder that is meant to be deleted.
- `InstigatorType`, `InstigatorStatus`: the kind and the state of sensors, as `all_instigator_state` has them.
- `NoOpComputeLogManager`: stores no output of steps.
- `schedule_execution_time_iterator`: the next time of a schedule.
- `CheckError`: raised by `DagsterInstance.get` for a wrong `DAGSTER_HOME`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from dagster import DagsterInstance
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.instance.ref import InstanceRef
from dagster._core.scheduler.instigation import InstigatorStatus
from dagster._utils.schedules import schedule_execution_time_iterator
from dagster_shared.check import CheckError

__all__ = ["CheckError", "instance_in", "is_schedule_stopped", "is_sensor_stopped", "next_tick"]

CHECKED_IN = "1.13.27"
# Capturing the output of steps costs a process for each, and it would take the terminal away from the progress bars.
NO_CAPTURE: dict[str, Any] = {
    "compute_logs": {"module": "dagster._core.storage.noop_compute_log_manager", "class": "NoOpComputeLogManager"}
}


def instance_in(folder: Path) -> DagsterInstance:
    """The instance in a folder, with the settings of its `dagster.yaml`, that captures no output of steps."""
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


def _is_stopped(instance: DagsterInstance, kind: InstigatorType, name: str) -> bool:
    states = instance.all_instigator_state(instigator_type=kind)
    return any(state.name == name and state.status == InstigatorStatus.STOPPED for state in states)
