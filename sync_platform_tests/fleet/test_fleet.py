"""A fleet of workers on hosts of their own, of which one is lost, and Redis for a while: nothing else is.

FLEET_WORKERS is the number of workers, at least two; what is synced is in backfills.py.
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus
from redis import Redis
from sqlalchemy import create_engine, text

from sync_platform.defs.run_heartbeats import PREFIX
from sync_platform.defs.run_queue import RunQueue
from sync_platform.settings import load_settings
from sync_platform.storage.platform_lock import platform_lock
from sync_platform_tests.fleet.backfills import (
    BACKFILLS_WITHIN_S,
    PERIODS,
    PLATFORMS,
    backfilled_by_one_machine,
    contents,
    ended_states,
    states_of,
    working_fleet,
)
from sync_platform_tests.fleet.running_fleet import (
    SERVICES,
    RunningFleet,
    add_backfill,
    begun_on,
    runs_of,
    unfinished,
    wait_for,
    worker_of,
)

WORKERS = int(os.environ.get("FLEET_WORKERS", "3"))
REDIS_AWAY_S = 15.0


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningFleet]:
    with working_fleet(tmp_path_factory.mktemp("fleet"), WORKERS) as fleet:
        yield fleet


@pytest.mark.full
def test_a_backfill_outlives_a_host_and_redis_and_makes_the_tables_of_one_machine(
    fleet: RunningFleet, capsys: pytest.CaptureFixture[str]
) -> None:
    expected = contents(backfilled_by_one_machine(fleet.folder / "laptop"))
    assert all(rows for rows, *_ in expected.values())
    began = time.monotonic()
    with fleet.instance() as instance:
        ids = [add_backfill(instance, PLATFORMS[name], periods) for name, periods in PERIODS.items()]
        in_the_middle = sum(map(len, PERIODS.values())) // 2
        wait_for(lambda: ended_well(instance, ids) >= in_the_middle, fleet, BACKFILLS_WITHIN_S)
        lost, begun = fleet.workers[-1], list[dg.DagsterRun]()
        wait_for(lambda: begun.extend(begun_on(instance, lost)) or begun, fleet)
        (orphan,) = begun
        fleet.lose(lost)
        noticed_s = wait_for(lambda: state_of(instance, orphan.run_id) is dg.DagsterRunStatus.FAILURE, fleet)

        fleet.redis.close()
        time.sleep(REDIS_AWAY_S)
        fleet.start_redis()

        states, runs = ended_states(fleet, instance, ids), runs_of(instance, ids)
        retries = [run for run in runs if run.parent_run_id == orphan.run_id]
    took_s, cpu_s = time.monotonic() - began, fleet.cpu_s()
    by_worker = {
        host.name: sum(run.status is dg.DagsterRunStatus.SUCCESS and worker_of(run) == host.name for run in runs)
        for host in fleet.workers
    }
    with capsys.disabled():
        seconds = ", ".join(f"{name} {spent:.0f} s" for name, spent in cpu_s.items())
        print(f"\nfleet: {len(runs)} runs in {took_s:.0f} s, {by_worker}; processor time: {seconds}")
        print(f"fleet: the run of the lost host failed after {noticed_s:.0f} s")

    assert contents(load_settings()) == expected
    assert states == {BulkActionStatus.COMPLETED_SUCCESS}
    assert [run.status for run in retries] == [dg.DagsterRunStatus.SUCCESS]
    assert worker_of(retries[0]) not in ("", lost.name)
    assert {run.status for run in runs if run.run_id != orphan.run_id} == {dg.DagsterRunStatus.SUCCESS}
    assert all(by_worker[host.name] for host in fleet.workers if host is not lost)
    verified = fleet.start(fleet.hosts[SERVICES], "lineage", "verify")
    assert verified.wait() == 0, fleet.log(fleet.hosts[SERVICES])


@pytest.mark.full
def test_two_hosts_that_sync_one_platform_do_so_one_after_the_other(fleet: RunningFleet) -> None:
    first, second = fleet.workers[0], fleet.hosts[SERVICES]
    with fleet.instance() as instance, ExitStack() as held:
        before = {run.run_id for run in instance.get_runs()}
        held.enter_context(platform_lock(load_settings().ledger_url, "chope", "of-the-test", lambda _: None))
        command = ("sync", "chope", "--partition", PERIODS["chope"][0], "--no-unify")
        processes = [fleet.start(host, *command) for host in (first, second)]
        waits = "waiting for another sync of chope"
        wait_for(lambda: all(waits in fleet.log(host) for host in (first, second)) or any_ended(processes), fleet)
        assert not any_ended(processes), fleet.log(first) + fleet.log(second)
        held.close()
        assert [process.wait() for process in processes] == [0, 0]
        spans = [steps_of(instance, run.run_id) for run in instance.get_runs() if run.run_id not in before]
    assert len(spans) == 2
    (_, first_end), (second_begin, _) = sorted(spans)
    assert first_end <= second_begin


@pytest.mark.full
def test_a_run_on_a_worker_is_cancelled_and_its_log_is_read_elsewhere(fleet: RunningFleet) -> None:
    with fleet.instance() as instance, ExitStack() as held:
        held.enter_context(platform_lock(load_settings().ledger_url, "openrice", "of-the-test", lambda _: None))
        name, (period, *_) = "openrice", PERIODS["openrice"]
        backfill = add_backfill(instance, PLATFORMS[name], [period], "again")
        waits = "waiting for another sync of openrice"
        wait_for(lambda: any(waits in logged(instance, run) for run in runs_of(instance, [backfill])), fleet)
        (run,) = runs_of(instance, [backfill])
        assert worker_of(run)
        assert instance.run_coordinator.cancel_run(run.run_id)
        cancelled_s = wait_for(lambda: state_of(instance, run.run_id) is dg.DagsterRunStatus.CANCELED, fleet)
        assert cancelled_s < 60
        wait_for(lambda: not [host for host in fleet.workers if run.run_id in commands_on(host.pids())], fleet)


@pytest.mark.full
def test_a_run_whose_worker_is_killed_before_it_begins_is_started_again(
    fleet: RunningFleet, capsys: pytest.CaptureFixture[str]
) -> None:
    workers = [pid for host in fleet.workers for pid in host.pids() if "run_worker" in commands_on([pid])]
    engine = create_engine(fleet.environment["DAGSTER_POSTGRES_URL"])
    with fleet.instance() as instance, Redis.from_url(fleet.environment["RUN_BROKER"]) as redis:
        signal_to(workers, signal.SIGSTOP)
        backfill = add_backfill(instance, PLATFORMS["openrice"], PERIODS["openrice"][:1], "once-more")
        wait_for(lambda: any(RunQueue(redis).has(run.run_id) for run in runs_of(instance, [backfill])), fleet)
        (run,) = runs_of(instance, [backfill])
        with engine.begin() as connection:  # a worker takes the run, and cannot ask about it
            connection.execute(text("LOCK TABLE runs IN ACCESS EXCLUSIVE MODE"))
            signal_to(workers, signal.SIGCONT)
            wait_for(lambda: redis.exists(f"{PREFIX}{run.run_id}"), fleet)
            signal_to(workers, signal.SIGKILL)
        noticed_s = wait_for(lambda: state_of(instance, run.run_id) is dg.DagsterRunStatus.FAILURE, fleet)
        wait_for(lambda: [each for each in instance.get_runs() if each.parent_run_id == run.run_id], fleet)
        wait_for(lambda: not unfinished(instance), fleet)
        (retry,) = [each for each in instance.get_runs() if each.parent_run_id == run.run_id]
        (lost,) = [each for each in instance.get_runs() if each.run_id == run.run_id]
    assert (worker_of(lost), retry.status) == ("", dg.DagsterRunStatus.SUCCESS)
    with capsys.disabled():
        print(f"\nfleet: a run whose worker was killed before it began failed after {noticed_s:.0f} s")


@pytest.mark.full
def test_a_backfill_waits_while_the_code_server_is_away(fleet: RunningFleet) -> None:
    services = fleet.hosts[SERVICES]
    (code_server,) = [each for each in services.started if "code-server" in each.args]
    code_server.terminate()
    code_server.wait()
    with fleet.instance() as instance:
        backfill = add_backfill(instance, PLATFORMS["chope"], PERIODS["chope"][:1], "while-away")
        wait_for(lambda: f"Backfill {backfill} was unable to continue" in fleet.log(services), fleet)
        assert states_of(instance, [backfill]) == {BulkActionStatus.REQUESTED}
        fleet.start(services, "serve", "--only", "code-server")
        assert ended_states(fleet, instance, [backfill]) == {BulkActionStatus.COMPLETED_SUCCESS}


def any_ended(processes: list[subprocess.Popen[str]]) -> bool:
    return any(process.poll() is not None for process in processes)


def ended_well(instance: dg.DagsterInstance, backfill_ids: list[str]) -> int:
    """How many runs of backfills have succeeded."""
    return sum(run.status is dg.DagsterRunStatus.SUCCESS for run in runs_of(instance, backfill_ids))


def signal_to(pids: list[int], number: signal.Signals) -> None:
    for pid in pids:
        os.kill(pid, number)


def state_of(instance: dg.DagsterInstance, run_id: str) -> dg.DagsterRunStatus | None:
    run = instance.get_run_by_id(run_id)
    return run.status if run else None


def logged(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    return "\n".join(entry.user_message for entry in instance.all_logs(run.run_id))


def steps_of(instance: dg.DagsterInstance, run_id: str) -> tuple[float, float]:
    """When the first step of a run began and its last one ended."""
    kinds = {dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_SUCCESS}
    times = [entry.timestamp for entry in instance.all_logs(run_id, of_type=kinds)]
    return min(times), max(times)


def commands_on(pids: list[int]) -> str:
    """The commands of processes that still run."""
    files = [Path(f"/proc/{pid}/cmdline") for pid in pids]
    return "\n".join(file.read_text() for file in files if file.exists())
