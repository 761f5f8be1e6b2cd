"""`migrate`: homes of earlier versions are upgraded and stay what they were; a home of a newer version is refused."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.cli.test_earlier_home import EXPECTED, digest_of
from sync_platform_tests.cli.unpacked_home import unpacked_home

ADD = "INSERT INTO ducklake_metadata (key, value) VALUES (?, '2')"
SET_VERSION = "UPDATE ducklake_metadata SET value = ? WHERE key = 'version'"


def states(shell: Shell, *options: str) -> tuple[int, dict[str, str]]:
    done = shell.run_in_process("migrate", *options, "--json")
    assert done.stdout, done.stderr
    return done.returncode, {each["part"]: each["state"] for each in json.loads(done.stdout)["versions"]}


def test_a_home_of_an_earlier_version_is_upgraded_and_says_the_same(tmp_path: Path) -> None:
    shell = unpacked_home(tmp_path / "home")
    parts = {"ledger": "migrate", "vault": "migrate", "lake schema": "migrate", "history": "migrate"}
    dagster = ["Dagster's records", "Dagster's settings"]
    assert states(shell, "--check") == (1, parts | dict.fromkeys(dagster, "not made yet"))
    done = (0, dict.fromkeys([*parts, *dagster], "up to date"))
    assert states(shell) == states(shell, "--check") == done
    assert digest_of(shell, "lineage", "export", "--format", "csv") == EXPECTED["export"]
    verified = json.loads(shell.run_in_process("lineage", "verify", "--landing", "--json").stdout)
    growing = {"tables", "audit_entries"}  # the migration makes tables, and is on record
    assert {name for name in EXPECTED["verified"] if verified[name] != EXPECTED["verified"][name]} == growing


def test_a_home_that_does_not_exist_yet_is_only_looked_at(shell: Shell) -> None:
    assert states(shell, "--check")[0] == 0
    assert not (shell.home / "lake").exists()


@pytest.mark.parametrize("name", ["history", "lake schema", "a format of the future"])
def test_a_lake_of_a_newer_version_is_refused(tmp_path: Path, name: str) -> None:
    shell = unpacked_home(tmp_path / "home")
    change(shell, ADD, f"sync_platform {name}")
    for command in (["query", "SELECT 1"], ["migrate"], ["migrate", "--check"]):
        done = shell.run_in_process(*command)
        assert (done.returncode, f"made by a newer version of this program: {name} 2" in done.stderr) == (1, True)


def test_a_lake_of_a_newer_ducklake_is_refused(tmp_path: Path) -> None:
    shell = unpacked_home(tmp_path / "home")
    change(shell, SET_VERSION, "9.9")
    done = shell.run_in_process("query", "SELECT 1")
    assert done.returncode == 1
    assert "made by another version of DuckLake: DuckLake catalog version mismatch" in done.stderr


@pytest.mark.parametrize(
    "statement, value, text",
    [
        (ADD, "sync_platform history", "made by a newer version of this program"),
        (SET_VERSION, "9.9", "made by another version of DuckLake"),
    ],
)
def test_a_sync_into_a_lake_of_a_newer_version_requests_nothing(
    tmp_path: Path, statement: str, value: str, text: str
) -> None:
    shell = unpacked_home(tmp_path / "home")
    change(shell, statement, value)
    shell.environment = {"CHOPE_BASE_URL": "http://127.0.0.1:1/chope"}  # nothing listens there
    code, document = shell.sync("chope")
    assert code == 1
    assert text in json.dumps(document)


@pytest.mark.parametrize("part, database", [("ledger", "ledger.sqlite"), ("vault", "vault/vault.sqlite")])
def test_a_ledger_and_a_vault_of_a_newer_version_are_refused_and_shown(
    tmp_path: Path, part: str, database: str
) -> None:
    shell = unpacked_home(tmp_path / "home")
    require_refused(shell, part, shell.home / database)


def test_records_of_a_newer_dagster_are_not_migrated(tmp_path: Path) -> None:
    shell = unpacked_home(tmp_path / "home")
    assert shell.run_in_process("migrate").returncode == 0
    require_refused(shell, "Dagster's records", shell.home / "dagster" / "history" / "runs.db")


def require_refused(shell: Shell, part: str, database: Path) -> None:
    """A database gets a version of the future: `migrate --check` names its part, and `migrate` is refused."""
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    assert states(shell, "--check")[1][part] == "newer"
    done = shell.run_in_process("migrate")
    assert (done.returncode, "made by a newer version" in done.stderr) == (1, True)


def change(shell: Shell, statement: str, value: str) -> None:
    """Change the catalog of a home's lake."""
    with closing(sqlite3.connect(shell.home / "lake" / "catalog.sqlite")) as catalog, catalog:
        catalog.execute(statement, [value])
