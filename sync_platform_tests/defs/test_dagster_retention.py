"""Old runs and their logs are deleted from Dagster's records, and what its UI shows of assets and checks stays."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS
from dagster._core.storage.partition_status_cache import get_and_update_asset_status_cache_value

from sync_platform.cli.runner.home import prepare_home
from sync_platform.defs import dagster_storage
from sync_platform.defs.dagster_retention import delete_due_runs, due_runs
from sync_platform.defs.dagster_storage import DagsterStorage
from sync_platform.errors import StorageError
from sync_platform_tests.defs.dagster_in_postgresql import instance_in_postgresql
from sync_platform_tests.extent import only_in_full

PARTITIONS = dg.StaticPartitionsDefinition(["a", "b", "c", "d"])
BROKEN = "b"
KEPT = timedelta(days=30)


@dg.asset(partitions_def=PARTITIONS, check_specs=[dg.AssetCheckSpec("contract", asset="rows")])
def rows(context: dg.AssetExecutionContext) -> Iterator[Any]:
    context.log.info("fetched the rows")
    print("captured output")
    if context.partition_key == BROKEN and context.run.tags.get("mended") != "yes":
        raise ValueError("the source is down")
    yield dg.Output(None, metadata={"records": 7})
    yield dg.AssetCheckResult(passed=context.partition_key != "c")


@dg.asset(check_specs=[dg.AssetCheckSpec("own", asset="total")])
def total(context: dg.AssetExecutionContext) -> Iterator[Any]:
    if context.run.tags.get("broken") == "yes":
        raise ValueError("no disk")
    yield dg.Output(None)
    yield dg.AssetCheckResult(passed=True)


DEFINITIONS = dg.Definitions(assets=[rows, total], executor=dg.in_process_executor)


@pytest.fixture(params=["sqlite", "one table", only_in_full("postgresql")])
def instance(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's records in a file for each run, as on a laptop, in one table of SQLite, and in a real PostgreSQL."""
    home = prepare_home(tmp_path)
    if request.param == "sqlite":
        with dg.DagsterInstance.from_config(str(home)) as instance:
            yield instance
    elif request.param == "postgresql":
        with instance_in_postgresql(request.getfixturevalue("postgres_server"), home) as instance:
            yield instance
    else:
        with dg.DagsterInstance.ephemeral(tempdir=str(home)) as instance:
            yield instance


def run(instance: dg.DagsterInstance, asset: str, partition: str | None = None, **tags: str) -> str:
    job = DEFINITIONS.resolve_implicit_global_asset_job_def()
    done = job.execute_in_process(
        instance=instance,
        partition_key=partition,
        asset_selection=[dg.AssetKey(asset)],
        raise_on_error=False,
        tags=tags,
    )
    return done.run_id


def shown(instance: dg.DagsterInstance) -> dict[str, Any]:
    """What the UI shows of the assets, computed from the records and not from what Dagster has kept of it before."""
    keys = [dg.AssetKey("rows"), dg.AssetKey("total")]
    storage = instance.event_log_storage
    storage.wipe_asset_cached_status(keys[0])
    status = get_and_update_asset_status_cache_value(instance, keys[0], PARTITIONS)
    assert status is not None
    checks = [dg.AssetCheckKey(keys[0], "contract"), dg.AssetCheckKey(keys[1], "own")]
    return {
        "materialized": status.deserialize_materialized_partition_subsets(PARTITIONS).get_partition_keys(),
        "failed": status.deserialize_failed_partition_subsets(PARTITIONS).get_partition_keys(),
        "in_progress": status.deserialize_in_progress_partition_subsets(PARTITIONS).get_partition_keys(),
        "events": [
            [
                (each.partition_key, each.timestamp, each.asset_materialization.metadata)
                for each in instance.fetch_materializations(key, limit=100).records
                if each.asset_materialization
            ]
            for key in keys
        ],
        "checks": [
            [
                (each.id, each.run_id, each.status, each.evaluation.passed if each.evaluation else None)
                for each in storage.get_asset_check_execution_history(key, limit=100)
                if each.status.value != "PLANNED"
            ]
            for key in checks
        ],
        "assets": [
            (each.asset_entry.last_materialization_storage_id, each.asset_entry.last_run_id)
            for each in instance.get_asset_records(keys)
        ],
    }


def files_about(instance: dg.DagsterInstance, run_id: str) -> list[str]:
    folder = Path(instance.root_directory)
    return [str(file) for file in folder.rglob("*") if run_id in str(file) and file.is_file()]


def test_old_runs_go_and_what_the_ui_shows_stays(instance: dg.DagsterInstance) -> None:
    runs = {partition: run(instance, "rows", partition) for partition in ("a", "b", "c")}
    whole = run(instance, "total")
    storage, before = DagsterStorage(instance), shown(instance)
    assert sorted(before["failed"]) == [BROKEN] and len(before["materialized"]) == 2

    now = datetime.now(UTC)
    assert due_runs(storage, now + timedelta(days=29) - KEPT).runs == []
    due = due_runs(storage, now + timedelta(days=31) - KEPT)
    assert (set(due.runs), due.deciding) == ({runs["a"], runs["c"], whole}, [runs["b"]])

    deleted = delete_due_runs(storage, now + timedelta(days=31) - KEPT)
    assert (deleted["runs"], deleted["event_logs"]) == (3, 4)
    assert shown(instance) == before
    assert [each.run_id for each in instance.get_runs()] == [runs["b"]], "it decides that partition b has failed"
    logged = [each.dagster_event_type for each in instance.all_logs(runs["b"])]
    assert [each for each in logged if each not in ASSET_EVENTS | ASSET_CHECK_EVENTS] == []
    for run_id in (runs["a"], runs["c"], whole):
        assert files_about(instance, run_id) == []
    assert delete_due_runs(storage, now + timedelta(days=31) - KEPT) == {"runs": 0, "event_logs": 0, "bytes": 0}


def test_a_failed_run_goes_once_a_newer_run_decides(instance: dg.DagsterInstance) -> None:
    failed = run(instance, "rows", BROKEN)
    run(instance, "rows", BROKEN, mended="yes")
    storage = DagsterStorage(instance)
    before = shown(instance)
    assert list(before["failed"]) == []
    deleted = delete_due_runs(storage, datetime.now(UTC) + timedelta(days=1))
    assert deleted["runs"] == 2
    assert instance.get_run_by_id(failed) is None
    assert shown(instance) == before


def test_what_has_not_ended_is_kept_however_old_it_is(instance: dg.DagsterInstance) -> None:
    waiting = instance.create_run_for_job(
        DEFINITIONS.resolve_implicit_global_asset_job_def(), status=dg.DagsterRunStatus.STARTED
    ).run_id
    ended = run(instance, "total")
    storage = DagsterStorage(instance)
    assert due_runs(storage, datetime.now(UTC) + timedelta(days=400)).runs == [ended]
    delete_due_runs(storage, datetime.now(UTC) + timedelta(days=400))
    assert [each.run_id for each in instance.get_runs()] == [waiting]


def test_a_deletion_that_was_killed_is_continued(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(_: str) -> None:
        raise KeyboardInterrupt

    run(instance, "rows", "a")
    storage, before = DagsterStorage(instance), shown(instance)
    later = datetime.now(UTC) + timedelta(days=1)
    with monkeypatch.context() as patch:
        patch.setattr(instance.run_storage, "delete_run", killed)
        with pytest.raises(KeyboardInterrupt):
            delete_due_runs(storage, later)
    assert len(instance.get_runs()) == 1
    assert delete_due_runs(storage, later)["runs"] == 1
    assert (instance.get_runs(), shown(instance)) == ([], before)


def test_the_files_of_a_run_that_the_ui_deleted_go_too(tmp_path: Path) -> None:
    with dg.DagsterInstance.from_config(str(prepare_home(tmp_path))) as instance:
        deleted = run(instance, "total")
        instance.delete_run(deleted)
        assert files_about(instance, deleted)
        storage = DagsterStorage(instance)
        assert due_runs(storage, datetime.now(UTC) - KEPT).left_over == []
        for file in files_about(instance, deleted):
            os.utime(file, (0, 0))
        assert due_runs(storage, datetime.now(UTC) - KEPT).left_over == [deleted]
        delete_due_runs(storage, datetime.now(UTC) - KEPT)
        assert files_about(instance, deleted) == []


def test_another_version_of_dagster_is_refused_and_nothing_is_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    with dg.DagsterInstance.ephemeral() as instance:
        run(instance, "total")
        monkeypatch.setattr(dagster_storage, "CHECKED_IN", "1.0.0")
        with pytest.raises(StorageError, match=r"can be deleted with Dagster 1\.0\.0 only"):
            DagsterStorage(instance)
        assert len(instance.get_runs()) == 1
