"""How much processor time a backfill takes on each host, with one, two and three workers.

FLEET_SIZES=2,4 makes it other numbers. The hosts share the cores of one machine: the time that passes says nothing.
"""

from __future__ import annotations

import os
import time

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus

from sync_platform.settings import load_settings
from sync_platform_tests.fleet.backfills import (
    PERIODS,
    PLATFORMS,
    backfilled_by_one_machine,
    contents,
    ended_states,
    working_fleet,
)
from sync_platform_tests.fleet.running_fleet import add_backfill, runs_of, worker_of

SIZES = [int(each) for each in os.environ.get("FLEET_SIZES", "1,2,3").split(",")]


@pytest.mark.full
@pytest.mark.parametrize("workers", SIZES)
def test_a_backfill_is_shared_by_the_workers_that_there_are(
    workers: int, tmp_path_factory: pytest.TempPathFactory, capsys: pytest.CaptureFixture[str]
) -> None:
    with working_fleet(tmp_path_factory.mktemp("fleet"), workers) as fleet:
        idle_s, began = fleet.cpu_s(), time.monotonic()
        with fleet.instance() as instance:
            ids = [add_backfill(instance, PLATFORMS[name], periods) for name, periods in PERIODS.items()]
            states, runs = ended_states(fleet, instance, ids), runs_of(instance, ids)
        took_s, cpu_s = time.monotonic() - began, fleet.cpu_s()
        done = {host.name: sum(worker_of(run) == host.name for run in runs) for host in fleet.workers}
        with capsys.disabled():
            print(f"\nfleet of {workers}: {len(runs)} runs in {took_s:.0f} s")
            for name, spent in cpu_s.items():
                print(f"  {name}: {done.get(name, 0)} runs, {spent - idle_s[name]:.1f} s of processor time")
        assert states == {BulkActionStatus.COMPLETED_SUCCESS}
        assert {run.status for run in runs} == {dg.DagsterRunStatus.SUCCESS}
        assert all(done.values()) and sum(done.values()) == len(runs)
        assert contents(load_settings()) == contents(backfilled_by_one_machine(fleet.folder / "laptop"))
