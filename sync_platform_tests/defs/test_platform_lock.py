"""Runs whose platform lock or pool another run holds; real runs on a real instance."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.ref import InstanceRef
from dagster._core.test_utils import create_run_for_test

from sync_platform.definitions import build
from sync_platform.defs.dead_runs import PROCESS_TAG, dead_runs_sensor, pod_of, tags_of_process, this_process
from sync_platform.defs.platform_lock import PlatformLocks, platform_lock_resource
from sync_platform.defs.progress import NoProgress
from sync_platform.defs.scorecard import SCORECARD
from sync_platform.platforms import load_platforms
from sync_platform.settings import load_settings
from sync_platform.storage.platform_lock import platform_lock
from sync_platform.unified.related_records import RECORD_KINDS

ONE_AT_A_TIME = {"concurrency": {"pools": {"default_limit": 1}}, "telemetry": {"enabled": False}}
STARTED = dg.DagsterRunStatus.STARTED


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.from_ref(InstanceRef.from_dir(str(tmp_path), overrides=ONE_AT_A_TIME)) as instance:
        yield instance


def test_a_pool_that_a_dead_run_of_another_machine_holds_is_freed(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    storage = instance.event_log_storage
    storage.initialize_concurrency_limit_to_default("chope")
    for step in ("first", "pending"):
        storage.claim_concurrency_slot("chope", "0a1b2c3d-dead", step)
    assert _materialise("chope", instance, tmp_path).success
    pool = storage.get_concurrency_info("chope")
    assert (pool.claimed_slots, pool.pending_steps) == ([], [])


def test_a_run_waits_for_its_platforms_lock_before_any_step_and_logs_that(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    waited: list[str] = []

    class Watcher(NoProgress):
        def waiting(self, platform: str, text: str) -> None:
            waited.append(text)
            other.close()

    other = _lock_of_another(tmp_path)
    next(other)
    result = _materialise("chope", instance, tmp_path, Watcher())
    assert result.success
    assert waited[0].startswith("waiting for another sync of chope (run another-, since ")
    logged = [entry.user_message for entry in instance.all_logs(result.run_id)]
    assert waited[0] in logged


def test_runs_of_dead_processes_are_ended_and_those_of_living_ones_are_not(instance: dg.DagsterInstance) -> None:
    dead, living, repeated, untold = (
        create_run_for_test(instance, status=STARTED, tags=tags)
        for tags in ({}, {}, {PROCESS_TAG: "nowhere/1/1/another-run"}, {})
    )
    node, *_ = this_process("").split("/")
    instance.add_run_tags(dead.run_id, {PROCESS_TAG: f"{node}/1/0/{dead.run_id}"})
    instance.add_run_tags(living.run_id, {PROCESS_TAG: this_process(living.run_id)})
    skipped = dead_runs_sensor(dg.build_sensor_context(instance=instance))
    assert isinstance(skipped, dg.SkipReason)
    states = {run.run_id: run.status for run in instance.get_runs()}
    assert states == {
        dead.run_id: dg.DagsterRunStatus.FAILURE,
        **{run.run_id: STARTED for run in (living, repeated, untold)},
    }


def test_a_run_in_a_pod_names_it(monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance) -> None:
    outside, repeated, inside = (create_run_for_test(instance).run_id for _ in range(3))
    instance.add_run_tags(outside, tags_of_process(outside))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.96.0.1")
    instance.add_run_tags(repeated, tags_of_process("the run that it repeats"))
    instance.add_run_tags(inside, tags_of_process(inside))
    pods = {run.run_id: pod_of(run) for run in instance.get_runs()}
    assert pods == {outside: "", repeated: "", inside: os.uname().nodename}


def _lock_of_another(home: Path) -> Iterator[None]:
    def nobody_else(_: object) -> None:
        raise AssertionError("nothing else holds the lock")

    with platform_lock(load_settings(sync_home=home).ledger_url, "chope", "another-run", nobody_else):
        yield


def _materialise(
    name: str,
    instance: dg.DagsterInstance,
    home: Path,
    progress: NoProgress | None = None,
    work: Callable[[dg.AssetExecutionContext], None] = lambda context: None,
) -> dg.ExecuteInProcessResult:
    """A run with the lock and pool of a platform, and one asset."""

    @dg.asset(key=[name, "dishes"], pool=name, required_resource_keys={"platform_locks"})
    def dishes(context: dg.AssetExecutionContext) -> None:
        work(context)

    ledger = load_settings(sync_home=home).ledger_url
    locks = platform_lock_resource(ledger, load_platforms(), progress or NoProgress(), lambda: None)
    return dg.materialize([dishes], instance=instance, resources={"platform_locks": locks}, raise_on_error=False)


@pytest.mark.parametrize("ended", [dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED])
def test_a_run_that_others_have_given_up_commits_nothing_and_stays_what_it_is(
    instance: dg.DagsterInstance, tmp_path: Path, ended: dg.DagsterRunStatus
) -> None:
    """Its host was cut off, and its retry has begun: Dagster itself would store its success."""
    committed = []

    def commit(context: dg.AssetExecutionContext) -> None:
        locks: PlatformLocks = context.resources.platform_locks
        locks.require("chope")
        is_failure = ended is dg.DagsterRunStatus.FAILURE
        (instance.report_run_failed if is_failure else instance.report_run_canceled)(context.run, "given up")
        locks.require("chope")
        committed.append(context.run_id)

    result = _materialise("chope", instance, tmp_path, work=commit)
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    assert (committed, run.status) == ([], ended)


def test_every_asset_that_commits_records_to_the_lake_requires_the_lock(tmp_path: Path) -> None:
    backups = {dg.AssetKey(["backups", kind]) for kind in ("full", "incremental")}
    only_read = {SCORECARD, *backups, *(dg.AssetKey(["unified", kind]) for kind in RECORD_KINDS)}
    for asset in build(load_settings(sync_home=tmp_path), NoProgress()).assets or []:
        assert isinstance(asset, dg.AssetsDefinition)
        assert "platform_locks" in asset.required_resource_keys or asset.keys <= only_read
