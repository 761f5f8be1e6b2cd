"""While a run goes on, Dagster's SQLite files stay open and wait less for the disk; the product's own files do not."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa

from sync_platform.defs.dagster_internals import instance_in
from sync_platform.defs.dagster_sqlite import keep_empty_log, opened_files

RUN_ID = "11111111-2222-3333-4444-555555555555"
NORMAL, FULL = 1, 2


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    return instance_in(tmp_path)


def _waits(file: Path) -> int:
    with sa.create_engine(f"sqlite:///{file}", poolclass=sa.NullPool).connect() as connection:
        return int(connection.exec_driver_sql("PRAGMA synchronous").scalar() or 0)


def test_the_logs_of_the_files_stay_while_the_block_lasts(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    runs = tmp_path / "history" / "runs.db"
    with opened_files(instance):
        instance.add_run(dg.DagsterRun(job_name="sync", run_id=RUN_ID))
        assert Path(f"{runs}-wal").stat().st_size > 0
        assert (_waits(runs), _waits(tmp_path / "ledger.sqlite")) == (NORMAL, FULL)
    assert _waits(runs) == FULL
    assert not Path(f"{runs}-wal").exists()
    assert instance.get_run_by_id(RUN_ID) is not None


def test_a_run_begins_with_a_file_that_dagster_would_have_made(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    made, other = tmp_path / "history" / "runs" / f"{RUN_ID}.db", RUN_ID.replace("1", "9")
    keep_empty_log()
    with opened_files(instance, RUN_ID):
        assert made.exists()
        instance.report_engine_event("begins", run_id=RUN_ID, job_name="sync")
    instance.report_engine_event("begins", run_id=other, job_name="sync")
    assert len(instance.all_logs(RUN_ID)) == 1
    assert _schema(made) == _schema(made.with_name(f"{other}.db"))


def _schema(file: Path) -> list[tuple[str, ...]]:
    with closing(sqlite3.connect(file)) as database:
        version = database.execute("SELECT version_num FROM alembic_version").fetchall()
        return version + database.execute("SELECT name, sql FROM sqlite_master ORDER BY name").fetchall()
