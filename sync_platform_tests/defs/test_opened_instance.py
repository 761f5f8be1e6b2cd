"""Dagster's instance in a new folder, opened by several processes at once."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from sync_platform_tests.processes import outputs_of


def test_eight_processes_that_open_a_new_instance_together_all_can_use_it(tmp_path: Path) -> None:
    imports = "from pathlib import Path\nfrom sync_platform.defs.dagster_internals import instance_in"
    program = "with instance_in(Path(sys.argv[1])) as instance: print(instance.get_runs_count())"
    assert outputs_of(8, imports, program, str(tmp_path)) == ["0"] * 8


def test_servers_that_start_together_make_the_records_of_a_new_shared_instance_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "dagster.yaml").touch()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("LEDGER", f"sqlite:///{tmp_path / 'ledger.sqlite'}")
    imports = """from sync_platform.cli.runner.instance import create_records, opened_instance
from sync_platform.settings import load_settings"""
    program = """settings = load_settings(sync_home=sys.argv[1] + "/server" + sys.argv[2])
create_records(settings)
with opened_instance(settings) as instance: print(instance.get_runs_count())"""
    assert outputs_of(3, imports, program, str(tmp_path)) == ["0"] * 3
    with closing(sqlite3.connect(tmp_path / "history" / "runs.db")) as records:
        assert records.execute("SELECT count(*) FROM alembic_version").fetchall() == [(1,)]
