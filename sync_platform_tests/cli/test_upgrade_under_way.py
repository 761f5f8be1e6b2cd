"""An upgrade while a sync of the version before is under way: the sync ends well or is refused, and no row is lost.

The next version is a copy of the program with one more migration of the ledger, or with a new format of the history.
All versions work on one PostgreSQL.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from sync_platform.storage.write_lock import holding_advisory
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.cli.next_program import OVERTAKEN, next_program
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.services import PostgresServer

pytestmark = pytest.mark.full

PLATFORM = "data_gov_hk"
COUNT = "SELECT count(*) AS rows, count(*) FILTER (removed_at IS NULL) AS live FROM data_gov_hk.licences"


@dataclass
class Upgrade:
    """An installation over PostgreSQL, and the next version of the program beside the present one."""

    shell: Shell
    next_program: Path
    catalog: str

    def start_next(self, *arguments: str) -> subprocess.Popen[str]:
        environment = {**self.shell.variables(), "PYTHONPATH": str(self.next_program)}
        command = [sys.executable, "-m", "sync_platform", *arguments]
        return subprocess.Popen(
            command, cwd=self.next_program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    def run_next(self, *arguments: str) -> str:
        """The output of a command of the next version, which must end well."""
        process = self.start_next(*arguments)
        output, _ = process.communicate()
        assert process.returncode == 0, output
        return output

    def waiting(self) -> int:
        """How many processes wait for the lake's write lock."""
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        with psycopg.connect(self.catalog) as connection:
            return int(connection.execute(waiting).fetchall()[0][0])


@pytest.fixture(params=["a new column", "a new format"])
def upgrade(tmp_path: Path, postgres_server: PostgresServer, request: pytest.FixtureRequest) -> Upgrade:
    catalog = postgres_server.conninfo(postgres_server.create_database())
    addresses = {
        "LAKE_CATALOG": f"postgres:{catalog}",
        "LEDGER": postgres_server.url(postgres_server.create_database()),
        "VAULT": postgres_server.url(postgres_server.create_database()),
    }
    program = next_program(tmp_path / "next", has_new_format=request.param == "a new format")
    return Upgrade(Shell(tmp_path / "home", addresses), program, catalog)


def wait_for(is_so: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    end = time.monotonic() + LONGEST_WAIT_S
    while not is_so():
        assert process.poll() is None and time.monotonic() < end, process.communicate()[0]
        time.sleep(0.1)


def test_a_sync_that_is_under_way_during_a_migration_loses_nothing(
    upgrade: Upgrade, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    undisturbed = Shell(tmp_path / "undisturbed")
    for _ in range(2):
        assert undisturbed.sync(PLATFORM)[0] == 0
    assert upgrade.shell.sync(PLATFORM)[0] == 0

    with holding_advisory(upgrade.catalog):
        before = upgrade.shell.start_interpreter("sync", PLATFORM, "--no-unify")
        wait_for(lambda: upgrade.waiting() == 1, before)
        migrating = upgrade.start_next("migrate")
        wait_for(lambda: upgrade.waiting() == 2, migrating)
    migrated, _ = migrating.communicate()
    output, errors = before.communicate()
    assert migrating.returncode == 0, migrated
    with capsys.disabled():
        print(f"\nthe sync under way: exit code {before.returncode}; {OVERTAKEN in output + errors}")
    assert before.returncode == 0 or OVERTAKEN in output + errors, output + errors

    upgrade.run_next("sync", PLATFORM, "--no-unify")
    found = json.loads(upgrade.run_next("query", COUNT, "--format", "json"))
    assert found == undisturbed.query(COUNT)
    upgrade.run_next("lineage", "verify")
    upgrade.run_next("migrate", "--check")
