"""An emergency request whose ledger restarts under its run, or whose starter is of an older version than the lake."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from sync_platform.cli.runner.daemon import follow_requests
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.starter_presence import STARTER_LOCK, has_starter
from sync_platform.emergency.submission import submit_request
from sync_platform.emergency.sync_progress import progress_of_request
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings
from sync_platform.storage import lake_formats
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import LAKE, Lake
from sync_platform.storage.platform_lock import holder_of
from sync_platform_tests.cli.conftest import Shell, wait_until
from sync_platform_tests.services import PostgresServer
from sync_platform_tests.warm import StartedProcess

PLATFORMS = load_platforms()
END_SESSIONS = """SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


@contextmanager
def starter(shell: Shell, ledger: str) -> Iterator[StartedProcess]:
    """A starter that is ready, and that ends with the block."""
    process = shell.start("emergency", "starter")
    wait_until(lambda: holder_of(ledger, STARTER_LOCK), process)
    yield process
    process.send_signal(signal.SIGTERM)
    assert process.wait().returncode == 0


def _request(requests: RequestStore) -> str:
    asked = submit_request(requests, PLATFORMS, ["chope"], reason="menus are wrong", requester="ada")
    return asked.request.request_id


def _slow_installation(shell: Shell, sandbox: Any, postgres_server: PostgresServer) -> Settings:
    """The settings of the shell from now on: a new ledger in PostgreSQL, and a Chope that answers slowly."""
    ledger = postgres_server.url(postgres_server.create_database())
    shell.environment |= {"LEDGER": ledger, **sandbox("chope:slow=1*3").addresses("chope")}
    return Settings(_env_file=None, sync_home=shell.home, ledger=ledger)


def _is_fetching(settings: Settings, request_id: str) -> bool:
    (platform,) = progress_of_request(settings.ledger_url, request_id).document()["platforms"]
    return bool(platform["progress"]) and platform["progress"]["phase"] == "fetching"


def test_a_run_under_way_is_not_launched_again_because_the_database_restarted(
    shell: Shell, sandbox: Any, postgres_server: PostgresServer
) -> None:
    """Everything that looks for dead runs looks while their locks are lost."""
    settings = _slow_installation(shell, sandbox, postgres_server)
    requests = RequestStore(settings.ledger_url)
    with starter(shell, settings.ledger_url) as process:
        request_id = _request(requests)
        wait_until(lambda: _is_fetching(settings, request_id), process)
        first = requests.find(request_id).run_of("chope")
        for _ in range(3):
            with psycopg.connect(settings.ledger_url) as connection:
                connection.execute(END_SESSIONS)
            assert has_starter(settings.ledger_url)
            follow_requests(settings, requests)
            assert requests.find(request_id).run_of("chope").run_id == first.run_id
        wait_until(lambda: not requests.find(request_id).is_open, process)
    (run,) = requests.find(request_id).runs
    assert (run.outcome, run.run_id, run.error) == ("complete", first.run_id, None)
    assert {row["run_id"] for row in shell.query("SELECT run_id FROM sync.runs")} == {run.run_id}


@pytest.mark.full
def test_a_request_whose_worker_is_killed_is_run_by_another_one_on_postgres(
    shell: Shell, sandbox: Any, postgres_server: PostgresServer
) -> None:
    """Its lock has a record, but its process is dead on this machine: nobody waits until it is past doubt."""
    settings = _slow_installation(shell, sandbox, postgres_server)
    requests = RequestStore(settings.ledger_url)
    with starter(shell, settings.ledger_url) as process:
        request_id = _request(requests)
        wait_until(lambda: _is_fetching(settings, request_id), process)
        first = requests.find(request_id).run_of("chope")
        with psycopg.connect(settings.ledger_url) as connection:
            query = "SELECT process FROM lock_holders WHERE name = 'turn/emergency-chope'"
            ((holder,),) = connection.execute(query).fetchall()
        os.kill(int(holder.split("/")[1]), signal.SIGKILL)
        wait_until(lambda: not requests.find(request_id).is_open, process)
    (run,) = requests.find(request_id).runs
    assert (run.outcome, run.error) == ("complete", None)
    assert run.run_id != first.run_id
    assert {row["run_id"] for row in shell.query("SELECT run_id FROM sync.runs")} == {run.run_id}


def test_a_starter_of_an_older_version_than_the_lake_leaves_the_request_open(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(_env_file=None, sync_home=shell.home)
    assert shell.sync("chope")[0] == 0
    requests = RequestStore(settings.ledger_url)
    with monkeypatch.context() as newer, Lake(LakeAddress.of(settings)) as lake, lake.session() as session:
        newer.setitem(lake_formats.VERSIONS, "history", 2)
        lake_formats.store_formats(session, LAKE)
    with starter(shell, settings.ledger_url) as process:
        request_id = _request(requests)
        wait_until(lambda: "FAILURE" in shell.run_states(), process)
        wait_until(lambda: requests.find(request_id).run_of("chope").state == "requested", process)
    assert requests.find(request_id).is_open
