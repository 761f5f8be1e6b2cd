"""All problem sources of the watchdog."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from sync_platform.errors import StorageError
from sync_platform.monitoring.emergency_problems import NAMES as EMERGENCY_NAMES
from sync_platform.monitoring.emergency_problems import read_emergency_problems
from sync_platform.monitoring.installation_state import InstallationState, UnreadPart
from sync_platform.monitoring.judged_runs import judged_runs
from sync_platform.monitoring.problem import Problem, ProblemName, ProblemSource
from sync_platform.monitoring.watch_heartbeat import Heartbeat
from sync_platform.monitoring.watchdog.clock_check import clock_problems, other_clocks
from sync_platform.monitoring.watchdog.daemon_silence import daemon_problems
from sync_platform.monitoring.watchdog.dagster_state import DagsterState, FailedRun
from sync_platform.monitoring.watchdog.disk_space import disk_problems
from sync_platform.monitoring.watchdog.lock_age import lock_problems
from sync_platform.monitoring.watchdog.run_progress import failed_problems, progress_problems
from sync_platform.monitoring.watchdog.tick_problems import schedule_problems, sensor_problems
from sync_platform.monitoring.watchdog.waiting_requests import request_problems
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings
from sync_platform.storage.lease import Leases
from sync_platform.storage.write_lock import write_lock_holder

Known = TypeVar("Known")


@dataclass(frozen=True)
class WatchedInstallation:
    """What the watchdog looks at.

    `dagster`: what Dagster has recorded; None where it was never used. `previous`: the heartbeat of the last round.
    `alive_since`: since when the daemon lives. `slept`: how long the machine slept since the last round.
    """

    settings: Settings
    state: InstallationState
    dagster: DagsterState | UnreadPart | None
    previous: Heartbeat | None
    alive_since: datetime | None
    slept: timedelta
    now: datetime

    @property
    def awake_now(self) -> datetime:
        """The time for all that is judged by its age: while the machine slept, nothing could happen."""
        return self.now - self.slept


def watchdog_sources(watched: WatchedInstallation) -> list[ProblemSource]:
    """The sources; each raises StorageError where what it looks at cannot be read."""
    state, now = watched.state, watched.awake_now

    def dagster() -> DagsterState:
        return _required(watched.dagster) or DagsterState()

    return [
        _source(lambda: daemon_problems(dagster(), now), ProblemName.daemon_silent),
        _source(lambda: progress_problems(dagster().unfinished, now), ProblemName.run_stuck, ProblemName.run_waiting),
        _source(lambda: request_problems(_required(state.requests), now), ProblemName.run_waiting),
        _source(lambda: read_emergency_problems(watched.settings, watched.now), *EMERGENCY_NAMES),
        _source(lambda: failed_problems(_unjudged(watched, dagster())), ProblemName.run_failed),
        _source(lambda: schedule_problems(dagster()), ProblemName.schedule_missed),
        _source(
            lambda: sensor_problems(dagster(), watched.alive_since, now),
            ProblemName.sensor_failing,
            ProblemName.code_server_silent,
        ),
        _source(lambda: disk_problems(_required(state.volumes)), ProblemName.disk_full),
        _source(lambda: _locks(watched.settings, watched.now), ProblemName.lake_locked),
        _source(
            lambda: clock_problems(
                list(other_clocks(watched.settings)), _newest_times(watched, dagster()), watched.now
            ),
            ProblemName.clock_wrong,
        ),
    ]


def _source(look: Callable[[], Iterable[Problem]], *names: ProblemName) -> ProblemSource:
    return ProblemSource(frozenset(names), look)


def _required(read: Known | UnreadPart) -> Known:
    if isinstance(read, UnreadPart):
        raise StorageError(read.reason)
    return read


def _unjudged(watched: WatchedInstallation, dagster: DagsterState) -> list[FailedRun]:
    """The failed runs that are not judged by what they recorded. While that cannot be read, nothing is known of any."""
    _required(watched.state.records)
    _required(watched.state.backup_log)
    judged = judged_runs(load_platforms(watched.settings.platform_path), watched.state)
    return [run for run in dagster.failed if run.run_id not in judged]


def _locks(settings: Settings, now: datetime) -> list[Problem]:
    leases = Leases(settings.ledger_url)
    try:
        return list(lock_problems(write_lock_holder(settings.catalog_url), leases.holders(), now))
    finally:
        leases.close()


def _newest_times(watched: WatchedInstallation, dagster: DagsterState) -> dict[str, datetime]:
    """The newest time of each kind of record: that of a clock that was ahead."""
    times: dict[str, datetime | None] = {
        "the last round": watched.previous.at if watched.previous else None,
        "a heartbeat of Dagster's daemon": dagster.heartbeat_at,
    }
    if not isinstance(watched.state.records, UnreadPart):
        committed = (record.committed_at for records in watched.state.records.values() for record in records)
        times["the newest sync"] = max(committed, default=None)
    if not isinstance(watched.state.backups, UnreadPart):
        times["the last backup"] = watched.state.backups.logged.last_at
    return {name: at for name, at in times.items() if at is not None}
