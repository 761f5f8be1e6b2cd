"""The database's primary is lost during a sync, and its standby takes writes: nothing is lost, and nothing doubled."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.platform_lock import holder_of
from sync_platform_tests.cli.conftest import Shell, wait_until
from sync_platform_tests.storage.postgres_pair import PostgresPair, postgres_pair
from sync_platform_tests.warm import StartedProcess

DAYS = ("2026-10-20", "2026-11-24")
SYNC = ("sync", "chope", "--no-unify")
CONTENT = {  # no hashes: each installation seals personal values under keys of its own
    "restaurants": "SELECT source_id, removed_at IS NULL AS live FROM chope.restaurants ORDER BY ALL",
    "reservations": "SELECT source_id, removed_at IS NULL AS live FROM chope.reservations ORDER BY ALL",
    "changes": "SELECT dataset, entity_id, operation, changed_fields FROM lineage.changes ORDER BY ALL",
}


@pytest.fixture
def pair() -> Iterator[PostgresPair]:
    with postgres_pair() as pair:
        yield pair


class Installation:
    """An installation whose catalog, ledger and vault are in both servers."""

    def __init__(self, pair: PostgresPair, home: Path) -> None:
        self.pair = pair
        names = {name: pair.create_database() for name in ("LAKE_CATALOG", "LEDGER", "VAULT")}
        self.catalog, self.ledger = pair.conninfo(names["LAKE_CATALOG"]), pair.url(names["LEDGER"])
        self.database = names["LAKE_CATALOG"]
        self.shell = Shell(home)
        self.settings = {
            "LAKE_CATALOG": f"postgres:{self.catalog}",
            "LEDGER": self.ledger,
            "VAULT": pair.url(names["VAULT"]),
        }

    def on(self, day: str) -> Shell:
        self.shell.environment = {**self.settings, "SANDBOX_TODAY": day}
        return self.shell

    def content(self) -> dict[str, list[dict[str, Any]]]:
        return {name: self.shell.query(sql) for name, sql in CONTENT.items()}

    def snapshots(self) -> int:
        with psycopg.connect(self.pair.primary.conninfo(self.database)) as connection:
            (count,) = connection.execute("SELECT count(*) FROM ducklake_snapshot").fetchall()[0]
        return int(count)

    def waits_for_write_lock(self) -> bool:
        with psycopg.connect(self.pair.primary.conninfo(self.database)) as connection:
            waiting = connection.execute("SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")
            return bool(waiting.fetchall())


def while_it_fetches(installation: Installation, process: StartedProcess) -> None:
    wait_until(lambda: holder_of(installation.ledger, "chope"), process)


def while_it_waits_to_commit(installation: Installation, process: StartedProcess) -> None:
    wait_until(installation.waits_for_write_lock, process)


def between_two_commits(installation: Installation, process: StartedProcess) -> None:
    before = installation.snapshots()
    wait_until(lambda: installation.snapshots() > before, process)


@pytest.mark.full
@pytest.mark.parametrize("moment", [while_it_fetches, while_it_waits_to_commit, between_two_commits])
def test_a_sync_during_which_the_database_fails_over_is_repeated_and_loses_nothing(
    pair: PostgresPair, tmp_path: Path, moment: Callable[[Installation, StartedProcess], None]
) -> None:
    undisturbed, installation = (Installation(pair, tmp_path / name) for name in ("undisturbed", "home"))
    for day in DAYS:
        assert undisturbed.on(day).run(*SYNC).returncode == 0
    expected = undisturbed.content()
    assert installation.on(DAYS[0]).run(*SYNC).returncode == 0

    with ExitStack() as held:
        if moment is while_it_waits_to_commit:
            held.enter_context(LakeAddress(f"postgres:{installation.catalog}", "", tmp_path).write_lock())
        process = installation.on(DAYS[1]).start(*SYNC)
        moment(installation, process)
        pair.fail_over()
    done = process.wait()
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 1)

    repeated = installation.on(DAYS[1]).run(*SYNC)
    assert repeated.returncode == 0, (done.stderr, repeated.stderr)
    assert installation.content() == expected
    verified = installation.shell.run_in_process("lineage", "verify", "--landing", "--json")
    assert json.loads(verified.stdout)["holds"], verified.stdout
