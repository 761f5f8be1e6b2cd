"""Problems: what is wrong now. Monitoring looks for them in rounds; alerts are made of them.

What belongs here: the kinds of problems and their severity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, get_args

Severity = Literal["critical", "high", "medium", "low"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The most severe first."""


class ProblemName(StrEnum):
    """What is wrong, in one word of two parts. Stored alerts have these values, so a value never changes."""

    sync_failed = "sync-failed"
    run_failed = "run-failed"
    backup_failed = "backup-failed"
    ledger_unusable = "ledger-unusable"
    lake_unusable = "lake-unusable"
    daemon_silent = "daemon-silent"
    code_server_silent = "code-server-silent"
    run_stuck = "run-stuck"
    disk_full = "disk-full"
    lake_locked = "lake-locked"
    quality_below_threshold = "quality-below-threshold"
    records_quarantined = "records-quarantined"
    obligation_not_met = "obligation-not-met"
    privacy_request_overdue = "privacy-request-overdue"
    erasure_overdue = "erasure-overdue"
    history_not_intact = "history-not-intact"
    sync_degraded = "sync-degraded"
    sync_stale = "sync-stale"
    backup_overdue = "backup-overdue"
    drill_overdue = "drill-overdue"
    run_waiting = "run-waiting"
    schedule_missed = "schedule-missed"
    sensor_failing = "sensor-failing"
    clock_wrong = "clock-wrong"
    delivery_failing = "delivery-failing"
    watch_incomplete = "watch-incomplete"
    anomaly = "anomaly"
    drift_found = "drift-found"
    sync_completed = "sync-completed"
    emergency_started = "emergency-started"
    emergency_in_trouble = "emergency-in-trouble"
    emergency_ended = "emergency-ended"


SEVERITY: Mapping[ProblemName, Severity] = {
    ProblemName.sync_failed: "critical",
    ProblemName.run_failed: "critical",
    ProblemName.backup_failed: "critical",
    ProblemName.ledger_unusable: "critical",
    ProblemName.lake_unusable: "critical",
    ProblemName.daemon_silent: "critical",
    ProblemName.code_server_silent: "critical",
    ProblemName.run_stuck: "critical",
    ProblemName.disk_full: "critical",
    ProblemName.history_not_intact: "critical",
    ProblemName.lake_locked: "high",
    ProblemName.quality_below_threshold: "high",
    ProblemName.records_quarantined: "high",
    ProblemName.obligation_not_met: "high",
    ProblemName.privacy_request_overdue: "high",
    ProblemName.erasure_overdue: "high",
    ProblemName.sync_degraded: "high",
    ProblemName.schedule_missed: "high",
    ProblemName.sync_stale: "medium",
    ProblemName.backup_overdue: "medium",
    ProblemName.drill_overdue: "medium",
    ProblemName.run_waiting: "medium",
    ProblemName.sensor_failing: "medium",
    ProblemName.clock_wrong: "medium",
    ProblemName.delivery_failing: "medium",
    ProblemName.watch_incomplete: "medium",
    ProblemName.anomaly: "medium",
    ProblemName.drift_found: "low",
    ProblemName.sync_completed: "low",
    ProblemName.emergency_started: "low",
    ProblemName.emergency_in_trouble: "critical",
    ProblemName.emergency_ended: "low",
}
"""The severity of each problem when it begins; an alert that stays open becomes more severe."""


@dataclass(frozen=True)
class Problem:
    """Something that is wrong now. Problems with the same `cause` are one alert.

    `detail`: what tells two problems of one name apart, such as the reason of a failure without the platform, or the
    name of a schedule; empty where there is only one. `subjects`: the platforms, datasets or other things concerned.
    `what`, `effect` (on the data) and `action` (what to do) are sentences. `command`: the words of a command that shows
    more, without the name of the program.
    """

    name: ProblemName
    detail: str
    what: str
    effect: str
    action: str
    command: tuple[str, ...]
    subjects: tuple[str, ...] = ()

    @property
    def cause(self) -> str:
        return f"{self.name}:{self.detail}" if self.detail else str(self.name)

    @property
    def severity(self) -> Severity:
        return SEVERITY[self.name]


@dataclass(frozen=True)
class ProblemSource:
    """A place where problems are looked for.

    `names`: the problems that it finds. `look` returns all that are there now, and raises where it cannot look; then
    nothing is known of its names, so no alert of them is resolved.
    """

    names: frozenset[ProblemName]
    look: Callable[[], Iterable[Problem]]
