"""Activities on PostgreSQL, killed with SIGKILL at any step, or robbed of their sessions while a second one starts.

After a kill the next start finishes or undoes what was left, no lock stays, and the audit log shows what happened.
After a failover there are never two at once.
"""

from __future__ import annotations

import json
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sync_platform.backup.vault_backup import LEASE
from sync_platform.privacy.erasure import LEASE as ERASURES
from sync_platform.storage.lease import STORED_DATA, Leases
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.write_lock import holding_advisory
from sync_platform_tests.backup.stepped_command import NEVER, command, ended_at
from sync_platform_tests.cli.conftest import wait_until
from sync_platform_tests.lake.guest_book import ADA, BEN
from sync_platform_tests.privacy.erasable_home import NAME, ErasableHome
from sync_platform_tests.services import PostgresServer

ERASE = ("privacy", "erase", "--subject", f"{NAME}:ada@guest.hk", "--reason", "letter 7", "--yes")
RESTORE = ("backup", "restore", "--target", "development", "--conflict", "overwrite")
SHARES = (0.31, 0.67, 0.97)
"""Where an activity is killed, as shares of its steps."""


class PostgresHome(ErasableHome):
    """A home whose lake, ledger and vault are on a server, with a sync after its backup."""

    def __init__(self, folder: Path, server: PostgresServer) -> None:
        self.server = server
        self.databases = {name: server.create_database() for name in ("LAKE_CATALOG", "LEDGER", "VAULT")}
        self.ledger = server.url(self.databases["LEDGER"])
        self.catalog = server.conninfo(self.databases["LAKE_CATALOG"])
        settings = {
            "LAKE_CATALOG": f"postgres:{self.catalog}",
            "LEDGER": self.ledger,
            "VAULT": server.url(self.databases["VAULT"]),
        }
        with pytest.MonkeyPatch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            super().__init__(folder, settings)
            self.sync([{**ADA, "note": "a new note"}, BEN], hour=2)

    def end_sessions(self) -> None:
        """End every session of the ledger and the vault, as a restart of the server does."""
        with psycopg.connect(self.server.conninfo(), autocommit=True) as connection:
            for name in ("LEDGER", "VAULT"):
                ended = "SELECT pg_terminate_backend(pid, 60000) FROM pg_stat_activity WHERE datname = %s"
                connection.execute(ended, [self.databases[name]])

    def content(self) -> dict[str, Any]:
        """What is the same however often an activity was killed. Keys of persons and ids of runs differ."""
        verified = json.loads(self.run("lineage", "verify", "--json"))
        with self.opened() as installation:
            erasures = [(each.state, each.problem) for each in installation.ledger.erasures()]
        self.run("vault", "verify")
        self.run("backup", "verify", "--all")
        notes = [note if note is None else str(note).split(":")[-1] == "erased" for _, note in self.rows("name, note")]
        return {
            "holds": verified["holds"],
            "rows": self.rows("source_id, seats"),
            "erased": notes,
            "erasures": erasures,
        }

    def waits_to_commit(self) -> bool:
        """True if a process waits for the lake's write lock."""
        with psycopg.connect(self.catalog) as connection:
            waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
            return bool(connection.execute(waiting).fetchall())

    def require_free(self) -> None:
        """No lock and no lease stays."""
        for name in (STORED_DATA, LEASE, ERASURES):
            with Leases(self.ledger).hold("a test", name):
                pass

    def outcomes(self, operation: str) -> list[str]:
        entries = json.loads(self.run("audit", "--operation", operation, "--json"))["entries"]
        return [entry["outcome"] for entry in entries]


@dataclass(frozen=True)
class Activity:
    """A command, and what the audit log calls it. `again`: the command with which a person goes on after a kill."""

    operation: OperationName
    arguments: tuple[str, ...]
    again: tuple[str, ...] = ()


ACTIVITIES = {
    "restore": Activity(OperationName.restore, RESTORE),
    "rotation": Activity(OperationName.rotate_master_key, ("vault", "rotate")),
    "maintenance": Activity(OperationName.maintain, ("maintain",)),
    "backup": Activity(OperationName.backup, ("backup", "create", "--type", "full")),
    "erasure": Activity(OperationName.erasure, ERASE, ("privacy", "erasure", "continue")),
}


@pytest.mark.full
@pytest.mark.parametrize("name", ACTIVITIES)
def test_an_activity_that_is_killed_is_finished_or_undone_by_the_next_one(
    name: str, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    activity = ACTIVITIES[name]
    whole = PostgresHome(tmp_path / "whole", postgres_server)
    done = ended_at(whole.shell, command, activity.arguments, NEVER, "killed")
    assert done.code == 0, done.errors
    expected = whole.content()
    for number, share in enumerate(SHARES):
        home = PostgresHome(tmp_path / f"killed-{number}", postgres_server)
        killed = ended_at(home.shell, command, activity.arguments, max(1, round(share * done.steps)), "killed")
        assert killed.code in (-signal.SIGKILL, 0), killed.errors
        with home.opened() as installation:
            was_asked = bool(installation.ledger.erasures())
        again = activity.again if activity.again and was_asked else activity.arguments
        repeated = home.shell.run_in_process(*again)
        assert repeated.returncode == 0, (share, repeated.stderr)
        home.require_free()
        assert home.content() == expected, share
        outcomes = home.outcomes(activity.operation)
        assert outcomes[0] == "begun", outcomes  # one more than ends where the kill was during the operation
        assert name == "erasure" or outcomes[-1] == "complete", outcomes


@pytest.mark.full
@pytest.mark.parametrize("name", ["restore", "maintenance", "erasure"])
def test_a_second_activity_waits_or_is_refused_though_the_database_restarted(
    name: str, tmp_path: Path, postgres_server: PostgresServer
) -> None:
    """The first one waits for the lake's write lock, while the server ends the sessions of its locks."""
    home, activity = PostgresHome(tmp_path, postgres_server), ACTIVITIES[name]
    with holding_advisory(home.catalog):
        first = home.shell.start(*activity.arguments)
        wait_until(home.waits_to_commit, first)
        home.end_sessions()
        second = home.shell.start(*(activity.again or activity.arguments))
        if name == "restore":  # it waits for the lock of the platform
            wait_until(lambda: home.outcomes("restore").count("begun") == 2, second)
        else:
            refused = second.wait()
            assert refused.returncode != 0
            assert "has the" in refused.stdout + refused.stderr
        assert first.is_running
    done = first.wait()
    assert done.returncode == 0, done.stderr
    if name == "restore":
        repeated = second.wait()
        assert repeated.returncode == 0, repeated.stderr
    home.require_free()
    assert home.content()["holds"]
