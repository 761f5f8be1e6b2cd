"""Backups and restores over the API: jobs that processes of their own run, once each."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import pytest

from sync_platform.api.backup_answer import RestoreBody
from sync_platform.api.job_store import JobStore
from sync_platform.api_client import RequestFailed
from sync_platform.cli.job_process import run_job
from sync_platform.storage.audit_log import AuditLog
from sync_platform_tests.api.served import Served
from sync_platform_tests.cli.backed_up_home import backed_up_home
from sync_platform_tests.cli.conftest import Shell


@pytest.fixture
def backed_up(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Served:
    """The API of a home of the test's own, with a backup; jobs are stored and not started."""
    served = Served(backed_up_home(tmp_path / "home", tmp_path_factory).home)
    served.starts_jobs = False
    return served


def _restore(backup_id: str, **changed: object) -> RestoreBody:
    wanted = {"backupId": backup_id, "targetEnvironment": "development", "conflictResolution": "merge"}
    return RestoreBody.model_validate(wanted | changed)


def test_the_documented_backup_runs_in_a_process_of_its_own_and_is_listed(own_home: Served) -> None:
    http, client = own_home.http("operator"), own_home.client("operator")
    answer = http.post("/backup", json={"type": "full", "sources": ["openrice", "chope"]})
    assert answer.status_code == 202
    job = client.finished(client.job(answer.json()["data"]["jobId"]), poll_s=0.2)
    assert (job.state, job.error) == ("complete", None)
    assert job.result is not None
    (listed,) = http.get("/backup?source=openrice&type=full").json()["data"]["items"]
    assert (listed["backupId"], sorted(listed["sources"])) == (job.result["backup"], ["chope", "openrice"])
    assert listed["recordCount"] > 50
    assert http.get("/backup?source=openrice&type=incremental").json()["data"]["items"] == []
    assert http.get("/backup?source=eatigo").json()["data"]["items"] == []
    last = http.get("/health").json()["data"]["backup"]["lastBackup"]
    assert (last["recordCount"], last["sizeBytes"]) == (listed["recordCount"], listed["sizeBytes"])
    entries = list(AuditLog(own_home.context.settings.ledger_url).entries(operation="backup"))
    assert [(each.outcome, each.actor, each.via) for each in entries[-2:]] == [
        ("begun", "a operator", "api"),
        ("complete", "a operator", "api"),
    ]


def test_a_restore_verifies_the_backup_and_says_what_it_would_change(
    backed_up: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = backed_up.client()
    (backup,) = client.backups()
    job = client.start_restore(_restore(backup.backup_id, validateIntegrity=True, dryRun=True))
    assert job.state == "queued"
    monkeypatch.setenv("SYNC_HOME", str(backed_up.home))
    run_job(job.job_id)
    done = client.job(job.job_id)
    assert (done.state, done.error) == ("complete", None)
    assert done.result is not None
    assert (done.result["dry_run"], done.result["backup"]) == (True, backup.backup_id)
    run_job(job.job_id)  # a job that has ended is not run again
    assert client.job(job.job_id) == done


def test_the_next_page_goes_on_where_the_last_backup_of_a_page_was_deleted(backed_up: Served) -> None:
    for _ in range(2):
        assert Shell(backed_up.home).run_in_process("backup", "create").returncode == 0
    http = backed_up.http("viewer")
    listed = [each["backupId"] for each in http.get("/backup").json()["data"]["items"]]
    first = http.get("/backup?limit=2").json()["data"]
    assert [each["backupId"] for each in first["items"]] == listed[:2]
    (backed_up.home / "backup_store" / "manifests" / f"{listed[1]}.json").unlink()
    rest = http.get("/backup", params={"limit": 2, "cursor": first["nextCursor"]}).json()["data"]
    assert ([each["backupId"] for each in rest["items"]], rest["nextCursor"]) == (listed[2:], None)


def test_a_damaged_backup_is_not_restored(backed_up: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    client = backed_up.client()
    (backup,) = client.backups()
    largest = max((backed_up.home / "backup_store" / "objects").rglob("*"), key=lambda each: each.stat().st_size)
    largest.write_bytes(b"damaged")
    job = client.start_restore(_restore(backup.backup_id))
    monkeypatch.setenv("SYNC_HOME", str(backed_up.home))
    run_job(job.job_id)
    failed = client.job(job.job_id)
    assert (failed.state, failed.error) == ("failed", "`backup verify` ended with exit code 1")
    assert failed.result is not None
    assert failed.result["findings"]
    log = AuditLog(backed_up.context.settings.ledger_url)
    assert list(log.entries(operation="restore")) == []


def test_a_restore_needs_admin_and_its_plan_only_an_operator(backed_up: Served) -> None:
    (backup,) = backed_up.client().backups()
    operator = backed_up.client("operator")
    assert operator.start_restore(_restore(backup.backup_id, dryRun=True)).state == "queued"
    with pytest.raises(RequestFailed, match="restore is not allowed"):
        operator.start_restore(_restore(backup.backup_id))


def test_what_cannot_be_restored_is_refused_at_once(backed_up: Served) -> None:
    client = backed_up.client()
    (backup,) = client.backups()
    with pytest.raises(RequestFailed) as unknown:
        client.start_restore(_restore("full-2026-01-01T00-00-00-000Z-aaaaaa"))
    assert unknown.value.status == 404
    with pytest.raises(RequestFailed) as elsewhere:
        client.start_restore(_restore(backup.backup_id, targetEnvironment="production"))
    assert (elsewhere.value.status, elsewhere.value.code) == (409, "wrong_environment")
    assert list(JobStore(backed_up.context.settings.ledger_url).unfinished()) == []


def test_the_same_key_gives_the_same_job(backed_up: Served) -> None:
    client = backed_up.client()
    first, again = (client.start_backup(key="k1") for _ in range(2))
    assert (again.job_id, client.start_backup().job_id != first.job_id) == (first.job_id, True)


def test_too_many_jobs_are_refused(backed_up: Served) -> None:
    client = backed_up.client()
    for _ in range(20):
        client.start_backup()
    with pytest.raises(RequestFailed) as busy:
        client.start_backup()
    assert (busy.value.status, busy.value.code) == (409, "busy")


def test_without_data_there_is_nothing_to_back_up(empty_home: Served) -> None:
    with pytest.raises(RequestFailed) as refused:
        empty_home.client().start_backup()
    assert (refused.value.status, refused.value.code) == (404, "no_data_yet")


@pytest.mark.full
def test_a_restore_whose_process_is_killed_is_done_once(backed_up: Served) -> None:
    """The server goes on: it starts the job again. The restore is complete once in the audit log."""
    backed_up.starts_jobs = True
    client = backed_up.client()
    (backup,) = client.backups()
    job = client.start_restore(_restore(backup.backup_id, validateIntegrity=False, conflictResolution="overwrite"))
    while client.job(job.job_id).state == "queued":
        time.sleep(0.05)
    processes = subprocess.run(["pgrep", "-f", job.job_id], capture_output=True, text=True, check=True)
    for number in processes.stdout.split():
        os.kill(int(number), signal.SIGKILL)
    done = client.finished(client.job(job.job_id), poll_s=0.2)
    assert (done.state, done.error) == ("complete", None)
    assert backed_up.context.jobs.find(job.job_id).attempts == 2
    outcomes = [each.outcome for each in AuditLog(backed_up.context.settings.ledger_url).entries(operation="restore")]
    assert outcomes.count("complete") == 1


def test_a_server_that_starts_goes_on_with_the_jobs_of_the_last_one(backed_up: Served) -> None:
    job = backed_up.client().start_backup()
    assert backed_up.started == [job.job_id]
    with backed_up.http() as http:  # runs the start of the application
        assert http.get("/health").status_code == 200
    assert backed_up.started == [job.job_id] * 2
