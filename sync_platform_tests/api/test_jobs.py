"""Jobs whose processes are killed again and again, what is kept of jobs, and requests that are sent again."""

from __future__ import annotations

import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from sync_platform.api.job_processes import JOBS_LOCK, LOST, JobProcesses
from sync_platform.api.job_store import KEPT, MOST_ATTEMPTS, ApiJob, JobStore, jobs
from sync_platform.cli.job_process import run_job
from sync_platform.errors import NotFound
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.platform_lock import platform_lock
from sync_platform_tests.api.served import Served
from sync_platform_tests.services import PostgresServer

COMMANDS = [["backup", "list", "--json"]]


@pytest.fixture
def store(tmp_path: Path) -> JobStore:
    return JobStore(load_settings(sync_home=tmp_path).ledger_url)


def test_a_job_whose_processes_were_killed_three_times_fails(
    store: JobStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = store.add("backup", COMMANDS, "ada", "k")
    for _ in range(MOST_ATTEMPTS):
        store.begin(job.job_id)
    monkeypatch.setenv("SYNC_HOME", str(tmp_path))
    run_job(job.job_id)
    ended = store.find(job.job_id)
    assert (ended.state, ended.error) == ("failed", "its process was killed 3 times")


@pytest.mark.parametrize(
    ("end", "starts", "error"),
    [
        ("os.kill(os.getpid(), 9)", MOST_ATTEMPTS, "its process ended with exit code -9"),
        ("sys.exit(3)", 1, "its process ended with exit code 3"),
    ],
)
def test_a_process_that_is_killed_before_its_job_begins_is_started_three_times(
    store: JobStore, tmp_path: Path, end: str, starts: int, error: str
) -> None:
    job = store.add("backup", COMMANDS, "ada", "k")
    assert _starts(store, load_settings(sync_home=tmp_path), job, end) == starts
    ended = store.find(job.job_id)
    assert (ended.state, ended.error) == ("failed", error)


def test_a_job_that_a_process_of_an_earlier_server_runs_is_not_called_failed(store: JobStore, tmp_path: Path) -> None:
    job = store.add("backup", COMMANDS, "ada", "k")
    ledger = load_settings(sync_home=tmp_path).ledger_url
    with platform_lock(ledger, JOBS_LOCK, job.job_id, lambda holder: None):
        assert _starts(store, load_settings(sync_home=tmp_path), job, "sys.exit(1)") == MOST_ATTEMPTS
    assert store.find(job.job_id).state == "queued"


def test_a_running_job_is_not_called_failed_because_the_database_restarted(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    """The process of a job that an earlier server has started takes its lock again; others look meanwhile."""
    database = postgres_server.create_database()
    settings = load_settings(sync_home=tmp_path, ledger=postgres_server.url(database))
    store = JobStore(settings.ledger_url)
    job = store.add("backup", COMMANDS, "ada", "k")
    with platform_lock(settings.ledger_url, JOBS_LOCK, job.job_id, lambda holder: None, is_kept=False) as lock:
        attempt = store.begin(job.job_id)
        store.close()
        with psycopg.connect(postgres_server.conninfo(), autocommit=True) as connection:
            ended = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s"
            connection.execute(ended, [database])
        assert _starts(store, settings, job, "sys.exit(1)") == MOST_ATTEMPTS
        lock.require()
    store.end(job.job_id, "complete", {}, None, attempt)
    assert store.find(job.job_id).state == "complete"


def test_a_process_that_has_lost_its_lock_ends_no_job_that_another_has_begun(store: JobStore) -> None:
    job = store.add("backup", COMMANDS, "ada", "k")
    lost, current = store.begin(job.job_id), store.begin(job.job_id)
    store.end(job.job_id, "failed", None, "too late", lost)
    assert store.find(job.job_id).state == "running"
    store.end(job.job_id, "complete", {}, None, current)
    assert store.find(job.job_id).state == "complete"


def test_a_job_whose_process_lost_its_lock_is_run_again(store: JobStore, tmp_path: Path) -> None:
    job = store.add("backup", COMMANDS, "ada", "k")
    assert _starts(store, load_settings(sync_home=tmp_path), job, f"sys.exit({LOST})") == MOST_ATTEMPTS


def test_an_ended_job_is_kept_for_90_days_and_an_open_one_for_ever(store: JobStore, tmp_path: Path) -> None:
    old, ended, still_open = (store.add("backup", COMMANDS, "ada", key) for key in ("old", "ended", "open"))
    for job in (old, ended):
        store.end(job.job_id, "complete", {}, None)
    _make_older(tmp_path, old, KEPT + timedelta(hours=1))
    _make_older(tmp_path, ended, KEPT - timedelta(hours=1))
    _make_older(tmp_path, still_open, 2 * KEPT)
    newest = store.add("backup", COMMANDS, "ada", "new")
    assert {job.job_id for job in store.latest(10)} == {newest.job_id, ended.job_id, still_open.job_id}
    with pytest.raises(NotFound):
        store.find(old.job_id)


def test_a_request_that_is_sent_again_has_the_same_answer_where_it_is_not_possible_any_more(own_home: Served) -> None:
    own_home.starts_jobs = False
    client = own_home.client()
    first = client.start_backup(key="k1")
    for _ in range(19):
        client.start_backup()
    assert client.start_backup(key="k1") == first  # though too many jobs wait
    (own_home.home / "lake" / "catalog.sqlite").unlink()
    assert client.start_backup(key="k1") == first
    assert own_home.started.count(first.job_id) == 1


def test_an_emergency_request_that_is_sent_again_has_not_joined_itself(own_home: Served) -> None:
    client = own_home.client()
    first = client.request_emergency("wrong prices", sources=["chope"], key="k1")
    assert client.request_emergency("wrong prices", sources=["chope"], key="k1") == first
    joined = client.request_emergency("wrong menus", sources=["chope"], key="k2")
    assert (joined.joined, joined.request_id) == (True, first.request_id)
    assert client.request_emergency("wrong menus", sources=["chope"], key="k2") == joined


def _starts(store: JobStore, settings: Settings, job: ApiJob, end: str) -> int:
    """How often the process of a job is started, if each ends so at once."""
    starts = settings.home / "starts"
    program = f"import os, sys; os.write(os.open({str(starts)!r}, os.O_CREAT | os.O_WRONLY | os.O_APPEND), b'.'); {end}"
    JobProcesses(settings, store, (sys.executable, "-S", "-c", program)).start(job)
    while following := [each for each in threading.enumerate() if each.name == f"follows {job.job_id}"]:
        following[0].join()
    return len(starts.read_bytes())


def _make_older(home: Path, job: ApiJob, age: timedelta) -> None:
    made = sa.update(jobs).where(jobs.c.job_id == job.job_id).values(created_at=datetime.now(UTC) - age)
    with sa.create_engine(load_settings(sync_home=home).ledger_url).begin() as connection:
        connection.execute(made)
