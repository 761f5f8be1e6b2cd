"""A home of every released version is opened, upgraded, verified and explained by this one; a newer one is refused.

The homes are in `released_homes`, and `released_home.py` made them.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest

from sync_platform import __version__
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.cli.released_home import (
    COUNTED,
    RELEASED_HOMES,
    digest_of,
    digest_of_table,
    output_of,
    story_of,
)
from sync_platform_tests.cli.unpacked_home import unpacked_home

VERSIONS = sorted(each.name for each in RELEASED_HOMES.iterdir())
LAKE = "lake/catalog.sqlite"
NEWER = {
    "ledger": ("ledger.sqlite", "UPDATE alembic_version SET version_num = '9999'"),
    "vault": ("vault/vault.sqlite", "UPDATE alembic_version SET version_num = '9999'"),
    "lake schema": (LAKE, "UPDATE ducklake_metadata SET value = '99' WHERE key = 'sync_platform lake schema'"),
    "history": (LAKE, "UPDATE ducklake_metadata SET value = '99' WHERE key = 'sync_platform history'"),
    "DuckLake's catalog": (LAKE, "UPDATE ducklake_metadata SET value = '9.9' WHERE key = 'version'"),
    "Dagster's records": ("dagster/history/runs.db", "UPDATE alembic_version SET version_num = '9999'"),
}
"""How a later version leaves each part: its database in the home, and what it stores there."""


@pytest.mark.parametrize("version", VERSIONS)
def test_a_home_of_a_released_version_is_upgraded_and_says_the_same(version: str, tmp_path: Path) -> None:
    kept = RELEASED_HOMES / version
    expected = json.loads((kept / "expected.json").read_text())
    shell = unpacked_home(tmp_path / "home", kept)
    assert json.loads(output_of(shell, "migrate", "--json"))["versions"]
    assert {each["state"] for each in json.loads(output_of(shell, "migrate", "--json"))["versions"]} == {"up to date"}
    verified = json.loads(output_of(shell, "lineage", "verify", "--landing", "--json"))
    entries = verified["audit_entries"] - expected["verified"]["audit_entries"]
    assert verified["holds"] and entries > 0  # the upgrade is on record
    assert {name: verified[name] for name in COUNTED if name != "audit_entries"} == {
        name: expected["verified"][name] for name in COUNTED if name != "audit_entries"
    }
    assert {subject: story_of(shell, *subject.split(" ")) for subject in expected["stories"]} == expected["stories"]
    assert {table: digest_of_table(shell, table) for table in expected["tables"]} == expected["tables"]
    assert digest_of(shell, "lineage", "export", "--format", "csv") == expected["export"]


@pytest.mark.parametrize("version", VERSIONS)
def test_the_backups_of_a_released_version_are_whole_and_restored(version: str, tmp_path: Path) -> None:
    kept = RELEASED_HOMES / version
    expected = json.loads((kept / "expected.json").read_text())
    shell = unpacked_home(tmp_path / "home", kept)
    output_of(shell, "vault", "verify")
    output_of(shell, "backup", "verify", "--all")
    output_of(shell, "backup", "restore", "--target", str(tmp_path / "restored"))
    restored = Shell(tmp_path / "restored")
    tables = {name: digest for name, digest in expected["tables"].items() if not name.startswith("lineage.")}
    assert {table: digest_of_table(restored, table) for table in tables} == tables


@pytest.mark.full  # test_migrate has what `migrate` refuses
@pytest.mark.skipif(__version__ not in VERSIONS, reason="`make release` keeps the home of this version")
@pytest.mark.parametrize("part", NEWER)
def test_a_home_of_the_next_version_is_refused_and_the_newer_part_unchanged(part: str, tmp_path: Path) -> None:
    shell = unpacked_home(tmp_path / "home", RELEASED_HOMES / __version__)
    file, statement = NEWER[part]
    with closing(sqlite3.connect(shell.home / file)) as database, database:
        assert database.execute(statement).rowcount > 0
    before = files_of(shell, file)
    for command in ("migrate", "sync chope --no-unify"):
        done = shell.run(*command.split())
        said = " ".join((done.stdout + done.stderr).split())
        assert (done.returncode, "made by a newer version" in said or "another version of DuckLake" in said) == (
            1,
            True,
        )
    assert files_of(shell, file) == before


def files_of(shell: Shell, database: str) -> dict[str, str]:
    """The digests of what a part stores: its database, and the data of the lake."""
    data = (shell.home / "lake" / "data").rglob("*") if database == LAKE else ()
    files = [shell.home / database, *(path for path in data if path.is_file())]
    return {str(path): sha256(path.read_bytes()).hexdigest() for path in files}
