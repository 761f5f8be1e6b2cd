"""Each rule of retention, with a clock that moves; and the job that applies all of them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from sync_platform.cli.runner.home import prepare_home
from sync_platform.compliance.applied_retention import recorded_deletions
from sync_platform.compliance.logged_operations import logged_operations
from sync_platform.compliance.span import Span
from sync_platform.definitions import build
from sync_platform.defs.backups import backups_of
from sync_platform.defs.dagster_internals import instance_in
from sync_platform.defs.progress import NoProgress
from sync_platform.defs.retention import DELETIONS, RETENTION
from sync_platform.defs.retention_steps import RetainedInstallation, RetentionStep
from sync_platform.defs.run_errors import error_of
from sync_platform.errors import StorageError
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.metric import OPEN_ALERTS, Sample
from sync_platform.monitoring.metric_history import MetricHistory
from sync_platform.monitoring.problem import ProblemName
from sync_platform.privacy.access_answer_files import record_of
from sync_platform.privacy.privacy_request import PrivacyRequestKind
from sync_platform.privacy.request_register import RequestRegister
from sync_platform.privacy.retention_rule import RULES, RuleName
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.folder_store import FolderStore
from sync_platform.storage.lease import Leases
from sync_platform_tests.lake.harness import LakeHarness
from sync_platform_tests.monitoring.alerting import ALL, problem

NOW = datetime.now(UTC)
"""The lake, its landed pages and Dagster's runs have the time of the machine."""
DUE: dict[RuleName, dict[str, Any]] = {
    RuleName.sync_logs: {"runs": 1, "event_logs": 1},
    RuleName.lineage: {"changes": 4},
    RuleName.backups: {"backups": 1},
    RuleName.metrics: {"metric_events": 0, "metric_hours": 1},
    RuleName.alerts: {"alerts": 1, "alert_messages": 2},
    RuleName.landing: {"syncs": 3},
    RuleName.privacy_requests: {"requests": 1},
    RuleName.access_answers: {"files": 1},
}


@dg.job(executor_def=dg.in_process_executor)
def nothing() -> None: ...


def write_answer(settings: Settings, name: str, at: datetime) -> Path:
    """An answer that was written at that time, on record; and one that somebody has replaced since."""
    log = AuditLog(settings.ledger_url, lambda: at)
    for file in (settings.home / name, settings.home / f"replaced-{name}"):
        file.write_bytes(b"sealed")
        log.record("access", {"request": 2, **record_of(file)}, actor="ada", via="cli")
    file.write_bytes(b"the operator's own")
    log.close()
    return settings.home / name


def fill(home: Path) -> Settings:
    """A home with something for each rule."""
    settings = Settings(_env_file=None, sync_home=home, backup_retention_days=50, sandbox_places=40)
    settings.master_key_file.parent.mkdir(parents=True)
    settings.master_key_file.write_text(bytes(32).hex())
    settings.master_key_file.chmod(0o600)
    harness = LakeHarness(home)
    for hour in range(4):
        harness.sync([{"id": number, "name": f"Dish at {hour}"} for number in range(2)], hour=hour)
    harness.lake.close()
    for _ in range(2):
        backups_of(settings).create("full")
    store = AlertStore(settings.ledger_url, ["log"])
    store.round([problem(ProblemName.anomaly, "chope volume", "chope")], ALL)
    store.resolve(store.open_alerts()[0].alert_id, "ada", "mended")
    history = MetricHistory(settings.ledger_url)
    history.record([Sample(OPEN_ALERTS, NOW, 2, severity="high")], NOW)
    history.close()
    register = RequestRegister(settings.ledger_url)
    for _ in range(2):
        number = register.add(PrivacyRequestKind.access, actor="ada")
    register.refuse(number, "another person's data", "PDPO s.20(1)(b)", actor="ada")
    register.dispose()
    write_answer(settings, "request-2.answer", NOW)
    with instance_in(prepare_home(home)) as instance:
        nothing.execute_in_process(instance=instance)
    return settings


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return fill(tmp_path_factory.mktemp("retention") / "home")


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    with instance_in(settings.home / "dagster") as instance:
        yield instance


def step(settings: Settings, instance: dg.DagsterInstance | None, name: RuleName, days: float) -> RetentionStep:
    """The step of a rule, some days from now."""
    steps = RetainedInstallation(settings, {}, instance).steps(NOW + timedelta(days=days))
    return next(each for each in steps if each.rule.name == name)


def without_bytes(figures: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in figures.items() if name != "bytes"}


@pytest.mark.parametrize("name", [each for each in RuleName if each != RuleName.backups])
def test_what_a_rule_is_about_is_kept_for_its_days_and_deleted_then(
    settings: Settings, instance: dg.DagsterInstance, name: RuleName
) -> None:
    days = next(each for each in RULES if each.name == name).days(settings)
    early = step(settings, instance, name, days - 1)
    assert not any(early.due().values()) and not any(early.delete().values())
    late = step(settings, instance, name, days + 1)
    due = without_bytes(late.due())
    if name == RuleName.lineage:
        assert due["changes"] > 0
    else:
        assert due == DUE[name]
    deleted = without_bytes(late.delete())
    assert deleted == DUE[name]
    assert not any(late.due().values()) and not any(late.delete().values())


def test_a_backup_is_marked_and_deleted_a_day_later_and_the_newest_one_stays(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: FolderStore, key: str) -> None:
        raise StorageError(f"no right to delete {key}")

    days = settings.backup_retention_days
    assert step(settings, None, RuleName.backups, days - 1).due() == {"backups": 0}
    marked = step(settings, None, RuleName.backups, days + 1)
    assert marked.due() == {"backups": 1}
    assert marked.delete()["backups"] == 0
    later = step(settings, None, RuleName.backups, days + 3)
    with monkeypatch.context() as patched, pytest.raises(StorageError, match="the first is .*: no right to delete"):
        patched.setattr(FolderStore, "delete", refuse)
        later.delete()
    assert later.delete()["backups"] == 1
    assert later.due() == {"backups": 0}
    assert len(list(backups_of(settings).repository().read_manifests())) == 1


def test_a_home_that_was_never_used_has_nothing_due_and_is_not_created(tmp_path: Path) -> None:
    unused = Settings(_env_file=None, sync_home=tmp_path / "home")
    steps = RetainedInstallation(unused, {}, None).steps(NOW + timedelta(days=9000))
    assert [each.rule for each in steps] == list(RULES)
    assert [each.rule.name for each in steps if any(each.due().values()) or any(each.delete().values())] == []
    assert not unused.home.exists()


def test_the_job_applies_every_rule_and_each_deletion_is_on_record(
    settings: Settings, instance: dg.DagsterInstance
) -> None:
    answer = write_answer(settings, "request-9.answer", NOW - timedelta(days=366))
    definitions = build(settings, NoProgress())
    with Leases(settings.ledger_url).hold("backup"):
        result = definitions.resolve_job_def(RETENTION).execute_in_process(instance=instance, raise_on_error=False)
    assert not result.success
    error = error_of(result.all_events)
    assert error is not None and "backups: backup prune cannot start: backup" in error
    (output,) = [each for each in result.all_events if each.is_successful_output]
    done = {each["rule"]: each for each in output.step_output_data.metadata[DELETIONS].value}  # type: ignore[union-attr,index]
    assert set(done) == set(RuleName)
    assert done[RuleName.access_answers]["deleted"] == {"files": 1, "bytes": 6}
    assert [each.name for each in settings.home.glob("*-9.answer")] == ["replaced-request-9.answer"], answer
    log = AuditLog(settings.ledger_url)
    operations = logged_operations(list(log.entries(operation="retention")))
    log.close()
    recorded = list(recorded_deletions(operations, Span(NOW - timedelta(days=1), NOW + timedelta(days=1))))
    assert {each.rule: each.outcome for each in recorded} == {
        RuleName.backups: "failed",
        RuleName.access_answers: "complete",
    }
    assert [each.deleted for each in recorded if each.outcome == "complete"] == [{"files": 1, "bytes": 6}]
