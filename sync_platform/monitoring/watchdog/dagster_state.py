"""What Dagster has recorded of its daemon, runs, schedules and sensors, as the watchdog judges it.

What belongs here: the facts, without Dagster. `defs/dagster_records.py` reads them from Dagster's instance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

RunPhase = Literal["queued", "starting", "running", "canceling"]


@dataclass(frozen=True)
class DaemonThread:
    """One thread of Dagster's daemon that the instance requires, such as SENSOR; None: it never sent a heartbeat."""

    name: str
    last_heartbeat_at: datetime | None


@dataclass(frozen=True)
class UnfinishedRun:
    """A run that has not ended.

    `since`: when it was created. `last_event_at`: its newest event. `is_process_dead`: its process ran on this machine
    and has died. `usual_duration`: the median of its job's last successful runs of the platform; None for none.
    """

    run_id: str
    job: str
    platform: str
    phase: RunPhase
    since: datetime
    last_event_at: datetime
    is_process_dead: bool = False
    usual_duration: timedelta | None = None
    is_of_backfill: bool = False


@dataclass(frozen=True)
class FailedRun:
    """The newest run of a job (and of a platform, if it has one), which failed."""

    run_id: str
    job: str
    platform: str
    ended_at: datetime


@dataclass(frozen=True)
class ScheduleRecord:
    """A schedule that is turned on. `due_at`: its last time that should have a tick by now; None for none.

    `tick`: what is recorded of a tick of that time: its status, or `none`. `error`: of a failed tick.
    """

    name: str
    due_at: datetime | None
    tick: Literal["none", "started", "failed", "complete"]
    error: str = ""


@dataclass(frozen=True)
class SensorRecord:
    """A sensor that is turned on.

    `last_tick_at`: its last tick, or when it was turned on. `last_good_tick_at`: its last tick without an error, or
    when it was turned on. `error`: of its last tick; empty where that did not fail. `is_unreachable`: the error is that
    the code server cannot be reached.
    """

    name: str
    every: timedelta
    last_tick_at: datetime
    last_good_tick_at: datetime
    error: str = ""
    is_unreachable: bool = False


@dataclass(frozen=True)
class DagsterState:
    """Everything that was read. `threads` is empty where no daemon ever ran, or where it ended with its server."""

    threads: Sequence[DaemonThread] = ()
    unfinished: Sequence[UnfinishedRun] = ()
    failed: Sequence[FailedRun] = ()
    schedules: Sequence[ScheduleRecord] = ()
    sensors: Sequence[SensorRecord] = ()

    @property
    def heartbeat_at(self) -> datetime | None:
        """The newest heartbeat of any thread of the daemon."""
        return max((thread.last_heartbeat_at for thread in self.threads if thread.last_heartbeat_at), default=None)
