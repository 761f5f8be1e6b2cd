"""The watchdog finds what is wrong with daemon, runs, ticks, disks, locks and the clock, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sync_platform.monitoring.installation_state import Volume
from sync_platform.monitoring.problem import Problem
from sync_platform.monitoring.watch_heartbeat import ALWAYS
from sync_platform.monitoring.watchdog.clock_check import OtherClock, clock_problems
from sync_platform.monitoring.watchdog.daemon_silence import daemon_problems
from sync_platform.monitoring.watchdog.dagster_state import DagsterState, FailedRun, ScheduleRecord
from sync_platform.monitoring.watchdog.disk_space import disk_problems
from sync_platform.monitoring.watchdog.lock_age import lock_problems
from sync_platform.monitoring.watchdog.run_progress import failed_problems, progress_problems
from sync_platform.monitoring.watchdog.tick_problems import schedule_problems, sensor_problems
from sync_platform.storage.lease import STORED_DATA, LeaseHolder
from sync_platform.storage.lock_holder import Holder
from sync_platform_tests.monitoring.dagster_records import MINUTE, NOW, THREADS, dagster, run, sensor, threads

HOUR = 60 * MINUTE


def causes(problems: Any) -> list[str]:
    return [each.cause for each in problems]


def test_a_daemon_that_was_killed_is_noticed_before_three_minutes_are_over() -> None:
    """The last heartbeat may be just sent, and a round is a minute apart from the next one."""
    all_silent = dagster(threads=threads(silent=THREADS, age=2 * MINUTE))
    (problem,) = daemon_problems(all_silent, NOW)
    assert problem.cause == "daemon-silent"
    assert problem.what == "Dagster's daemon sends no heartbeat since 2026-11-28 19:58:00 HKT."
    assert not causes(daemon_problems(dagster(threads=threads(silent=THREADS, age=1.4 * MINUTE)), NOW))


def test_a_thread_of_the_daemon_that_hangs_is_named() -> None:
    (problem,) = daemon_problems(dagster(threads=threads(silent=["SCHEDULER"])), NOW)
    assert problem.subjects == ("SCHEDULER",)
    assert "SCHEDULER" in problem.what


def test_nothing_is_missing_where_no_daemon_ever_ran() -> None:
    never = [replace(each, last_heartbeat_at=None) for each in threads()]
    assert not causes(daemon_problems(dagster(threads=never), NOW))
    assert not causes(daemon_problems(DagsterState(), NOW))


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"last_event_at": NOW - 2 * HOUR, "usual_duration": HOUR / 2}, "run-stuck:monthly_full_sync: silent"),
        ({"last_event_at": NOW - 2 * HOUR, "usual_duration": 2 * HOUR}, None),
        ({"last_event_at": NOW - 20 * MINUTE, "usual_duration": MINUTE}, None),
        ({"last_event_at": NOW - 2 * HOUR}, None),
        ({"last_event_at": NOW - 4 * HOUR}, "run-stuck:monthly_full_sync: silent"),
        ({"is_process_dead": True, "last_event_at": NOW - 3 * MINUTE}, "run-stuck:monthly_full_sync: dead"),
        ({"is_process_dead": True}, None),
        ({"phase": "canceling", "last_event_at": NOW - HOUR}, "run-stuck:monthly_full_sync: canceling"),
        ({"phase": "queued", "since": NOW - 61 * MINUTE}, "run-waiting:queued"),
        ({"phase": "queued", "since": NOW - 59 * MINUTE}, None),
        ({"phase": "queued", "since": NOW - 5 * HOUR, "is_of_backfill": True}, None),
        ({"phase": "starting", "last_event_at": NOW - 11 * MINUTE}, "run-waiting:never started"),
        ({"phase": "starting"}, None),
    ],
)
def test_a_run_is_a_problem_if_it_does_not_proceed(changes: dict[str, Any], cause: str | None) -> None:
    assert causes(progress_problems([run(**changes)], NOW)) == ([cause] if cause else [])


def test_eight_runs_that_are_stuck_are_one_problem() -> None:
    platforms = [f"p{number}" for number in range(8)]
    stuck = [run(platform=each, last_event_at=NOW - 9 * HOUR) for each in platforms]
    (problem,) = progress_problems(stuck, NOW)
    assert problem.subjects == tuple(platforms)
    assert problem.what.startswith("Each of 8 runs of monthly_full_sync (p0, p1, p2 and 5 more) ")


def test_failed_runs_are_one_problem_per_job() -> None:
    failed = [FailedRun(str(number), job, "", NOW) for job in ("unify", "drill") for number in range(3)]
    assert causes(failed_problems(failed)) == ["run-failed:unify", "run-failed:drill"]


@pytest.mark.parametrize(
    ("tick", "due", "is_missed"),
    [
        ("none", 10 * MINUTE, True),
        ("started", 10 * MINUTE, True),
        ("failed", 10 * MINUTE, True),
        ("complete", 10 * MINUTE, False),
        ("none", None, False),
    ],
)
def test_a_schedule_without_a_good_tick_is_missed(tick: Any, due: timedelta | None, is_missed: bool) -> None:
    record = ScheduleRecord("weekly", NOW - due if due else None, tick, "the error")
    found = causes(schedule_problems(dagster(schedules=[record])))
    assert found == (["schedule-missed:weekly"] if is_missed else [])


def test_a_time_after_the_death_of_the_daemon_is_not_missed_a_second_time() -> None:
    record = ScheduleRecord("weekly", NOW - 10 * MINUTE, "none")
    dead = threads(silent=THREADS, age=11 * MINUTE)
    assert not causes(schedule_problems(dagster(schedules=[record], threads=dead)))


def sensor_causes(state: DagsterState, alive_since: Any = ALWAYS) -> list[str]:
    return causes(sensor_problems(state, alive_since, NOW))


def test_a_sensor_whose_ticks_fail_or_do_not_come_is_named() -> None:
    failing = sensor("emergency", 4 * MINUTE, error="it is broken")
    missing = sensor("automation", 4 * MINUTE)
    state = dagster(sensors=[failing, missing, sensor("dead_runs")])
    assert sensor_causes(state) == ["sensor-failing:emergency", "sensor-failing:automation"]
    assert sensor_causes(dagster(sensors=[sensor("emergency", 2 * MINUTE, error="once")])) == []


def test_if_no_sensor_ticks_the_code_server_is_gone() -> None:
    silent = [sensor("emergency", 9 * MINUTE), sensor("dead_runs", 9 * MINUTE, error="no", is_unreachable=True)]
    assert sensor_causes(dagster(sensors=silent)) == ["code-server-silent"]
    assert sensor_causes(dagster(sensors=silent), alive_since=NOW - MINUTE) == []
    assert sensor_causes(dagster(sensors=silent, threads=threads(silent=THREADS)), None) == []


@pytest.mark.parametrize(("share", "free", "is_full"), [(0.04, 4e9, True), (0.06, 4e9, False), (0.04, 90e9, False)])
def test_a_disk_is_nearly_full(share: float, free: float, is_full: bool) -> None:
    assert causes(disk_problems([Volume(Path("/data"), share, int(free))])) == (["disk-full:/data"] if is_full else [])


def test_locks_that_are_held_too_long_are_named() -> None:
    old, young = Holder("machine/7", NOW - 6 * MINUTE), Holder("machine/7", NOW - 4 * MINUTE)
    lease = LeaseHolder(STORED_DATA, "backup (process 9 on machine)", NOW - 7 * HOUR)
    problems = list(lock_problems(old, [lease, LeaseHolder("other", "x", NOW - 9 * HOUR)], NOW))
    assert causes(problems) == ["lake-locked:write lock", "lake-locked:lease"]
    assert "machine/7" in problems[0].what
    assert not causes(lock_problems(young, [replace(lease, acquired_at=NOW - HOUR)], NOW))


def clock_problem(ahead: timedelta, newest: timedelta) -> Problem | None:
    return next(clock_problems([OtherClock("the S3 server", ahead)], {"the newest sync": NOW + newest}, NOW), None)


def test_a_clock_that_differs_from_a_server_or_from_records_is_wrong() -> None:
    assert clock_problem(MINUTE, MINUTE) is None
    ahead, behind, future = clock_problem(HOUR, -HOUR), clock_problem(-HOUR, -HOUR), clock_problem(-MINUTE, HOUR)
    assert ahead and "it is 60 minutes ahead of that of the S3 server" in ahead.what
    assert behind and "it is 60 minutes behind that of the S3 server" in behind.what
    assert future and "the newest sync has the time 2026-11-28 21:00:00 HKT, which is still to come" in future.what
