"""An emergency request as the request store keeps it: the platforms, the requesters, the priority and the progress."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from sync_platform.documents.states import CANCELLED
from sync_platform.lake.syncs import Status, worst_status

Priority = Literal["low", "medium", "high", "critical"]
State = Literal["requested", "launched", "running", "finished"]
Launcher = Literal["sensor", "process"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
"""Least urgent first."""
RUN_CANCELLED = f"its run was {CANCELLED}"
"""The error of a run that a person cancelled in Dagster."""


@dataclass(frozen=True)
class Asking:
    """Who asked, when and why. Several askings for the same platforms share one request. Times are UTC."""

    requester: str
    reason: str
    priority: Priority
    asked_at: datetime


@dataclass(frozen=True)
class PlatformRun:
    """One platform's part of a request. `run_id` is Dagster's run, once known; `error` says why it failed.

    `launched_by`: Dagster's sensor, or the process of the command line (`--now`).
    """

    platform: str
    state: State
    launched_by: Launcher | None
    run_id: str | None
    outcome: Status | None
    error: str | None
    launched_at: datetime | None
    finished_at: datetime | None

    @property
    def ended_in_words(self) -> str:
        """How it ended, or its state before that."""
        return CANCELLED if self.error == RUN_CANCELLED else self.outcome or self.state


@dataclass(frozen=True)
class EmergencyRequest:
    """One request. Requester and reason are those of the first asking, the priority is the highest of all askings."""

    request_id: str
    requested_at: datetime
    askings: tuple[Asking, ...]
    runs: tuple[PlatformRun, ...]

    @property
    def platforms(self) -> list[str]:
        return [run.platform for run in self.runs]

    @property
    def requester(self) -> str:
        return self.askings[0].requester

    @property
    def reason(self) -> str:
        return self.askings[0].reason

    @property
    def priority(self) -> Priority:
        return max((asking.priority for asking in self.askings), key=PRIORITIES.index)

    @property
    def state(self) -> State:
        """The state of all its runs together: running from the start of the first one to the end of the last one."""
        states = {run.state for run in self.runs}
        if len(states) == 1:
            return states.pop()
        return "running" if states & {"running", "finished"} else "launched"

    @property
    def is_open(self) -> bool:
        return self.state != "finished"

    @property
    def outcome(self) -> Status | None:
        """The worst outcome of its platforms; None while it is open."""
        return None if self.is_open else worst_status((run.outcome for run in self.runs), default="failed")

    @property
    def launched_at(self) -> datetime | None:
        """When its first run was handed to Dagster, or started by a process."""
        return min((run.launched_at for run in self.runs if run.launched_at), default=None)

    @property
    def finished_at(self) -> datetime | None:
        """When its last run ended; None while it is open."""
        ends = [run.finished_at for run in self.runs if run.finished_at]
        return None if self.is_open else max(ends, default=None)

    def run_of(self, platform: str) -> PlatformRun:
        return next(run for run in self.runs if run.platform == platform)
