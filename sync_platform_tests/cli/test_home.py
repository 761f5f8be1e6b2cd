"""A home: many processes prepare the folder of Dagster's state at once, and it may be copied or moved."""

from __future__ import annotations

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from sync_platform.cli.runner.home import INSTANCE_YAML, prepare_home
from sync_platform_tests.cli.conftest import Shell

AT_ONCE = 8
TIMES = 50


def test_workers_that_start_together_do_not_disturb_each_other(tmp_path: Path) -> None:
    def prepare_often(_: int) -> None:
        for number in range(TIMES):
            prepare_home(tmp_path / str(number))

    with ThreadPoolExecutor(AT_ONCE) as workers:
        list(workers.map(prepare_often, range(AT_ONCE)))
    for number in range(TIMES):
        (home,) = (tmp_path / str(number)).iterdir()
        assert [file.name for file in home.iterdir()] == ["dagster.yaml"]
        assert (home / "dagster.yaml").read_text() == INSTANCE_YAML


def test_settings_that_an_operator_changed_stay(tmp_path: Path) -> None:
    config = prepare_home(tmp_path) / "dagster.yaml"
    config.write_text("telemetry: {enabled: false}\n")
    prepare_home(tmp_path)
    assert config.read_text() == "telemetry: {enabled: false}\n"


@pytest.mark.parametrize("name", ["50%20", "what?", "a\\b"])
def test_a_home_that_an_address_cannot_name_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    done = Shell(tmp_path / name).run_in_process("sync", "chope")
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "SYNC_HOME" in done.stderr and "must not have ?, %" in done.stderr


@pytest.fixture
def copied(synced: Shell, tmp_path: Path) -> Shell:
    """A copy of the synced home, which stays where it is."""
    shutil.copytree(synced.home, tmp_path / "copy")
    return Shell(tmp_path / "copy")


def _stored_data_path(shell: Shell) -> str:
    with closing(sqlite3.connect(shell.home / "lake" / "catalog.sqlite")) as catalog:
        return catalog.execute("SELECT value FROM ducklake_metadata WHERE key = 'data_path'").fetchone()[0]


def test_a_copied_home_is_read_verified_and_synced_on_its_own(synced: Shell, copied: Shell) -> None:
    sql = "SELECT count(*) AS n FROM sync.runs"
    before = synced.query(sql)
    assert copied.query(sql) == before
    assert copied.run_in_process("lineage", "verify").returncode == 0
    assert _stored_data_path(copied) == _stored_data_path(synced)  # a reader stores nothing
    assert copied.sync("chope")[0] == 0
    assert _stored_data_path(copied) == f"{copied.home / 'lake' / 'data'}/"
    assert copied.query(sql)[0]["n"] > before[0]["n"]
    assert synced.query(sql) == before


def test_a_catalog_without_its_data_says_what_belongs_together(synced: Shell, copied: Shell) -> None:
    shutil.rmtree(copied.home / "lake" / "data")
    refused = copied.run_in_process("query", "SELECT 1")
    assert refused.returncode == 1
    assert f"belongs to the data in {synced.home / 'lake' / 'data'}/, and " in refused.stderr
    assert "copy or move both together" in refused.stderr
