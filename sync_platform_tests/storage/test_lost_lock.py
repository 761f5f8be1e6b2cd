"""A platform lock in PostgreSQL that is lost while its holder lives: it is taken again, or nothing is committed."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sync_platform.errors import LockLost, StorageError
from sync_platform.storage import recorded_lock
from sync_platform.storage.held_lock import HeldLock
from sync_platform.storage.lock_holder import Holder
from sync_platform.storage.platform_lock import holder_of, platform_lock, platform_lock_if_free
from sync_platform.storage.write_lock import holding_advisory
from sync_platform_tests.cli.conftest import Shell, wait_until
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.services import PostgresServer


class Ledger:
    """A database that has the platform locks."""

    def __init__(self, server: PostgresServer) -> None:
        self._server, self._name = server, server.create_database()
        self.url = server.url(self._name)

    def end_sessions(self) -> None:
        """End the session of every client, as a restart or a failover does; return when all have ended."""
        self._execute("SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s", self._name)

    def allow_sessions(self, allowed: bool) -> None:
        self._execute(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS {allowed}")

    def execute(self, statement: str) -> None:
        """Change the database itself."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def _execute(self, statement: Any, *values: object) -> None:
        with psycopg.connect(self._server.conninfo(), autocommit=True) as connection:
            connection.execute(statement, values or None)


@pytest.fixture
def ledger(postgres_server: PostgresServer) -> Ledger:
    return Ledger(postgres_server)


@pytest.fixture
def ours(ledger: Ledger) -> Iterator[HeldLock]:
    """A lock at which no thread looks."""
    with platform_lock(ledger.url, "chope", "run-of-ours", _refuse, is_kept=False) as lock:
        yield lock


def _refuse(holder: Holder | None) -> None:
    raise AssertionError(f"it waits for {holder}")


def _is_granted(ledger: Ledger) -> bool:
    with psycopg.connect(ledger.url) as connection:
        return bool(connection.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted").fetchall())


def _holder(ledger: Ledger) -> str:
    holder = holder_of(ledger.url, "chope")
    return holder.run_id if holder else ""


def test_a_lost_lock_that_nobody_took_is_taken_again(ledger: Ledger, ours: HeldLock) -> None:
    ours.require()
    ledger.end_sessions()
    ours.require()
    assert _holder(ledger) == "run-of-ours"
    ours.require_not_taken()


def test_a_lost_lock_is_left_to_its_holder(ledger: Ledger, ours: HeldLock) -> None:
    """Whoever looks for the holder, waits for the lock, or takes a dead holder's, meanwhile finds it held."""
    ledger.end_sessions()
    for _ in range(2):
        with platform_lock_if_free(ledger.url, "chope", "run-of-another") as theirs:
            assert theirs is None
        assert _holder(ledger) == "run-of-ours"
    ours.require()
    with platform_lock_if_free(ledger.url, "chope", "run-of-another") as theirs:
        assert theirs is None


def test_a_lost_lock_that_its_holder_does_not_take_again_is_free_in_the_end(
    ledger: Ledger, ours: HeldLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such a holder is cut off. It learns that its lock is another's, also when that one has released it."""
    ledger.end_sessions()
    with platform_lock_if_free(ledger.url, "chope", "run-of-another") as theirs:
        assert theirs is None
    monkeypatch.setattr(recorded_lock, "DOUBTED_S", 0.0)
    with platform_lock(ledger.url, "chope", "run-of-another", _refuse) as their_lock:
        for require in (ours.require, ours.require_not_taken):
            with pytest.raises(LockLost, match="the lock of chope was lost, .* run run-of-another has it since"):
                require()
        their_lock.require()
    with pytest.raises(LockLost):
        ours.require()
    assert _holder(ledger) == ""


def test_a_doubt_counts_no_more_after_a_restart(
    ledger: Ledger, ours: HeldLock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the server is away, the holder cannot take its lock again."""
    ledger.end_sessions()
    with platform_lock_if_free(ledger.url, "chope", "run-of-another"):
        pass
    ledger.execute("UPDATE lock_holders SET doubted_start = doubted_start - interval '1 second'")
    monkeypatch.setattr(recorded_lock, "DOUBTED_S", 0.0)
    assert _holder(ledger) == "run-of-ours"
    assert _holder(ledger) == ""


def test_a_lock_that_was_lost_to_another_and_released_is_refused(ledger: Ledger, ours: HeldLock) -> None:
    ledger.end_sessions()
    ledger.execute("DELETE FROM lock_holders")
    with pytest.raises(LockLost, match="another process took it"):
        ours.require()


def test_a_holder_takes_a_lost_lock_again_by_itself(ledger: Ledger, ours: HeldLock) -> None:
    with ours.kept(every_s=0.01):
        ledger.end_sessions()
        limit = time.monotonic() + LONGEST_WAIT_S
        while not _is_granted(ledger):
            assert time.monotonic() < limit
            time.sleep(0.02)
    with platform_lock_if_free(ledger.url, "chope", "run-of-another") as theirs:
        assert theirs is None


def test_a_run_that_waits_for_a_platform_waits_on_when_the_database_restarts(ledger: Ledger, ours: HeldLock) -> None:
    waits: list[Holder | None] = []

    def on_wait(holder: Holder | None) -> None:
        waits.append(holder)
        if len(waits) == 2:
            ledger.end_sessions()
        if len(waits) == 6:
            raise TimeoutError

    with pytest.raises(TimeoutError), platform_lock(ledger.url, "chope", "b", on_wait, poll_s=0.01):
        pytest.fail("two holders")
    ours.require()


def test_the_lock_of_a_killed_process_is_free_at_once(ledger: Ledger) -> None:
    program = "import sys\nfrom sync_platform.storage.platform_lock import platform_lock\n"
    program += "with platform_lock(sys.argv[1], 'chope', 'run', print):\n    print('held', flush=True)\n    input()"
    command = [sys.executable, "-c", program, ledger.url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
        holder.wait()
        ledger.end_sessions()
        with platform_lock_if_free(ledger.url, "chope", "run-of-ours") as lock:
            assert lock is not None


def test_a_fetch_goes_on_while_the_ledger_is_away_and_a_commit_does_not(ledger: Ledger, ours: HeldLock) -> None:
    ledger.allow_sessions(False)
    ledger.end_sessions()
    ours.require_not_taken()
    with pytest.raises(StorageError, match="the lock 'turn/chope' cannot be used"):
        ours.require(away_s=0)
    ledger.allow_sessions(True)
    ours.require()
    assert _holder(ledger) == "run-of-ours"


def test_a_locked_file_is_not_lost(tmp_path: Path) -> None:
    with platform_lock(f"sqlite:///{tmp_path}/ledger.sqlite", "chope", "run-of-ours", _refuse) as lock:
        lock.require()
        lock.require_not_taken()


@pytest.mark.full
@pytest.mark.parametrize("is_taken", [True, False])
def test_a_sync_commits_only_with_its_lock(
    ledger: Ledger, postgres_server: PostgresServer, tmp_path: Path, is_taken: bool
) -> None:
    catalog = postgres_server.conninfo(postgres_server.create_database())
    vault = postgres_server.url(postgres_server.create_database())
    addresses = {"LAKE_CATALOG": f"postgres:{catalog}", "LEDGER": ledger.url, "VAULT": vault}
    shell = Shell(tmp_path / "home", addresses)
    undisturbed = Shell(tmp_path / "undisturbed")

    def content(shell: Shell) -> list[dict[str, Any]]:
        query = "SELECT dataset, entity_id, operation FROM lineage.changes WHERE dataset = 'restaurants' ORDER BY ALL"
        return shell.query(query)

    def waits_to_commit() -> bool:
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        with psycopg.connect(catalog) as connection:
            return bool(connection.execute(waiting).fetchall())

    assert undisturbed.sync("chope")[0] == 0
    with ExitStack() as others:
        with holding_advisory(catalog):
            process = shell.start("sync", "chope", "--no-unify")
            wait_until(waits_to_commit, process)
            if is_taken:  # before its holder has it again
                ledger.execute("DELETE FROM lock_holders")
            ledger.end_sessions()
            if is_taken:
                others.enter_context(platform_lock(ledger.url, "chope", "run-of-another", lambda _: None))
        done = process.wait()
    assert "Traceback" not in done.stderr
    if is_taken:
        assert done.returncode != 0
        assert "the lock of chope was lost" in done.stdout + done.stderr
        code, document = shell.sync("chope")
        assert code == 0, document
    else:
        assert done.returncode == 0, done.stderr
    assert content(shell) == content(undisturbed)
    (runs,) = shell.query("SELECT count(*) AS complete FROM sync.runs WHERE status = 'complete'")
    assert runs == {"complete": 2}
