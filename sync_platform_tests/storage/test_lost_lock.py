"""A platform lock in PostgreSQL that is lost while its holder lives: it is taken again, or nothing is committed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sync_platform.errors import LockLost, StorageError
from sync_platform.storage.platform_lock import HeldLock, Holder, holder_of, platform_lock
from sync_platform.storage.write_lock import holding_advisory
from sync_platform_tests.cli.conftest import Shell, wait_until
from sync_platform_tests.services import PostgresServer


class Ledger:
    """A database that has the platform locks."""

    def __init__(self, server: PostgresServer) -> None:
        self._server, self._name = server, server.create_database()
        self.url = server.url(self._name)

    def end_sessions(self) -> None:
        """End the session of every client, as a restart or a failover does."""
        self._execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", self._name)

    def allow_sessions(self, allowed: bool) -> None:
        self._execute(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS {allowed}")

    def _execute(self, statement: Any, *values: object) -> None:
        with psycopg.connect(self._server.conninfo(), autocommit=True) as connection:
            connection.execute(statement, values or None)


@pytest.fixture
def ledger(postgres_server: PostgresServer) -> Ledger:
    return Ledger(postgres_server)


@pytest.fixture
def ours(ledger: Ledger) -> Iterator[HeldLock]:
    with platform_lock(ledger.url, "chope", "run-of-ours", _refuse) as lock:
        yield lock


def _refuse(holder: Holder | None) -> None:
    raise AssertionError(f"it waits for {holder}")


def _holder(ledger: Ledger) -> str:
    holder = holder_of(ledger.url, "chope")
    return holder.run_id if holder else ""


def test_a_lost_lock_that_nobody_took_is_taken_again(ledger: Ledger, ours: HeldLock) -> None:
    ours.require()
    ledger.end_sessions()
    assert _holder(ledger) == ""
    ours.require()
    assert _holder(ledger) == "run-of-ours"
    ours.require_not_taken()


def test_a_lost_lock_that_another_run_took_is_refused_with_its_holder(ledger: Ledger, ours: HeldLock) -> None:
    ledger.end_sessions()
    with platform_lock(ledger.url, "chope", "run-of-another", _refuse) as theirs:
        for require in (ours.require, ours.require_not_taken):
            with pytest.raises(LockLost, match="the lock of chope was lost, .* run run-of-another has it since"):
                require()
        theirs.require()
    ours.require()
    assert _holder(ledger) == "run-of-ours"


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
