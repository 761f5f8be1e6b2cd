"""The watch inside Dagster: rounds where no `watch` process makes them.

What belongs here: when a round starts. Both sensors are on by default, so that alerts work wherever the daemon runs. A
daemon that is gone notices nothing, so a production installation also runs the command `watch` outside of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg

from sync_platform.defs.dagster_records import read_dagster
from sync_platform.errors import Busy
from sync_platform.monitoring.bounded_calls import BoundedCalls
from sync_platform.monitoring.watch_heartbeat import read_heartbeat
from sync_platform.monitoring.watch_lease import only_watcher
from sync_platform.monitoring.watchdog.dagster_state import DagsterState
from sync_platform.settings import Settings

WATCH, RUN_FAILED = "watch", "watch_failed_runs"
ROUND_EVERY_S = 60
AT_ONCE = timedelta(seconds=10)
LIMIT_S = 15.0
"""How long a part of a round may take: Dagster ends an evaluation after 60 seconds."""


def watch_sensors(settings: Settings, schedules: Sequence[dg.ScheduleDefinition]) -> list[dg.SensorDefinition]:
    """The sensor that makes a round each minute, and the one that makes a round when a run fails."""
    calls = BoundedCalls(LIMIT_S)

    def make_round(instance: dg.DagsterInstance) -> str:
        """One round; what it did, in words. If it could not decide or send, the sensor fails, which the UI shows."""

        from sync_platform.monitoring.watch_round import watch_once  # other processes that load this make no round

        def read(now: datetime) -> DagsterState:
            return read_dagster(instance, schedules, now)

        try:
            with only_watcher(settings.ledger_url):
                done = watch_once(settings, read, calls)
        except Busy as error:
            return f"another watcher makes the rounds: {error}"
        if done.faults:
            raise dg.Failure("; ".join(done.faults))
        return f"a round found: {', '.join(problem.cause for problem in done.problems) or 'nothing is wrong'}"

    @dg.sensor(
        name=WATCH,
        minimum_interval_seconds=ROUND_EVERY_S,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Looks for problems, keeps alerts and sends messages, unless the command `watch` does it.",
    )
    def watch(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        return dg.SkipReason(make_round(context.instance))

    @dg.run_failure_sensor(
        name=RUN_FAILED,
        default_status=dg.DefaultSensorStatus.RUNNING,
        monitor_all_code_locations=False,
        description="Makes a round at once when a run has failed, unless the command `watch` makes the rounds.",
    )
    def watch_failed_runs(context: dg.RunFailureSensorContext) -> dg.SkipReason:
        last = read_heartbeat(settings.home)
        if last is not None and timedelta() <= datetime.now(UTC) - last.at < AT_ONCE:
            return dg.SkipReason("a round was just made")  # it is called for each of many runs that fail together
        return dg.SkipReason(make_round(context.instance))

    return [watch, watch_failed_runs]
