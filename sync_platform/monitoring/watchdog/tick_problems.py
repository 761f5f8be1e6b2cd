"""Whether Dagster's schedules and sensors tick, and whether its code server answers.

What belongs here: when a missing or a failed tick is a problem. While the daemon is silent nothing ticks, and that has
one alert of its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sync_platform.documents.local_time import local_minute
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.monitoring.watchdog.daemon_silence import is_hanging
from sync_platform.monitoring.watchdog.dagster_state import DagsterState, ScheduleRecord, SensorRecord

LEAST_SILENCE = timedelta(minutes=3)
TIMES_INTERVAL = 3
SCHEDULER, SENSORS = "SCHEDULER", "SENSOR"


def schedule_problems(state: DagsterState) -> Iterator[Problem]:
    """One problem per schedule. Times that are due after the scheduler's last heartbeat are not judged."""
    beats = {thread.name: thread.last_heartbeat_at for thread in state.threads}
    alive_until = beats.get(SCHEDULER)
    if alive_until is None:
        return
    for schedule in state.schedules:
        if schedule.due_at is not None and (schedule.tick == "failed" or _was_seen(schedule.due_at, alive_until)):
            yield from _schedule(schedule, schedule.due_at)


def _was_seen(due_at: datetime, alive_until: datetime) -> bool:
    """True if the scheduler lived long enough after the time to tick."""
    return alive_until > due_at + LEAST_SILENCE


def _schedule(schedule: ScheduleRecord, due_at: datetime) -> Iterator[Problem]:
    if schedule.tick == "complete":
        return
    happened = {
        "none": "did not tick",
        "started": "began its tick and did not end it",
        "failed": f"failed: {schedule.error}",
    }[schedule.tick]
    yield Problem(
        ProblemName.schedule_missed,
        schedule.name,
        f"The schedule {schedule.name} was due at {local_minute(due_at)}, and {happened}.",
        "The runs of that time were not started.",
        "Start them by hand: `sync`, `backup create` or the job in the Dagster UI. Look at the ticks of the schedule.",
        ("status",),
        (schedule.name,),
    )


def sensor_problems(state: DagsterState, alive_since: datetime | None, now: datetime) -> Iterator[Problem]:
    """The sensors that do not tick or whose ticks fail. If all are concerned, the code server is gone.

    `alive_since`: since when the daemon lives, None where it does not. Before that no sensor could tick.
    """
    beats = [thread.last_heartbeat_at for thread in state.threads if thread.name == SENSORS]
    if alive_since is None or not beats or beats[0] is None or is_hanging(beats[0], now):
        return
    wrong = [each for each in state.sensors if _is_wrong(each, alive_since, now)]
    if not wrong:
        return
    unreachable = [each for each in wrong if each.is_unreachable or not each.error]
    if unreachable and len(unreachable) == len(state.sensors):
        yield _code_server(unreachable)
        return
    for sensor in wrong:
        yield _sensor(sensor)


def _is_wrong(sensor: SensorRecord, alive_since: datetime, now: datetime) -> bool:
    return now - max(sensor.last_good_tick_at, alive_since) > max(LEAST_SILENCE, TIMES_INTERVAL * sensor.every)


def _code_server(sensors: Sequence[SensorRecord]) -> Problem:
    since = max(sensor.last_good_tick_at for sensor in sensors)
    error = next((f": {sensor.error}" for sensor in sensors if sensor.error), "")
    return Problem(
        ProblemName.code_server_silent,
        "",
        f"No sensor of Dagster ticks since {local_minute(since)}, although its daemon runs: the code location "
        f"cannot be loaded, or its server is gone{error}.",
        "No scheduled sync, backup or emergency request starts. Stored data stay as they are.",
        "Look at Deployment in the Dagster UI, which shows the error. `status` loads the same code. Then reload the "
        "location, or restart the code server.",
        ("status",),
    )


def _sensor(sensor: SensorRecord) -> Problem:
    happened = f"fails: {sensor.error}" if sensor.error else "does not tick"
    return Problem(
        ProblemName.sensor_failing,
        sensor.name,
        f"The sensor {sensor.name} {happened}. Its last good tick was at {local_minute(sensor.last_good_tick_at)}.",
        "What it starts, such as emergency requests or updates of unified restaurants, does not start.",
        "Look at the ticks of the sensor in the Dagster UI.",
        ("status",),
        (sensor.name,),
    )
