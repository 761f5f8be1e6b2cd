"""A home: many processes prepare the folder of Dagster's state at once, and it may be copied or moved."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import dagster as dg
import pytest
import yaml

from sync_platform.cli.runner.home import INSTANCE_YAML, prepare_home
from sync_platform.cli.runner.instance_settings import VERSIONS, InstanceSettings
from sync_platform.defs.dagster_internals import instance_in
from sync_platform.errors import StorageError
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.folder_copies import copy_by_process
from sync_platform_tests.small_disk import read_only, small_disk

AT_ONCE = 8
TIMES = 50


@dg.job
def nothing() -> None: ...


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


def test_a_home_that_became_read_only_is_to_be_made_writable_and_a_new_one_goes_elsewhere(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk") as disk:
        prepare_home(disk / "home")
        with read_only(disk):
            for home, advice in ((disk / "home", "make it writable again"), (disk / "new", "choose another folder")):
                with pytest.raises(StorageError, match=f"{home}.*Read-only file system.*{advice}"):
                    prepare_home(home)


def test_a_home_of_which_nothing_can_be_written_is_shown_and_its_versions_are_compared(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", megabytes=20) as disk:
        shell, unused = Shell(disk / "home"), Shell(disk / "unused")
        assert shell.run("migrate").returncode == 0
        with instance_in(shell.home / "dagster") as instance:
            run = instance.create_run_for_job(nothing, status=dg.DagsterRunStatus.STARTED)
        with read_only(disk):
            status, versions = (shell.run(*command, "--json") for command in (("status",), ("migrate", "--check")))
            none = unused.run("status", "--json")
    assert [each.returncode for each in (status, versions, none)] == [0, 0, 0], status.stderr + versions.stderr
    assert [each["run_id"] for each in json.loads(status.stdout)["runs"]] == [run.run_id]
    states = {each["part"]: each["state"] for each in json.loads(versions.stdout)["versions"]}
    assert states == {
        "ledger": "up to date",
        "vault": "up to date",
        "lake": "not made yet",
        "Dagster's records": "up to date",
        "Dagster's settings": "up to date",
    }
    assert json.loads(none.stdout)["runs"] == []


def without(text: str, *settings: str) -> str:
    """The text of `dagster.yaml` without whole settings."""
    parts = re.split(r"^(?=\S)", text, flags=re.MULTILINE)
    return "".join(part for part in parts if part.partition(":")[0] not in settings)


@pytest.mark.parametrize("lacks", [("run_queue",), ("run_queue", "python_logs")])
def test_settings_of_an_earlier_version_are_brought_up_to_date(tmp_path: Path, lacks: tuple[str, ...]) -> None:
    config = prepare_home(tmp_path) / "dagster.yaml"
    earlier = without(INSTANCE_YAML, *lacks)
    assert sha256(earlier.encode()).hexdigest() == VERSIONS[-1 - len(lacks)]
    config.write_text(earlier)
    prepare_home(tmp_path)
    assert config.read_text() == INSTANCE_YAML


def test_the_settings_of_this_version_are_the_last_that_are_known() -> None:
    """Whoever changes them adds their SHA-256: homes that have the text of before are brought up to date."""
    assert VERSIONS[-1] == sha256(INSTANCE_YAML.encode()).hexdigest()


def test_settings_that_power_loss_left_empty_are_written_again(tmp_path: Path) -> None:
    config = prepare_home(tmp_path) / "dagster.yaml"
    config.write_text("")
    prepare_home(tmp_path)
    assert config.read_text() == INSTANCE_YAML


def test_settings_that_an_operator_changed_stay_and_what_they_lack_is_reported_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = prepare_home(tmp_path) / "dagster.yaml"
    changed = without(INSTANCE_YAML, "run_queue").replace("max_retries: 2", "max_retries: 3")
    config.write_text(changed)
    for _ in range(2):
        prepare_home(tmp_path)
    assert config.read_text() == changed
    (line,) = capsys.readouterr().err.splitlines()
    assert f"{config} was changed by hand, and lacks settings of this version: run_queue.max_user_code" in line
    config.write_text(without(changed, "retention"))
    prepare_home(tmp_path)
    assert "retention.schedule.purge_after_days" in capsys.readouterr().err


def test_a_queue_of_an_operators_own_lacks_nothing_of_ours(tmp_path: Path) -> None:
    own = f"{without(INSTANCE_YAML, 'run_queue', 'concurrency')}run_coordinator: {{module: a, class: B}}\n"
    assert InstanceSettings(tmp_path, own, INSTANCE_YAML).missing == {}


@pytest.mark.parametrize("text", ["a: [", "- a\n", "\x00"])
def test_settings_that_are_no_yaml_are_refused_with_their_file(tmp_path: Path, text: str) -> None:
    config = prepare_home(tmp_path) / "dagster.yaml"
    config.write_text(text)
    with pytest.raises(StorageError, match=f"{config} is no "):
        prepare_home(tmp_path)


def test_migrate_shows_the_lines_that_a_changed_file_lacks(synced: Shell, tmp_path: Path) -> None:
    copy_by_process(synced.home, tmp_path / "copy")
    copied = Shell(tmp_path / "copy")
    config = copied.home / "dagster" / "dagster.yaml"
    config.write_text(without(INSTANCE_YAML, "run_queue"))
    done = copied.run_in_process("migrate", "--check", "--json")
    assert (done.returncode, json.loads(done.stdout)["missing_settings"]) == (1, "")
    config.write_text("telemetry: {enabled: true}\n" + without(INSTANCE_YAML, "run_queue", "telemetry"))
    done = copied.run_in_process("migrate", "--check")
    assert (done.returncode, "lines missing" in done.stdout) == (0, True)
    lines = done.stdout.partition("changed by hand:\n\n")[2]
    assert yaml.safe_load(lines) == {"run_queue": yaml.safe_load(INSTANCE_YAML)["run_queue"]}


@pytest.mark.parametrize("name", ["50%20", "what?", "a\\b"])
def test_a_home_that_an_address_cannot_name_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    done = Shell(tmp_path / name).run_in_process("sync", "chope")
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])
    assert "SYNC_HOME" in done.stderr and "must not have ?, %" in done.stderr


@pytest.fixture
def copied(synced: Shell, tmp_path: Path) -> Shell:
    """A copy of the synced home, which stays where it is."""
    copy_by_process(synced.home, tmp_path / "copy")
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
