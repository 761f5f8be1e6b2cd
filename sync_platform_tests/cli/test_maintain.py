"""`maintain`: its plan, its work, and its messages."""

from __future__ import annotations

import json
import os
import re
import sqlite3
from contextlib import closing

import pytest

from sync_platform.defs.dead_runs import PROCESS_TAG
from sync_platform.storage.lease import Leases
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.lake.harness import LakeHarness


def _files(shell: Shell) -> set[str]:
    return {path.as_posix() for path in (shell.home / "lake").rglob("*.parquet")}


@pytest.fixture
def synced_twice(shell: Shell) -> Shell:
    """A home with a lake that two syncs of a diner wrote."""
    harness = LakeHarness(shell.home)
    for hour in range(2):
        harness.sync([{"id": number, "name": f"Dish {number} at {hour}"} for number in range(20)], hour=hour)
    harness.lake.close()
    return shell


def test_a_dry_run_lists_what_is_due_and_maintain_does_it(synced_twice: Shell) -> None:
    shell = synced_twice
    stray = shell.home / "landing_store" / "landing" / "diner" / "dishes" / "2026-01" / "20260101T000000Z-aaaaaa"
    stray.mkdir(parents=True)
    (stray / "pages-000001.ndjson.zst").write_bytes(b"half a sync")
    os.utime(stray / "pages-000001.ndjson.zst", (0, 0))
    rows, files = shell.query("FROM diner.dishes ORDER BY ALL"), _files(shell)

    planned = shell.run("maintain", "--dry-run", "--json")
    assert planned.returncode == 0, planned.stderr
    plan = json.loads(planned.stdout)
    assert (plan["dry_run"], plan["snapshots_to_expire"], plan["orphaned_files"]) == (True, [], [])
    assert plan["tables"]["sync.runs"]["mergeable"] == 2
    assert [each["reason"] for each in plan["landing"]] == ["interrupted, and not resumed for a day"]
    assert _files(shell) == files

    done = shell.run("maintain")
    assert done.returncode == 0, done.stderr
    assert re.search(r"sync\.runs +│ +2 │ +1 │", done.stdout)
    assert "deleted 1 landed sync\n  landing/diner/dishes/2026-01/20260101T000000Z-aaaaaa (0.0 kB)" in done.stdout
    assert "The content of every table is unchanged. Dagster run " in done.stdout
    assert not stray.exists()
    assert shell.query("FROM diner.dishes ORDER BY ALL") == rows


def test_a_damaged_manifest_is_named_and_all_else_is_done(synced_twice: Shell) -> None:
    shell = synced_twice
    landed = shell.home / "landing_store" / "landing" / "diner" / "dishes"
    stray = landed / "2026-01" / "20260101T000000Z-aaaaaa"
    stray.mkdir(parents=True)
    (stray / "pages-000001.ndjson.zst").write_bytes(b"half a sync")
    os.utime(stray / "pages-000001.ndjson.zst", (0, 0))
    damaged = max(landed.glob("*/*/manifest.json"))
    damaged.write_bytes(damaged.read_bytes()[:-9])

    planned = shell.run("maintain", "--dry-run", "--json")
    assert planned.returncode == 1
    assert len(json.loads(planned.stdout)["landing"]) == 1
    assert f"{damaged} is damaged: " in planned.stderr
    done = shell.run("maintain")
    assert done.returncode == 1
    assert f"{damaged} is damaged: " in done.stderr
    assert "Put the manifest back from a copy of the landing store" in done.stderr
    assert "deleted 1 landed sync" in done.stdout
    assert not stray.exists()
    assert damaged.exists()
    entries = json.loads(shell.run("audit", "--json").stdout)["entries"]
    (subject,) = [each["subject"] for each in entries if (each["operation"], each["outcome"]) == ("maintain", "failed")]
    assert subject["landed_syncs_deleted"] == 1


def test_maintenance_is_refused_during_a_backup_which_is_named(synced_twice: Shell) -> None:
    with Leases(f"sqlite:///{synced_twice.home / 'ledger.sqlite'}").hold("backup"):
        done = synced_twice.run("maintain")
    assert (done.returncode, done.stdout) == (1, "")
    assert "maintenance cannot start: backup (process " in done.stderr


def test_without_a_lake_there_is_nothing_to_maintain(shell: Shell) -> None:
    for arguments in (["maintain"], ["maintain", "--dry-run"]):
        done = shell.run(*arguments)
        assert (done.returncode, done.stdout) == (1, "")
        assert "there is no lake yet" in done.stderr
    assert not shell.home.exists()


def test_a_run_names_its_process_from_its_creation_on(synced_twice: Shell) -> None:
    """So a process that is killed before its run begins, or in a run without a platform, leaves no unfinished run."""
    assert synced_twice.run("maintain").returncode == 0
    with closing(sqlite3.connect(synced_twice.home / "dagster" / "history" / "runs.db")) as database:
        untold = database.execute(
            "SELECT run_id FROM runs WHERE run_id NOT IN (SELECT run_id FROM run_tags WHERE key = ?)", [PROCESS_TAG]
        ).fetchall()
    assert untold == []
