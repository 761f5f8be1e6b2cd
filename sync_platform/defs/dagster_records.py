"""Reads from Dagster's instance what the watchdog judges: heartbeats, runs, ticks. It needs no process of Dagster.

What belongs here: reading, with bounds on what is read. What is a problem belongs in monitoring/watchdog/.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import dagster as dg

from sync_platform.defs.audit import BACKFILL_TAG
from sync_platform.defs.dagster_internals import (
    InstigatorState,
    TickStatus,
    last_time,
    newest_tick,
    required_threads,
    running_schedules,
    running_sensors,
)
from sync_platform.defs.dead_runs import is_dead
from sync_platform.monitoring.watchdog.dagster_state import (
    DaemonThread,
    DagsterState,
    FailedRun,
    RunPhase,
    ScheduleRecord,
    SensorRecord,
    UnfinishedRun,
)

PHASES: dict[dg.DagsterRunStatus, RunPhase] = {
    dg.DagsterRunStatus.QUEUED: "queued",
    dg.DagsterRunStatus.NOT_STARTED: "starting",
    dg.DagsterRunStatus.STARTING: "starting",
    dg.DagsterRunStatus.STARTED: "running",
    dg.DagsterRunStatus.CANCELING: "canceling",
}
TICKS: dict[TickStatus, Literal["started", "failed", "complete"]] = {
    TickStatus.STARTED: "started",
    TickStatus.FAILURE: "failed",
    TickStatus.SUCCESS: "complete",
    TickStatus.SKIPPED: "complete",
}
MAX_UNFINISHED, MAX_FAILED, EARLIER_RUNS = 200, 200, 15
"""How many runs are read at most: the oldest unfinished ones, the newest failed ones, the last ones of a job."""
FAILED_WITHIN = timedelta(days=7)
"""An older failure is no problem of now."""
RETRIED_WITHIN = timedelta(minutes=10)
"""Within this time the daemon launches a new run for one that crashed."""
TICK_WITHIN = timedelta(minutes=5)
"""A schedule ticks within a minute; a tick that is later by this much is missing."""
WILL_RETRY_TAG = "dagster/will_retry"
UNREACHABLE = "DagsterUserCodeUnreachableError"
DEFAULT_SENSOR_INTERVAL_S = 30


def read_dagster(
    instance: dg.DagsterInstance, schedules: Sequence[dg.ScheduleDefinition], now: datetime
) -> DagsterState:
    """What is recorded. `schedules`: the declared ones; other schedules in the instance are not judged."""
    return DagsterState(
        threads=[DaemonThread(name, _moment(at)) for name, at in required_threads(instance).items()],
        unfinished=list(_unfinished(instance)),
        failed=list(_failed(instance, now)),
        schedules=list(_schedules(instance, {schedule.name: schedule for schedule in schedules}, now)),
        sensors=[_sensor(instance, sensor) for sensor in running_sensors(instance)],
    )


def _moment(timestamp: float | None) -> datetime | None:
    return None if timestamp is None else datetime.fromtimestamp(timestamp, UTC)


def _unfinished(instance: dg.DagsterInstance) -> Iterator[UnfinishedRun]:
    wanted = dg.RunsFilter(statuses=list(PHASES))
    for record in instance.get_run_records(wanted, limit=MAX_UNFINISHED, ascending=True):
        run = record.dagster_run
        phase = PHASES[run.status]
        is_active = phase not in ("queued", "starting")
        yield UnfinishedRun(
            run.run_id,
            run.job_name,
            run.tags.get("platform", ""),
            phase,
            record.create_timestamp.astimezone(UTC),
            _last_event_at(instance, record) if is_active else record.update_timestamp.astimezone(UTC),
            phase != "queued" and is_dead(run),
            _usual_duration(instance, run) if is_active else None,
            BACKFILL_TAG in run.tags,
        )


def _last_event_at(instance: dg.DagsterInstance, record: Any) -> datetime:
    newest = instance.get_records_for_run(record.dagster_run.run_id, limit=1, ascending=False).records
    updated_at: datetime = record.update_timestamp.astimezone(UTC)
    return max([updated_at, *(datetime.fromtimestamp(each.event_log_entry.timestamp, UTC) for each in newest)])


def _usual_duration(instance: dg.DagsterInstance, run: dg.DagsterRun) -> timedelta | None:
    earlier = instance.get_run_records(_like(run, dg.DagsterRunStatus.SUCCESS), limit=EARLIER_RUNS)
    known = [each.end_time - each.start_time for each in earlier if each.end_time and each.start_time]
    return timedelta(seconds=statistics.median(known)) if known else None


def _failed(instance: dg.DagsterInstance, now: datetime) -> Iterator[FailedRun]:
    """Of each job and platform, the newest failed run, unless one has succeeded since or Dagster tries it again."""
    wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], created_after=now - FAILED_WITHIN)
    seen = set()
    for record in instance.get_run_records(wanted, limit=MAX_FAILED):
        run = record.dagster_run
        platform = run.tags.get("platform", "")
        if (run.job_name, platform) in seen:
            continue
        seen.add((run.job_name, platform))
        ended_at = _moment(record.end_time) or record.update_timestamp.astimezone(UTC)
        is_tried_again = run.tags.get(WILL_RETRY_TAG) == "true"
        if is_tried_again and (now - ended_at < RETRIED_WITHIN or _has_newer(instance, record)):
            continue
        if not _has_newer(instance, record, dg.DagsterRunStatus.SUCCESS):
            yield FailedRun(run.run_id, run.job_name, platform, ended_at)


def _has_newer(instance: dg.DagsterInstance, failed: Any, *statuses: dg.DagsterRunStatus) -> bool:
    """True if the job has a newer run of the platform, of any status or of the given ones."""
    newest = instance.get_run_records(_like(failed.dagster_run, *statuses), limit=1)
    return bool(newest) and newest[0].storage_id > failed.storage_id


def _like(run: dg.DagsterRun, *statuses: dg.DagsterRunStatus) -> dg.RunsFilter:
    """The runs of the same job, and of the same platform if it has one."""
    tags = {"platform": run.tags["platform"]} if "platform" in run.tags else {}
    return dg.RunsFilter(job_name=run.job_name, statuses=list(statuses), tags=tags)


def _schedules(
    instance: dg.DagsterInstance, declared: dict[str, dg.ScheduleDefinition], now: datetime
) -> Iterator[ScheduleRecord]:
    for state in running_schedules(instance):
        if definition := declared.get(state.name):
            yield _schedule(instance, state, definition, now)


def _schedule(
    instance: dg.DagsterInstance, state: InstigatorState, definition: dg.ScheduleDefinition, now: datetime
) -> ScheduleRecord:
    """A time is due only after the schedule was turned on, and after the scheduler's last look at it without a tick.

    The second condition leaves out the times of a cron expression that was changed after them.
    """
    zone = definition.execution_timezone or "UTC"
    due_at = last_time(definition.cron_schedule, now - TICK_WITHIN, zone).astimezone(UTC)
    tick = newest_tick(instance, state)
    if tick is not None and tick.timestamp >= due_at.timestamp():
        return ScheduleRecord(state.name, due_at, TICKS[tick.status], _error(tick))
    data: Any = state.instigator_data
    seen_until = max(data.start_timestamp or 0.0, data.last_iteration_timestamp or 0.0)
    return ScheduleRecord(state.name, due_at if due_at.timestamp() > seen_until else None, "none")


def _sensor(instance: dg.DagsterInstance, state: InstigatorState) -> SensorRecord:
    data: Any = state.instigator_data
    newest = newest_tick(instance, state, [TickStatus.SUCCESS, TickStatus.SKIPPED, TickStatus.FAILURE])
    good = newest
    if newest is not None and newest.status == TickStatus.FAILURE:
        good = newest_tick(instance, state, [TickStatus.SUCCESS, TickStatus.SKIPPED])
    turned_on_at = (data.last_sensor_start_timestamp if data else None) or 0.0
    every_s = (data.min_interval if data else None) or DEFAULT_SENSOR_INTERVAL_S
    is_failed = newest is not None and newest.status == TickStatus.FAILURE
    return SensorRecord(
        state.name,
        timedelta(seconds=every_s),
        datetime.fromtimestamp(max(newest.timestamp if newest else 0.0, turned_on_at), UTC),
        datetime.fromtimestamp(max(good.timestamp if good else 0.0, turned_on_at), UTC),
        _error(newest) if is_failed else "",
        is_failed and newest is not None and newest.error is not None and newest.error.cls_name == UNREACHABLE,
    )


def _error(tick: Any) -> str:
    """The first line of a failed tick's error; empty where it did not fail."""
    if tick.status != TickStatus.FAILURE:
        return ""
    error = tick.error
    while error is not None and error.cause is not None:
        error = error.cause
    lines = str(error.message).strip().splitlines() if error else []
    return lines[0] if lines else "without a message"
