"""What the watchdog reads from a real instance of Dagster: heartbeats, runs and ticks, without a process of Dagster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import InProcessCodeLocationOrigin, RemoteInstigatorOrigin, RemoteRepositoryOrigin
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
    SensorInstigatorData,
    TickData,
    TickStatus,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._daemon.types import DaemonHeartbeat
from dagster._utils.error import SerializableErrorInfo

from sync_platform.cli.runner.home import prepare_home
from sync_platform.defs.dagster_internals import instance_in
from sync_platform.defs.dagster_records import read_dagster
from sync_platform.defs.dead_runs import PROCESS_TAG, this_process
from sync_platform.monitoring.watchdog.dagster_state import DagsterState

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAILY = "0 4 * * *"  # in Hong Kong, which is 16 hours before NOW
DUE = datetime(2026, 11, 27, 20, tzinfo=UTC)


@dg.job(name="daily")
def nothing() -> None: ...


SCHEDULE = dg.ScheduleDefinition(name="daily", job=nothing, cron_schedule=DAILY, execution_timezone="Asia/Hong_Kong")


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with instance_in(prepare_home(tmp_path)) as opened:
        yield opened


def read(instance: dg.DagsterInstance, now: datetime = NOW) -> DagsterState:
    return read_dagster(instance, [SCHEDULE], now)


def turned_on(instance: dg.DagsterInstance, kind: InstigatorType, name: str, data: Any) -> InstigatorState:
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin(module_name="x"), location_name="x")
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "repository"), name)
    return instance.add_instigator_state(InstigatorState(origin, kind, InstigatorStatus.DECLARED_IN_CODE, data))


def tick(instance: dg.DagsterInstance, state: InstigatorState, at: datetime, status: TickStatus) -> None:
    error = SerializableErrorInfo("ValueError: bad cursor\n", [], "ValueError")
    instance.create_tick(
        TickData(
            state.instigator_origin_id,
            state.name,
            state.instigator_type,
            status,
            at.timestamp(),
            run_ids=[],
            error=error if status is TickStatus.FAILURE else None,
            selector_id=state.selector_id,
        )
    )


def test_every_required_thread_is_read_with_its_last_heartbeat(instance: dg.DagsterInstance) -> None:
    assert read(instance).heartbeat_at is None
    instance.add_daemon_heartbeat(DaemonHeartbeat((NOW - HOUR).timestamp(), "SENSOR", "a", None))
    state = read(instance)
    beats = {each.name: each.last_heartbeat_at for each in state.threads}
    assert beats.pop("SENSOR") == NOW - HOUR == state.heartbeat_at
    assert {"SCHEDULER", "QUEUED_RUN_COORDINATOR", "MONITORING", "ASSET"} <= set(beats)
    assert set(beats.values()) == {None}
    instance.wipe_daemon_heartbeats()
    assert read(instance).heartbeat_at is None


@pytest.mark.parametrize(
    ("turned_on_at", "ticks", "expected"),
    [
        (DUE - HOUR, [], "none"),
        (DUE - HOUR, [(DUE, TickStatus.SUCCESS)], "complete"),
        (DUE - HOUR, [(DUE, TickStatus.SKIPPED)], "complete"),
        (DUE - HOUR, [(DUE, TickStatus.FAILURE)], "failed"),
        (DUE - HOUR, [(DUE - 24 * HOUR, TickStatus.SUCCESS)], "none"),
        (DUE + HOUR, [], None),
    ],
)
def test_a_schedule_is_due_at_its_last_time_after_it_was_turned_on(
    instance: dg.DagsterInstance, turned_on_at: datetime, ticks: list[Any], expected: str | None
) -> None:
    data = ScheduleInstigatorData(DAILY, turned_on_at.timestamp())
    state = turned_on(instance, InstigatorType.SCHEDULE, "daily", data)
    turned_on(instance, InstigatorType.SCHEDULE, "of somebody else", data)
    for at, status in ticks:
        tick(instance, state, at, status)
    (schedule,) = read(instance).schedules
    assert schedule.due_at == (None if expected is None else DUE)
    assert schedule.tick == (expected or "none")
    assert schedule.error == ("ValueError: bad cursor" if expected == "failed" else "")


def test_a_schedule_that_is_turned_off_is_not_read(instance: dg.DagsterInstance) -> None:
    state = turned_on(instance, InstigatorType.SCHEDULE, "daily", ScheduleInstigatorData(DAILY, 1.0))
    instance.update_instigator_state(state.with_status(InstigatorStatus.STOPPED))
    assert read(instance).schedules == []


def test_a_sensor_is_read_with_its_last_tick_and_its_last_good_tick(instance: dg.DagsterInstance) -> None:
    data = SensorInstigatorData(min_interval=10, last_sensor_start_timestamp=(NOW - 9 * HOUR).timestamp())
    state = turned_on(instance, InstigatorType.SENSOR, "emergency", data)
    (new,) = read(instance).sensors
    assert (new.last_tick_at, new.last_good_tick_at) == (NOW - 9 * HOUR, NOW - 9 * HOUR)
    tick(instance, state, NOW - 2 * HOUR, TickStatus.SKIPPED)
    tick(instance, state, NOW - HOUR, TickStatus.FAILURE)
    (failing,) = read(instance).sensors
    assert failing.every == timedelta(seconds=10)
    assert (failing.last_tick_at, failing.last_good_tick_at) == (NOW - HOUR, NOW - 2 * HOUR)
    assert failing.error == "ValueError: bad cursor"


def test_unfinished_runs_are_read_with_their_process_and_their_usual_duration(instance: dg.DagsterInstance) -> None:
    now = datetime.now(UTC)
    tags = {"platform": "chope"}
    assert nothing.execute_in_process(instance=instance, tags=tags).success
    run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED, tags=tags)
    waiting = instance.create_run_for_job(nothing, tags={"dagster/backfill": "b"})
    runs = {each.run_id: each for each in read(instance, now).unfinished}
    assert {each.phase for each in runs.values()} == {"running", "starting"}
    assert runs[waiting.run_id].is_of_backfill
    first = runs[run.run_id]
    assert (first.job, first.platform, first.is_process_dead) == ("daily", "chope", False)
    assert first.usual_duration is not None
    assert timedelta() < first.usual_duration < HOUR
    assert abs(first.last_event_at - now) < HOUR
    node, pid, begun, _ = this_process(run.run_id).split("/")
    assert pid == str(os.getpid())
    instance.add_run_tags(run.run_id, {PROCESS_TAG: f"{node}/{pid}/0{begun}/{run.run_id}"})
    assert [each.is_process_dead for each in read(instance, now).unfinished if each.run_id == run.run_id] == [True]


def failed_run(instance: dg.DagsterInstance, **tags: str) -> dg.DagsterRun:
    run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED, tags=tags)
    instance.report_run_failed(run)
    return run


def test_a_failed_run_is_read_until_its_job_succeeds(instance: dg.DagsterInstance) -> None:
    now = datetime.now(UTC)
    not_again = {"dagster/max_retries": "0"}
    failed_run(instance, platform="chope", **not_again)
    newest = failed_run(instance, platform="chope", **not_again)
    (failed,) = read(instance, now).failed
    assert (failed.run_id, failed.job, failed.platform) == (newest.run_id, "daily", "chope")
    assert nothing.execute_in_process(instance=instance, tags={"platform": "other"}).success
    assert len(read(instance, now).failed) == 1
    assert nothing.execute_in_process(instance=instance, tags={"platform": "chope"}).success
    assert read(instance, now).failed == []


def test_a_run_that_crashed_is_read_if_no_run_follows_it(instance: dg.DagsterInstance) -> None:
    now = datetime.now(UTC)
    crashed = failed_run(instance, platform="chope")
    assert read(instance, now).failed == []
    assert [each.run_id for each in read(instance, now + HOUR).failed] == [crashed.run_id]
    instance.create_run_for_job(nothing, tags={"platform": "chope"})
    assert read(instance, now + HOUR).failed == []
