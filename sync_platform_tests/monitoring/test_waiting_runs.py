"""Runs that wait in Dagster's queue are read, without those of backfills, and nothing is made where there are none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from sync_platform.cli.runner.daemon import waiting_runs
from sync_platform.cli.runner.instance import opened_instance
from sync_platform.settings import load_settings


def test_a_run_that_waits_is_found_and_one_of_a_backfill_is_not(tmp_path: Path) -> None:
    @dg.job
    def wait() -> None: ...

    settings = load_settings(sync_home=tmp_path / "home")
    assert waiting_runs(settings) == []
    assert not settings.home.exists()
    with opened_instance(settings) as instance:
        tags = {"platform": "chope"}
        queued, ended = dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.SUCCESS
        run = instance.create_run_for_job(wait, status=queued, tags=tags)
        instance.create_run_for_job(wait, status=queued, tags={"dagster/backfill": "b"})
        instance.create_run_for_job(wait, status=ended)
    (waiting_run,) = waiting_runs(settings)
    assert (waiting_run.run_id, waiting_run.job, waiting_run.platform) == (run.run_id, "wait", "chope")
    assert abs(datetime.now(UTC) - waiting_run.since) < timedelta(minutes=5)
