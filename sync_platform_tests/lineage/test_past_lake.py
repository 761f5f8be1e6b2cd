"""Any table as of a moment: time travel and replay give the same rows."""

from __future__ import annotations

import itertools
import re
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from sync_platform.documents.local_time import local_time
from sync_platform.errors import UsageError
from sync_platform.lake.tracked_table import dataset_table
from sync_platform.lineage.moment import parse_moment
from sync_platform.lineage.past_lake import PastLake, past_lake
from sync_platform.sources.period import day_in_hong_kong
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.extent import is_full
from sync_platform_tests.lake.harness import DISHES, HISTORY, LakeHarness, diner
from sync_platform_tests.lineage.conftest import MENU

TABLES = {(name, "dishes"): dataset_table(name, DISHES) for name in ("diner", "tea")}
QUERIES = (
    "SELECT * EXCLUDE (stock, stale_since) FROM diner.dishes ORDER BY source_id",
    "SELECT * EXCLUDE (stock, stale_since) FROM tea.dishes ORDER BY source_id",
    "SELECT d.name, t.name FROM diner.dishes d JOIN tea.dishes t USING (source_id) ORDER BY ALL",
    f"SELECT * FROM {HISTORY} ORDER BY ALL",
    "SELECT * FROM lineage.batches ORDER BY number",
    "SELECT * FROM sync.runs ORDER BY ALL",
)


def _moments(folder: Path) -> tuple[LakeHarness, list[datetime]]:
    """A lake with syncs of two platforms, one of them late, and a moment after each sync."""
    harness, tea = LakeHarness(folder), LakeHarness(folder, diner("tea"), itertools.count(100))
    moments = []
    for on, records, hour in (
        (tea, MENU[:3], 5),
        (harness, MENU, 0),
        (harness, [{**MENU[0], "name": "Renamed", "stock": 4}, *MENU[1:7]], 10),
        (harness, [{**MENU[0], "name": "Renamed"}, *MENU[1:]], 20),
        (harness, [{**MENU[0], "name": "Once"}, *MENU[2:]], 5),
        (tea, MENU[1:4], 30),
    ):
        on.sync(records, hour)
        moments.append(datetime.now(UTC))
    tea.lake.close()
    return harness, moments


def _past(harness: LakeHarness, moment: datetime, sql: str) -> AbstractContextManager[PastLake]:
    return past_lake(harness.lake, HISTORY, TABLES, moment, sql)


def _answers(harness: LakeHarness, moment: datetime, way: str) -> list[list[tuple[Any, ...]]]:
    answers = []
    for sql in QUERIES:
        with past_lake(harness.lake, HISTORY, TABLES, moment, sql) as then:
            assert way in then.way
            answers.append(then.session.execute(sql).fetchall())
    return answers


def test_time_travel_and_replay_give_the_same_rows_at_every_moment(tmp_path: Path) -> None:
    harness, moments = _moments(tmp_path)
    # before the first sync of the diner there is no table to travel to
    looked_at = moments[1 :: 1 if is_full() else 2]
    travelled = [_answers(harness, moment, "time travel") for moment in looked_at]
    assert len({str(answers) for answers in travelled}) == len(looked_at)
    last = harness.ask("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")[0][0]
    harness.sync([{"id": 99, "name": "Later"}], hour=40, mode="incremental")
    harness.ask(f"CALL ducklake_expire_snapshots('lake', versions => range(0, {last + 1}))")
    assert [_answers(harness, moment, "replayed") for moment in looked_at] == travelled
    harness.lake.close()


def test_a_table_that_cannot_be_replayed_is_named(tmp_path: Path) -> None:
    harness = LakeHarness(tmp_path)
    harness.sync(MENU, hour=0)
    before = datetime.now(UTC)
    harness.sync([{**MENU[0], "name": "Renamed"}, *MENU[1:]], hour=1)
    last = harness.ask("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")[0][0]
    harness.ask(f"CALL ducklake_expire_snapshots('lake', versions => range(0, {last}))")
    named = pytest.raises(UsageError, match=r"quality\.scores cannot be read as of 20")
    with named, past_lake(harness.lake, HISTORY, TABLES, before, "FROM diner.dishes, quality.scores"):
        raise AssertionError("never given")
    named = pytest.raises(UsageError, match=r"write diner\.dishes; lake is the current lake")
    with named, past_lake(harness.lake, HISTORY, TABLES, before, "FROM lake.diner.dishes"):
        raise AssertionError("never given")
    with past_lake(harness.lake, HISTORY, TABLES, before, "FROM diner.dishes") as then:
        assert then.session.execute("SELECT count(*) FROM diner.dishes WHERE name = 'Renamed'").fetchall() == [(0,)]
    harness.lake.close()


def test_a_moment_before_the_first_commit_or_in_the_future_is_refused(tmp_path: Path) -> None:
    harness = LakeHarness(tmp_path)
    before = datetime.now(UTC)
    harness.sync(MENU, hour=0)
    now = datetime.now(UTC)
    for moment, problem in (
        (before, r"nothing is known of that time; the first commit is of 20\d\d-"),
        (now + timedelta(days=2), "that is in the future; it is 20"),
    ):
        named = pytest.raises(UsageError, match=problem)
        with named, past_lake(harness.lake, HISTORY, TABLES, moment, "FROM diner.dishes"):
            raise AssertionError("never given")
    end_of_today = parse_moment(day_in_hong_kong(now).isoformat())
    with past_lake(harness.lake, HISTORY, TABLES, end_of_today, "FROM diner.dishes") as then:
        assert len(then.session.execute("FROM diner.dishes").fetchall()) == len(MENU)
    harness.lake.close()


def test_a_table_that_was_not_there_yet_is_named_with_its_first_sync(tmp_path: Path) -> None:
    harness, moments = _moments(tmp_path)
    harness.ask("CREATE SCHEMA lake.unified")
    harness.ask("CREATE TABLE lake.unified.rounds (day DATE)")
    harness.sync([{"id": 99, "name": "Later"}], hour=40, mode="incremental")
    first = local_time(harness.ask("SELECT min(committed_at) FROM sync.runs WHERE platform = 'diner'")[0][0])
    problem = rf"as of 20.*: diner\.dishes was not there yet; it was first committed at {re.escape(first)}$"
    for sql in ("FROM diner.dishes", "FROM Diner.Dishes", "FROM lake.diner.dishes", "FROM tea.dishes, diner.dishes"):
        with pytest.raises(UsageError, match=f"(?i){problem}"), _past(harness, moments[0], sql):
            raise AssertionError("never given")
    with pytest.raises(UsageError, match=r"unified\.rounds was not there yet$"):
        _past(harness, moments[0], "FROM unified.rounds").__enter__()
    with _past(harness, moments[0], "FROM diner.dinner") as then, pytest.raises(duckdb.CatalogException):
        then.session.execute("FROM diner.dinner")
    last = harness.ask("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")[0][0]
    harness.ask(f"CALL ducklake_expire_snapshots('lake', versions => range(0, {last}))")
    with pytest.raises(UsageError, match=problem), _past(harness, moments[0], "FROM diner.dishes"):
        raise AssertionError("never given")
    harness.lake.close()


def test_a_lake_without_a_sync_knows_of_no_time(tmp_path: Path) -> None:
    with (
        Lake(LakeAddress(f"sqlite:{tmp_path}/catalog.sqlite", f"{tmp_path}/data", tmp_path / "temp")) as lake,
        pytest.raises(UsageError, match="nothing is known of that time; no sync is stored yet"),
        past_lake(lake, HISTORY, TABLES, datetime.now(UTC), "FROM diner.dishes"),
    ):
        raise AssertionError("never given")
