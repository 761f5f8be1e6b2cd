"""Maintenance reduces the number of files and changes nothing else, despite crashes and concurrent syncs."""

from __future__ import annotations

import itertools
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pyarrow.parquet as pq
import pytest

from sync_platform.errors import StorageError
from sync_platform.lake import compaction, maintenance
from sync_platform.lake.compaction import CATALOG, list_tables, newest_snapshot, table_files
from sync_platform.lake.digest import Digest, digest_table
from sync_platform.lake.maintenance import maintain, plan_maintenance
from sync_platform.lake.schema import ROW_GROUP_ROWS
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.extent import is_full, only_in_full
from sync_platform_tests.folder_copies import copy_by_process
from sync_platform_tests.lake.harness import LakeHarness
from sync_platform_tests.services import PostgresServer, S3Server
from sync_platform_tests.warm import started

ROOT = Path(__file__).parents[2]
TABLES = ("diner.dishes", "lineage.changes", "sync.runs")
NOW = datetime.now(UTC)
STATEMENTS_APART = 7 if is_full() else 17  # between two kills of maintenance
IN_TWO_DAYS, IN_FORTY_DAYS = NOW + timedelta(days=2), NOW + timedelta(days=40)


@pytest.fixture(scope="module")
def synced_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a lake after many small syncs, made once and copied for each test."""
    harness = LakeHarness(tmp_path_factory.mktemp("synced"))
    _sync_often(harness)
    harness.lake.close()
    return harness.folder


@pytest.fixture
def laptop(synced_once: Path, tmp_path: Path) -> Iterator[LakeHarness]:
    """A lake in a folder, after many small syncs."""
    folder = tmp_path / "home"
    copy_by_process(synced_once, folder)
    with closing(sqlite3.connect(folder / "lake" / "catalog.sqlite")) as catalog, catalog:
        catalog.execute("UPDATE ducklake_metadata SET value = replace(value, ?, ?)", (str(synced_once), str(folder)))
    harness = LakeHarness(folder, _numbers=itertools.count(100))
    yield harness
    harness.lake.close()


@pytest.fixture
def scaled_out(
    tmp_path: Path, postgres_server: PostgresServer, s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> Iterator[LakeHarness]:
    """The same lake on PostgreSQL and S3."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    database = postgres_server.create_database()
    catalog, data = f"postgres:{postgres_server.conninfo(database)}", f"s3://{s3_server.bucket}/{database}"
    harness = LakeHarness(tmp_path)
    harness.lake = Lake(LakeAddress(catalog, data, tmp_path / "temp", "us-east-1", s3_server.endpoint))
    _sync_often(harness)
    yield harness
    harness.lake.close()


@pytest.fixture(params=["laptop", only_in_full("scaled_out")])
def any_harness(request: pytest.FixtureRequest) -> LakeHarness:
    """A lake in a folder, and one on PostgreSQL and S3."""
    harness: LakeHarness = request.getfixturevalue(request.param)
    return harness


def test_row_groups_have_a_limited_size_also_in_a_merged_file(tmp_path: Path) -> None:
    harness = LakeHarness(tmp_path / "home")
    dishes = [{"id": number, "name": f"Dish {number}"} for number in range(ROW_GROUP_ROWS + 10_000)]
    harness.sync(dishes, hour=0)
    harness.sync([*dishes, {"id": len(dishes), "name": "New"}], hour=1)
    maintain(harness.lake, 30, NOW, "run")
    files = f"{harness.lake.address.data}/diner/dishes/*.parquet"
    groups = harness.ask(f"SELECT file_name, row_group_num_rows FROM parquet_metadata('{files}') GROUP BY ALL")
    harness.lake.close()
    assert max(rows for _, rows in groups) == ROW_GROUP_ROWS
    assert len({file for file, _ in groups}) == 3  # two files, and the merged one


def _sync_often(harness: LakeHarness, syncs: int = 4, first_hour: int = 0) -> None:
    """Every sync changes a third of the dishes and adds one, so that some files have deleted rows."""
    dishes = [{"id": number, "name": f"Dish {number}"} for number in range(30)]
    for sync in range(syncs):
        for dish in dishes[sync % 3 :: 3]:
            dish["name"] = f"{dish['name']}, seasoned at {first_hour + sync}"
        dishes.append({"id": 30 + sync, "name": "New"})
        harness.sync(dishes, hour=first_hour + sync)


def _digest(harness: LakeHarness, table: str, snapshot: int) -> Digest:
    with harness.lake.session() as session:
        return digest_table(session, table, snapshot)


def _digests(harness: LakeHarness) -> dict[tuple[str, int], Digest]:
    """The digest of every table in every snapshot that has it."""
    snapshots = [
        row[0] for row in harness.ask("SELECT snapshot_id FROM ducklake_snapshots('lake') WHERE snapshot_id > 0")
    ]
    return {(table, snapshot): _digest(harness, table, snapshot) for snapshot in snapshots for table in TABLES}


def _newest(harness: LakeHarness) -> int:
    with harness.lake.session() as session:
        return newest_snapshot(session)


def _files(harness: LakeHarness) -> dict[str, int]:
    with harness.lake.session() as session:
        return {str(table): table_files(session, table).count for table in list_tables(session)}


def _on_disk(harness: LakeHarness) -> set[Path]:
    return set((harness.folder / "lake" / "data").rglob("*.parquet"))


def test_many_small_files_become_few_and_every_snapshot_reads_as_before(any_harness: LakeHarness) -> None:
    before, digests = _files(any_harness), _digests(any_harness)
    report = maintain(any_harness.lake, 30, NOW, "run-7")
    after = _files(any_harness)
    assert before["lineage.changes"] > 30 and after["lineage.changes"] <= 16
    assert (before["sync.runs"], after["sync.runs"]) == (4, 1)
    assert after["diner.dishes"] < before["diner.dishes"]
    assert {table: files.count for table, files in report.before.items()} == before
    assert {table: files.count for table, files in report.after.items()} == after
    assert {key: _digest(any_harness, *key) for key in digests} == digests
    assert any_harness.replay_differs() == []
    commits = any_harness.ask(
        "SELECT commit_message, commit_extra_info FROM ducklake_snapshots('lake') ORDER BY snapshot_id"
    )
    message, details = commits[-1]
    assert (message, json.loads(details)) == ("sync.runs: files compacted", {"run_id": "run-7"})


def test_merged_files_are_deleted_a_day_later_and_snapshots_beyond_the_window_expire(
    any_harness: LakeHarness,
) -> None:
    table = any_harness.table("*", live=False)
    assert maintain(any_harness.lake, 30, NOW, "run").unneeded_deleted == 0
    later = maintain(any_harness.lake, 30, IN_FORTY_DAYS, "run")
    assert later.unneeded_deleted > 30
    assert later.snapshots_expired > 4
    assert len(any_harness.ask("FROM ducklake_snapshots('lake')")) == 1
    assert any_harness.table("*", live=False) == table
    assert any_harness.replay_differs() == []
    again = maintain(any_harness.lake, 30, IN_FORTY_DAYS, "run")
    assert (again.snapshots_expired, again.unneeded_deleted, again.orphaned_deleted) == (0, 0, 0)
    any_harness.sync([{"id": 1, "name": "After it all"}], hour=99, mode="incremental")
    assert any_harness.replay_differs() == []


def test_every_moment_of_the_window_stays_readable(laptop: LakeHarness) -> None:
    """The first days of the window read a snapshot that is older than the window."""
    snapshots = laptop.ask("SELECT snapshot_id, snapshot_time FROM ducklake_snapshots('lake') ORDER BY ALL")
    current, moment = snapshots[2][0], snapshots[2][1] + (snapshots[3][1] - snapshots[2][1]) / 2
    digest = _digest(laptop, "diner.dishes", current)
    report = maintain(laptop.lake, 30, moment + timedelta(days=30), "run")
    assert report.snapshots_expired == 2
    rows = f"SELECT count(*) FROM lake.diner.dishes AT (TIMESTAMP => TIMESTAMPTZ '{moment.isoformat()}')"
    assert laptop.ask(rows) == [(digest.rows,)]
    assert _digest(laptop, "diner.dishes", current) == digest
    with pytest.raises(duckdb.Error, match="No snapshot found"):
        _digest(laptop, "diner.dishes", current - 1)


def test_files_with_few_deleted_rows_are_left_alone_until_there_are_many_of_them(
    laptop: LakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    maintain(laptop.lake, 30, NOW, "run")
    laptop.sync([{"id": 1, "name": "Renamed"}], hour=50, mode="incremental")
    assert maintain(laptop.lake, 30, NOW, "run").after["diner.dishes"].with_deletes == 1
    monkeypatch.setattr(compaction, "MAX_WITH_DELETES", 0)
    digests = _digests(laptop)
    assert maintain(laptop.lake, 30, NOW, "run").after["diner.dishes"].with_deletes == 0
    assert {key: _digest(laptop, *key) for key in digests} == digests


def test_a_table_that_gained_a_column_between_syncs_keeps_its_content(laptop: LakeHarness) -> None:
    laptop.ask('ALTER TABLE lake.diner.dishes ADD COLUMN "spice" VARCHAR')
    _sync_often(laptop, syncs=2, first_hour=10)
    digests = _digests(laptop)
    maintain(laptop.lake, 30, NOW, "run")
    assert {key: _digest(laptop, *key) for key in digests} == digests


def test_a_digest_detects_any_change_and_ignores_order(laptop: LakeHarness) -> None:
    laptop.ask("CREATE TABLE lake.diner.t (a VARCHAR, b BIGINT, c VARCHAR[])")
    digests = set()
    for rows in (
        "('a', 1, ['x', 'y'])",
        "('a', 1, ['y', 'x'])",
        "('a', NULL, ['x', 'y'])",
        "(NULL, 1, ['x', 'y'])",
        "('a', 1, NULL)",
        "('a', 1, ['x', 'y']), ('b', 2, [])",
        "('b', 1, ['x', 'y']), ('a', 2, [])",
        "('a', 1, ['x', 'y']), ('a', 1, ['x', 'y']), ('b', 2, [])",
        "('a', 1, ['x', 'y']), ('b', 2, []), ('b', 2, [])",
    ):
        laptop.ask(f"DELETE FROM lake.diner.t; INSERT INTO lake.diner.t VALUES {rows}")
        digests.add(_digest(laptop, "diner.t", _newest(laptop)))
    assert len(digests) == 9
    laptop.ask("DELETE FROM lake.diner.t; INSERT INTO lake.diner.t VALUES ('b', 2, []), ('a', 1, ['x', 'y'])")
    assert _digest(laptop, "diner.t", _newest(laptop)) in digests


def _damage(harness: LakeHarness, damage: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch, table: str) -> None:
    """Damage each file that a compaction of the table writes, before it is checked."""
    known = _on_disk(harness)
    digest = compaction.digest_table

    def damaged(session: duckdb.DuckDBPyConnection, name: str, snapshot: int) -> Digest:
        for path in _on_disk(harness) - known:
            if f"/{table.replace('.', '/')}/" in path.as_posix() and "-delete" not in path.name:
                damage(path)
                known.add(path)
        return digest(session, name, snapshot)

    monkeypatch.setattr(compaction, "digest_table", damaged)


def _lose_a_row(path: Path) -> None:
    pq.write_table(pq.read_table(path).slice(1), path)


def _cut_short(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:100])


@pytest.mark.parametrize(
    ("damage", "table"), [only_in_full(_lose_a_row, "diner.dishes"), (_cut_short, "lineage.changes")]
)
def test_a_damaged_compaction_is_detected_named_and_undone(
    laptop: LakeHarness, monkeypatch: pytest.MonkeyPatch, damage: Callable[[Path], None], table: str
) -> None:
    digests, before, rows = _digests(laptop), _files(laptop), laptop.table("*", live=False)
    files = _on_disk(laptop)
    with monkeypatch.context() as patch:
        _damage(laptop, damage, patch, table)
        with pytest.raises(StorageError, match=f"compaction changed the content of {table}; its files are listed as"):
            maintain(laptop.lake, 30, IN_TWO_DAYS, "run")
    assert files <= _on_disk(laptop)
    assert {key: _digest(laptop, *key) for key in digests} == digests
    assert (_files(laptop)[table], laptop.table("*", live=False)) == (before[table], rows)
    assert laptop.replay_differs() == []
    report = maintain(laptop.lake, 30, IN_TWO_DAYS, "run")
    assert report.after[table].count < before[table]
    assert report.orphaned_deleted > 0
    assert {key: _digest(laptop, *key) for key in digests} == digests


def test_on_postgres_too_a_compaction_that_changed_content_is_undone(
    scaled_out: LakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests, before = _digests(scaled_out), _files(scaled_out)
    numbers = itertools.count()
    with monkeypatch.context() as patch:
        patch.setattr(compaction, "digest_table", lambda session, name, snapshot: Digest(next(numbers), 0, 0))
        with pytest.raises(
            StorageError, match=r"changed the content of diner\.dishes; its files are listed as they were"
        ):
            maintain(scaled_out.lake, 30, NOW, "run")
    assert (_files(scaled_out), _digests(scaled_out).items() >= digests.items()) == (before, True)
    assert maintain(scaled_out.lake, 30, NOW, "run").after["sync.runs"].count == 1
    assert scaled_out.replay_differs() == []


def test_content_that_changes_by_the_end_is_named(laptop: LakeHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    digests = iter(range(100))
    monkeypatch.setattr(maintenance, "digest_table", lambda session, name, snapshot: Digest(next(digests), 0, 0))
    with pytest.raises(
        StorageError, match=r"maintenance changed the content of diner\.dishes: snapshot 4 had .*rows=0"
    ):
        maintain(laptop.lake, 30, NOW, "run")


def test_a_file_of_a_killed_writer_is_deleted_when_old_and_that_of_a_running_writer_stays(
    any_harness: LakeHarness,
) -> None:
    with any_harness.lake.session() as session:
        session.execute("BEGIN")
        session.execute("INSERT INTO lake.diner.dishes (source_id) SELECT range::VARCHAR FROM range(9)")
        assert maintain(any_harness.lake, 30, datetime.now(UTC), "run").orphaned_deleted == 0
        session.execute("ROLLBACK")
    table = any_harness.table("*")
    left = len(plan_maintenance(any_harness.lake, 30, IN_TWO_DAYS).orphaned)
    assert maintain(any_harness.lake, 30, datetime.now(UTC), "run").orphaned_deleted == 0
    assert maintain(any_harness.lake, 30, IN_TWO_DAYS, "run").orphaned_deleted == left
    assert any_harness.table("*") == table


def test_a_process_killed_while_it_writes_leaves_an_orphan_that_is_deleted_only_when_old(laptop: LakeHarness) -> None:
    program = (
        "import sys; from pathlib import Path; from sync_platform_tests.lake.harness import LakeHarness\n"
        "session = LakeHarness(Path(sys.argv[1])).lake.open_session(); session.execute('BEGIN')\n"
        "session.execute('INSERT INTO lake.diner.dishes (source_id) VALUES (1)')\n"
        "print('written', flush=True); sys.stdin.read()"
    )
    known = _on_disk(laptop)
    command = [sys.executable, "-c", program, str(laptop.folder)]
    writer = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None and writer.stdout.readline() == "written\n"
    writer.kill()
    writer.communicate()
    (orphan,) = _on_disk(laptop) - known
    maintain(laptop.lake, 30, datetime.now(UTC), "run")
    assert orphan.exists()
    a_day_and_a_bit_ago = time.time() - 86_400 - 60
    os.utime(orphan, (a_day_and_a_bit_ago, a_day_and_a_bit_ago))
    assert maintain(laptop.lake, 30, datetime.now(UTC), "run").orphaned_deleted == 1
    assert not orphan.exists()


def test_a_plan_changes_nothing_and_lists_what_maintenance_then_does(laptop: LakeHarness) -> None:
    maintain(laptop.lake, 30, NOW, "run")
    stray = laptop.folder / "lake" / "data" / "diner" / "dishes" / "ducklake-stray.parquet"
    stray.write_bytes(b"half")
    snapshots, files = laptop.ask("FROM ducklake_snapshots('lake')"), _on_disk(laptop)
    plan = plan_maintenance(laptop.lake, 1, IN_TWO_DAYS)
    assert plan.orphaned == [str(stray)]
    assert (laptop.ask("FROM ducklake_snapshots('lake')"), _on_disk(laptop)) == (snapshots, files)
    report = maintain(laptop.lake, 1, IN_TWO_DAYS, "run")
    assert report.snapshots_expired == len(plan.snapshots) > 0
    assert report.orphaned_deleted == 1
    assert not any(Path(path).exists() for path in plan.unneeded)
    assert report.before == plan.tables


def _data_path(harness: LakeHarness, function: str) -> str:
    return (
        f"{harness.folder}/lake//data/" if function == "ducklake_delete_orphaned_files" else harness.lake.address.data
    )


@pytest.mark.parametrize("function", ["ducklake_cleanup_old_files", "ducklake_delete_orphaned_files"])
def test_nothing_is_deleted_if_a_needed_file_would_be_deleted(laptop: LakeHarness, function: str) -> None:
    """DuckLake treats all files as orphans if the path of their folder contains `//`."""
    maintain(laptop.lake, 30, IN_FORTY_DAYS, "run")
    with laptop.lake.session() as session:
        if function == "ducklake_cleanup_old_files":
            session.execute(
                f"""INSERT INTO {CATALOG}.ducklake_files_scheduled_for_deletion
                SELECT data_file_id, 'sync/runs/' || path, true, now() FROM {CATALOG}.ducklake_data_file
                WHERE table_id = (SELECT table_id FROM {CATALOG}.ducklake_table WHERE table_name = 'runs')"""
            )
        else:
            session.execute(f"UPDATE {CATALOG}.ducklake_metadata SET value = replace(value, '/data/', '//data/')")
    laptop.lake.close()
    laptop.lake = Lake(replace(laptop.lake.address, data=_data_path(laptop, function)))
    files = _on_disk(laptop)
    with pytest.raises(StorageError, match=f"{function} would delete .*, which the lake needs: nothing was deleted"):
        maintain(laptop.lake, 30, IN_TWO_DAYS, "run")
    assert files <= _on_disk(laptop)


def test_maintenance_stops_between_two_steps_when_its_lease_is_lost(laptop: LakeHarness) -> None:
    def lost() -> None:
        raise StorageError("the lease is lost")

    files = _files(laptop)
    with pytest.raises(StorageError, match="the lease is lost"):
        maintain(laptop.lake, 30, IN_FORTY_DAYS, "run", lost)
    assert (_files(laptop), len(laptop.ask("FROM ducklake_snapshots('lake')"))) == (files, 5)


def test_a_lake_without_tables_has_nothing_to_do(tmp_path: Path) -> None:
    with Lake(LakeHarness(tmp_path).lake.address) as lake:
        assert maintain(lake, 30, NOW, "run").before == {}


class _Killed(Lake):
    """A lake whose process is killed before its n-th statement."""

    def __init__(self, address: LakeAddress, statement: int) -> None:
        super().__init__(address)
        self.left = statement

    def open_session(self) -> Any:
        session, lake = super().open_session(), self

        class Session:
            def execute(self, *statement: Any) -> Any:
                lake.left -= 1
                if lake.left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return session.execute(*statement)

            def close(self) -> None:
                session.close()

        return Session()


def _maintain_until(address: LakeAddress, statement: int, _number: int) -> None:
    maintain(_Killed(address, statement), 30, IN_FORTY_DAYS, "run")


def test_maintenance_killed_anywhere_keeps_the_content_and_finishes_when_run_again(laptop: LakeHarness) -> None:
    newest = _newest(laptop)
    digests = {table: _digest(laptop, table, newest) for table in TABLES}
    laptop.lake.close()
    killed = 0
    for statement in range(1, 1000, STATEMENTS_APART):
        (process,) = started(1, _maintain_until, (laptop.lake.address, statement))
        ended = process.wait()
        if ended.returncode == 0:
            break
        assert ended.returncode == -signal.SIGKILL, ended.stderr
        killed += 1
        newest = _newest(laptop)
        assert {table: _digest(laptop, table, newest) for table in TABLES} == digests
        laptop.lake.close()
    assert killed > 2
    assert (_files(laptop)["lineage.changes"], _files(laptop)["sync.runs"]) == (len(_buckets(laptop)), 1)
    assert {table: _digest(laptop, table, _newest(laptop)) for table in TABLES} == digests
    assert laptop.replay_differs() == []


def _buckets(harness: LakeHarness) -> set[Path]:
    return {path.parent for path in _on_disk(harness) if "/lineage/changes/" in path.as_posix()}


def test_syncs_that_commit_between_two_steps_are_neither_lost_nor_reported_as_damage(any_harness: LakeHarness) -> None:
    hours = iter(range(100, 200))

    def sync_one() -> None:
        hour = next(hours)
        any_harness.sync([{"id": 1, "name": f"Changed at {hour}"}], hour=hour, mode="incremental")

    maintain(any_harness.lake, 30, NOW, "run", sync_one)
    last = next(hours) - 1
    assert last > 103
    assert any_harness.table("name")[1] == (f"Changed at {last}",)
    assert any_harness.replay_differs() == []


def test_a_sync_that_takes_no_lock_may_commit_in_the_middle_of_a_compaction_on_postgres(
    scaled_out: LakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our writers wait for each other. A writer that does not wait must be safe too."""
    monkeypatch.setattr(LakeAddress, "write_lock", lambda self: nullcontext())
    digest, hours = compaction.digest_table, iter(range(100, 104))

    def digest_while_syncing(session: duckdb.DuckDBPyConnection, table: str, snapshot: int) -> Digest:
        table_digest = digest(session, table, snapshot)
        for hour in itertools.islice(hours, 1):
            scaled_out.sync([{"id": 1, "name": f"Changed at {hour}"}], hour=hour, mode="incremental")
        return table_digest

    monkeypatch.setattr(compaction, "digest_table", digest_while_syncing)
    report = maintain(scaled_out.lake, 30, NOW, "run")
    assert next(hours, None) is None
    assert report.after["lineage.changes"].count < report.before["lineage.changes"].count
    assert scaled_out.table("name")[1] == ("Changed at 103",)
    assert scaled_out.replay_differs() == []
