"""Dagster's sensors make rounds of the watch where no other watcher does; and a daemon that is killed is noticed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from sync_platform.cli.runner.home import prepare_home
from sync_platform.cli.runner.watched_dagster import dagster_reader
from sync_platform.defs.dagster_internals import instance_in
from sync_platform.defs.monitoring import watch_sensors
from sync_platform.monitoring.bounded_calls import BoundedCalls
from sync_platform.monitoring.watch_heartbeat import heartbeat_file, read_heartbeat
from sync_platform.monitoring.watch_lease import only_watcher
from sync_platform.monitoring.watch_round import watch_once
from sync_platform.settings import Settings, load_settings
from sync_platform_tests.limits import LONGEST_WAIT_S

NOTICED_WITHIN_S = 180


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(sync_home=tmp_path / "home")


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    with instance_in(prepare_home(settings.home)) as opened:
        yield opened


def evaluated(sensor: dg.SensorDefinition, context: Any) -> str:
    skipped: Any = sensor(context)
    return str(skipped.skip_message)


def test_the_sensor_makes_a_round_unless_another_watcher_does(settings: Settings, instance: dg.DagsterInstance) -> None:
    sensor, _ = watch_sensors(settings, [])
    context = dg.build_sensor_context(instance=instance)
    with only_watcher(settings.ledger_url):
        assert evaluated(sensor, context).startswith("another watcher makes the rounds: ")
    assert read_heartbeat(settings.home) is None
    assert evaluated(sensor, context) == "a round found: nothing is wrong"
    assert read_heartbeat(settings.home) is not None


def test_a_failed_run_starts_a_round_at_once_but_many_start_one(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    @dg.op
    def fail() -> None:
        raise ValueError("no")

    @dg.job(tags={"dagster/max_retries": "0"})
    def failing() -> None:
        fail()

    _, sensor = watch_sensors(settings, [])
    result = failing.execute_in_process(instance=instance, raise_on_error=False)
    context = dg.build_run_status_sensor_context(
        "watch_failed_runs", result.get_run_failure_event(), instance, result.dagster_run
    ).for_run_failure()
    assert evaluated(sensor, context) == "a round found: run-failed:failing"
    assert evaluated(sensor, context) == "a round was just made"
    heartbeat_file(settings.home).unlink()
    assert evaluated(sensor, context) == "a round found: run-failed:failing"


@pytest.mark.full
def test_a_daemon_that_is_killed_is_noticed_within_three_minutes(settings: Settings) -> None:
    home = prepare_home(settings.home)
    environment = {**os.environ, "DAGSTER_HOME": str(home), "SYNC_HOME": str(settings.home), "SANDBOX_PLACES": "40"}
    command = [sys.executable, "-m", "dagster._daemon", "run", "-m", "sync_platform.definitions"]
    daemon = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    read, calls = dagster_reader(settings), BoundedCalls()

    def causes() -> list[str]:
        return [each.cause for each in watch_once(settings, read, calls).problems]

    def is_alive() -> bool:
        state = read(datetime.now(UTC))
        return state is not None and all(each.last_heartbeat_at for each in state.threads)

    try:
        limit = time.monotonic() + LONGEST_WAIT_S
        while not is_alive():
            assert daemon.poll() is None
            assert time.monotonic() < limit
            time.sleep(1)
        assert causes() == []
    finally:
        daemon.send_signal(signal.SIGKILL)
        daemon.wait()
    killed_at = time.monotonic()
    while "daemon-silent" not in causes():
        assert time.monotonic() - killed_at < NOTICED_WITHIN_S
        time.sleep(5)
