"""Backups in Dagster: assets, schedules, the sensor after a sync, the drill, and what a failed backup leaves."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest

from sync_platform.definitions import build
from sync_platform.defs.backup_drill import DRILL_JOB
from sync_platform.defs.backup_jobs import AFTER_SYNC, FULL, INCREMENTAL, PRUNING, READ_BACK
from sync_platform.defs.backups import backups_of
from sync_platform.defs.progress import NoProgress
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform.vault.key_file import write_key_file
from sync_platform.vault.master_key import MasterKey
from sync_platform_tests.lake.harness import LakeHarness

SUNDAY = datetime(2026, 12, 6, 4, 30, tzinfo=ZoneInfo("Asia/Hong_Kong"))


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[LakeHarness]:
    harness = LakeHarness(tmp_path)
    harness.sync([{"id": number, "name": f"Dish {number}"} for number in range(20)], hour=0)
    yield harness
    harness.lake.close()


@pytest.fixture
def settings(harness: LakeHarness, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("SYNC_HOME", str(harness.folder))
    settings = Settings(_env_file=None, sync_home=harness.folder, backup_after_sync=True)
    write_key_file(settings.master_key_file, MasterKey(bytes(32)))  # as the harness has it
    return settings


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    (tmp_path / "dagster").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "dagster")) as instance:
        yield instance


def _run(settings: Settings, instance: dg.DagsterInstance, job: str) -> dg.ExecuteInProcessResult:
    return (
        build(settings, NoProgress()).resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False)
    )


def _ended(settings: Settings, operation: str) -> list[str]:
    log = AuditLog(settings.ledger_url)
    try:
        return [each.outcome for each in log.entries(operation=operation) if each.outcome != "begun"]
    finally:
        log.close()


def test_the_jobs_make_backups_drill_and_prune_and_their_ends_are_on_record(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    for job, kind in ((FULL, "full"), (INCREMENTAL, "incremental")):
        result = _run(settings, instance, job)
        (made,) = result.asset_materializations_for_node(f"backups__{kind}")
        assert made.metadata["BackupSuccess"].value == 1
        assert [(each.check_name, each.passed) for each in result.get_asset_check_evaluations()] == [(READ_BACK, True)]
    assert [each.kind for each in backups_of(settings).repository().manifests()] == ["full", "incremental"]
    assert _run(settings, instance, DRILL_JOB).success
    assert _run(settings, instance, PRUNING).success
    assert (_ended(settings, "backup"), _ended(settings, "drill")) == (["complete"] * 2, ["complete"])
    assert _ended(settings, "prune") == ["complete"]


def test_a_failed_backup_fails_its_run_and_its_check(
    settings: Settings, instance: dg.DagsterInstance, harness: LakeHarness
) -> None:
    next(Path(harness.lake.address.data).glob("diner/**/*.parquet")).unlink()
    result = _run(settings, instance, FULL)
    assert not result.success
    (check,) = result.get_asset_check_evaluations()
    assert not check.passed
    assert "the file is missing" in (check.description or "")
    assert _ended(settings, "backup") == ["failed"]
    assert not _run(settings, instance, DRILL_JOB).success, "there is no backup to restore"
    assert _ended(settings, "drill") == ["failed"]


def test_each_schedule_asks_for_one_run_at_its_time_in_hong_kong(settings: Settings) -> None:
    repository = build(settings, NoProgress()).get_repository_def()
    context = dg.build_schedule_context(scheduled_execution_time=SUNDAY, repository_def=repository)
    declared = {FULL: "30 4 * * 0", INCREMENTAL: "30 5 * * *", PRUNING: "0 7 * * *", DRILL_JOB: "0 8 * * 0"}
    schedules = {each.job_name: each for each in repository.schedule_defs}
    for job, cron in declared.items():
        schedule = schedules[job]
        assert (schedule.cron_schedule, schedule.execution_timezone) == (cron, "Asia/Hong_Kong")
        assert schedule.default_status is dg.DefaultScheduleStatus.RUNNING
        assert len(schedule.evaluate_tick(context).run_requests or []) == 1


def test_a_backup_follows_each_commit_once_where_that_is_set(
    settings: Settings, instance: dg.DagsterInstance, harness: LakeHarness
) -> None:
    repository = build(settings, NoProgress()).get_repository_def()
    sensor = repository.get_sensor_def(AFTER_SYNC)

    def asked(cursor: str | None) -> tuple[list[str | None], str | None]:
        resources = {"backups": backups_of(settings)}
        with dg.build_sensor_context(instance, cursor, repository_def=repository, resources=resources) as context:
            tick = sensor.evaluate_tick(context)
        return [each.run_key for each in tick.run_requests or []], tick.cursor

    (first,), cursor = asked(None)
    assert asked(cursor) == ([], cursor)
    harness.sync([{"id": 1, "name": "Another"}], hour=5)
    (second,), _ = asked(cursor)
    assert first != second
    without = settings.model_copy(update={"backup_after_sync": False})
    assert AFTER_SYNC not in [each.name for each in build(without, NoProgress()).get_repository_def().sensor_defs]
