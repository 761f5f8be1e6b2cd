"""The emergency sensor under Dagster's own daemons, on a real instance: each request runs once, despite any crash."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import dagster as dg
import pytest

from sync_platform.definitions import build
from sync_platform.defs.automation import asset_keys, job_name, run_config
from sync_platform.defs.dagster_internals import is_sensor_stopped
from sync_platform.defs.emergency import EMERGENCY, follow, request_lock_name, run_requests
from sync_platform.defs.landing import Mode
from sync_platform.defs.progress import NoProgress
from sync_platform.defs.trigger import RUN_PRIORITY_TAG
from sync_platform.lake.syncs import syncs_of_request
from sync_platform.sources.period import current_period
from sync_platform.storage.lake_connection import Lake
from sync_platform.storage.platform_lock import platform_lock_if_free
from sync_platform_tests.defs.daemon_harness import PLATFORMS, DaemonHarness
from sync_platform_tests.warm import started


def test_a_request_runs_once_with_its_tags_and_is_in_the_record_of_the_sync(daemon: DaemonHarness) -> None:
    request = daemon.request("chope", priority="critical")
    for _ in range(2):
        daemon.sense()
    (run,) = daemon.runs("chope")
    assert run.status == dg.DagsterRunStatus.QUEUED
    assert {name: value for name, value in run.tags.items() if name.startswith("sync_platform/")} == {
        "sync_platform/request_id": request.request_id,
        "sync_platform/requested_by": "ada",
        "sync_platform/request_reason": "menus are wrong",
        "sync_platform/request_priority": "critical",
    }
    assert run.asset_selection == frozenset(asset_keys(PLATFORMS["chope"]))
    assert daemon.requests.find(request.request_id).state == "launched"
    ran = daemon.launch()
    assert (ran.run_id, ran.status) == (run.run_id, dg.DagsterRunStatus.SUCCESS)
    daemon.sense()
    ended = daemon.requests.find(request.request_id)
    assert (ended.state, ended.outcome, ended.run_of("chope").run_id) == ("finished", "complete", run.run_id)
    with Lake(daemon.lake, read_only=True) as lake:
        records = syncs_of_request(lake, request.request_id)
    assert {(each.dataset, each.requested_by, each.request_reason, each.request_priority) for each in records} == {
        (dataset.name, "ada", "menus are wrong", "critical") for dataset in PLATFORMS["chope"].datasets
    }
    daemon.sense()
    assert len(daemon.runs("chope")) == 1


def test_a_run_that_fails_ends_its_request_as_failed_with_the_reason_and_is_recorded(
    daemon: DaemonHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHOPE_BASE_URL", "https://chope.example")
    request = daemon.request("chope")
    daemon.sense()
    daemon.launch()
    daemon.sense()
    ended = daemon.requests.find(request.request_id)
    assert ended.outcome == "failed"
    assert "CHOPE_TERMS_ACCEPTED=true" in (ended.run_of("chope").error or "")
    with Lake(daemon.lake, read_only=True) as lake:
        (record,) = syncs_of_request(lake, request.request_id)
    assert (record.dataset, record.status, record.requested_by) == (None, "failed", "ada")


def test_a_request_file_is_launched_at_the_same_tick(daemon: DaemonHarness) -> None:
    folder = daemon.settings.home / "landing_store" / "emergency"
    folder.mkdir(parents=True)
    (folder / "menus.json").write_text('{"platforms": ["chope"], "reason": "menus are wrong", "requester": "ada"}')
    (folder / "bad.json").write_text('{"platforms": ["chop"], "reason": "menus are wrong"}')
    daemon.sense()
    assert len(daemon.runs("chope")) == 1
    assert [path.name for path in folder.iterdir()] == ["refused"]
    assert len(list((folder / "refused").glob("*-bad.json.reason.txt"))) == 1


def _die(home: Path, moment: str, _number: int) -> None:
    os.environ.update(SYNC_HOME=str(home), SANDBOX_PLACES="40")
    daemon = DaemonHarness(home)
    daemon.request("chope")
    if moment != "REQUESTED":
        daemon.sense(crash_at=moment)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("moment", ["REQUESTED", "RUN_IDS_RESERVED", "RUN_CREATED", "RUN_LAUNCHED"])
def test_a_crash_at_any_moment_between_request_and_launch_gives_one_run(home: Path, moment: str) -> None:
    (process,) = started(1, _die, (home, moment))
    assert process.wait().returncode == -signal.SIGKILL
    daemon = DaemonHarness(home)
    for _ in range(2):
        daemon.sense()
    (run,) = daemon.runs("chope")
    assert run.status == dg.DagsterRunStatus.QUEUED
    daemon.close()


def test_a_crash_between_the_sensors_decision_and_the_launch_gives_one_run(
    daemon: DaemonHarness,
) -> None:
    request = daemon.request("chope")
    assert daemon.requests.hand_over(request.request_id, "chope")
    for _ in range(2):
        daemon.sense()
    assert len(daemon.runs("chope")) == 1


def _queue_backfill(daemon: DaemonHarness, names: list[str]) -> None:
    """Queue a run of each platform as a backfill does."""
    workspace = daemon.workspace.create_request_context()
    repository = workspace.get_code_location("sync_platform").get_repository("__repository__")
    definitions = build(daemon.settings, NoProgress())
    for name in names:
        platform = PLATFORMS[name]
        remote = repository.get_full_job(job_name(platform, Mode.full))
        run = daemon.instance.create_run_for_job(
            definitions.resolve_job_def(job_name(platform, Mode.full)),
            run_config=run_config(platform, Mode.full),
            tags={"dagster/backfill": "monthly"},
            asset_selection=frozenset(asset_keys(platform)),
            remote_job_origin=remote.get_remote_origin(),
            job_code_origin=remote.get_python_origin(),
        )
        daemon.instance.submit_run(run.run_id, workspace)


def test_a_critical_run_is_launched_before_the_backfills_that_were_queued_first(
    daemon: DaemonHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    # by default Dagster's queue counts the pools of a run that has just started: here none has
    monkeypatch.setenv("DAGSTER_OP_CONCURRENCY_KEYS_ALLOTTED_FOR_STARTED_RUN_SECONDS", "0")
    _queue_backfill(daemon, ["chope", "eatigo"] * 2)
    low = daemon.request("eatigo", priority="low")
    critical = daemon.request("chope", priority="critical")
    daemon.sense()
    first, second = daemon.next_in_queue()
    assert [run.tags["sync_platform/request_id"] for run in (first, second)] == [critical.request_id, low.request_id]
    _start(daemon, first)
    assert [run.run_id for run in daemon.next_in_queue()] == [second.run_id]


def test_a_backfill_takes_one_place_in_the_queue_so_that_a_critical_run_of_another_platform_finds_one(
    daemon: DaemonHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_OP_CONCURRENCY_KEYS_ALLOTTED_FOR_STARTED_RUN_SECONDS", "0")
    daemon.sense()
    _queue_backfill(daemon, ["chope"] * 3)
    (first,) = daemon.next_in_queue()
    _start(daemon, first)
    assert daemon.next_in_queue() == []
    critical = daemon.request("eatigo", priority="critical")
    daemon.sense()
    (run,) = daemon.next_in_queue()
    assert run.tags["sync_platform/request_id"] == critical.request_id


def _start(daemon: DaemonHarness, run: dg.DagsterRun) -> None:
    """Mark the run as started, as it is between two of its steps."""
    event = dg.DagsterEvent(event_type_value=dg.DagsterEventType.RUN_START.value, job_name=run.job_name)
    daemon.instance.report_dagster_event(event, run_id=run.run_id)


def test_a_queued_run_moves_up_when_it_is_requested_more_urgently(daemon: DaemonHarness) -> None:
    request = daemon.request("chope", priority="low")
    daemon.sense()
    daemon.request("chope", priority="critical", requester="eve")
    daemon.sense()
    (run,) = daemon.runs("chope")
    assert run.tags[RUN_PRIORITY_TAG] == "1000"
    assert len(daemon.requests.find(request.request_id).askings) == 2


def test_the_sensor_launches_what_a_dead_process_claimed_but_not_what_a_living_one_claimed(
    daemon: DaemonHarness,
) -> None:
    request = daemon.request("chope")
    assert daemon.requests.claim(request.request_id, "chope", "run-of-a-process")
    with platform_lock_if_free(daemon.settings.ledger_url, request_lock_name("chope"), request.request_id) as is_ours:
        assert is_ours
        daemon.sense()
        assert daemon.runs("chope") == []
    daemon.sense()
    assert len(daemon.runs("chope")) == 1


def test_a_cancelled_run_ends_its_request_as_failed(daemon: DaemonHarness) -> None:
    request = daemon.request("chope")
    daemon.sense()
    (run,) = daemon.runs("chope")
    daemon.instance.report_run_canceled(run)
    assert follow(daemon.instance, daemon.requests, daemon.lake) == []
    ended = daemon.requests.find(request.request_id)
    assert (ended.outcome, ended.run_of("chope").error) == ("failed", "its run was cancelled")


def test_a_run_whose_process_died_leaves_its_request_open_as_long_as_dagster_launches_it_again(
    daemon: DaemonHarness,
) -> None:
    request = daemon.request("chope")
    daemon.sense()
    (run,) = daemon.runs("chope")
    daemon.instance.report_run_failed(run, message="the process that ran it has died")
    daemon.sense()
    assert daemon.requests.find(request.request_id).is_open
    daemon.instance.add_run_tags(run.run_id, {"dagster/will_retry": "false"})  # Dagster does not retry it
    daemon.sense()
    ended = daemon.requests.find(request.request_id)
    assert (ended.outcome, ended.run_of("chope").error) == ("failed", "the process that ran it has died")
    assert len(daemon.runs("chope")) == 1


def test_a_sensor_that_is_switched_off_is_detected(daemon: DaemonHarness) -> None:
    workspace = daemon.workspace.create_request_context()
    sensor = workspace.get_code_location("sync_platform").get_repository("__repository__").get_sensor(EMERGENCY)
    assert not is_sensor_stopped(daemon.instance, EMERGENCY)
    daemon.instance.stop_sensor(sensor.get_remote_origin_id(), sensor.selector_id, sensor)
    assert is_sensor_stopped(daemon.instance, EMERGENCY)
    assert not is_sensor_stopped(daemon.instance, "dead_runs")


def test_a_platform_that_is_gone_ends_its_request_as_failed(daemon: DaemonHarness) -> None:
    request = daemon.request("chope")
    assert list(run_requests(daemon.requests, {})) == []
    assert daemon.requests.find(request.request_id).outcome == "failed"


def test_a_landing_store_that_is_down_stops_no_request(daemon: DaemonHarness) -> None:
    (daemon.settings.home / "landing_store").write_text("in the way")
    daemon.request("chope")
    daemon.sense()
    assert len(daemon.runs("chope")) == 1


def test_a_request_is_for_the_current_period(daemon: DaemonHarness) -> None:
    daemon.request("chope", "data_gov_hk")
    daemon.sense()
    asked = {name: daemon.runs(name)[0].tags["dagster/partition"] for name in ("chope", "data_gov_hk")}
    assert asked == {name: current_period(PLATFORMS[name].cadence).key for name in asked}
