"""Any table as it was: time travel and replay tell the same."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from sync_platform.errors import UsageError
from sync_platform.lake.tracked_table import dataset_table
from sync_platform.lineage.as_of import past
from sync_platform_tests.extent import is_full
from sync_platform_tests.lake.lab import DISHES, HISTORY, Lab, diner
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


def _moments(folder: Path) -> tuple[Lab, list[datetime]]:
    """A lake with syncs of two platforms, one of them late; and a moment after each."""
    lab, tea = Lab(folder), Lab(folder, diner("tea"), itertools.count(100))
    moments = []
    for on, records, hour in (
        (tea, MENU[:3], 5),
        (lab, MENU, 0),
        (lab, [{**MENU[0], "name": "Renamed", "stock": 4}, *MENU[1:7]], 10),
        (lab, [{**MENU[0], "name": "Renamed"}, *MENU[1:]], 20),
        (lab, [{**MENU[0], "name": "Once"}, *MENU[2:]], 5),
        (tea, MENU[1:4], 30),
    ):
        on.sync(records, hour)
        moments.append(datetime.now(UTC))
    tea.lake.close()
    return lab, moments


def _answers(lab: Lab, moment: datetime, way: str) -> list[list[tuple[Any, ...]]]:
    found = []
    for sql in QUERIES:
        with past(lab.lake, HISTORY, TABLES, moment, sql) as then:
            assert way in then.way
            found.append(then.session.execute(sql).fetchall())
    return found


def test_time_travel_and_replay_tell_the_same_at_every_moment(tmp_path: Path) -> None:
    lab, moments = _moments(tmp_path)
    # before the first sync of the diner there is no table to travel to
    looked_at = moments[1 :: 1 if is_full() else 2]
    travelled = [_answers(lab, moment, "time travel") for moment in looked_at]
    assert len({str(answers) for answers in travelled}) == len(looked_at)
    last = lab.ask("SELECT max(snapshot_id) FROM ducklake_snapshots('lake')")[0][0]
    lab.sync([{"id": 99, "name": "Later"}], hour=40, mode="incremental")
    lab.ask(f"CALL ducklake_expire_snapshots('lake', versions => range(0, {last + 1}))")
    assert [_answers(lab, moment, "replayed") for moment in looked_at] == travelled
    lab.lake.close()


def test_what_cannot_be_replayed_is_named(tmp_path: Path) -> None:
    lab = Lab(tmp_path)
    lab.sync(MENU, hour=0)
    before = datetime(2020, 1, 1, tzinfo=UTC)
    named = pytest.raises(UsageError, match=r"quality\.scores cannot be read as of 2020-01-01")
    with named, past(lab.lake, HISTORY, TABLES, before, "FROM diner.dishes, quality.scores"):
        raise AssertionError("never given")
    named = pytest.raises(UsageError, match=r"write diner\.dishes, for lake is the one of now")
    with named, past(lab.lake, HISTORY, TABLES, before, "FROM lake.diner.dishes"):
        raise AssertionError("never given")
    with past(lab.lake, HISTORY, TABLES, before, "FROM diner.dishes") as then:
        assert then.session.execute("FROM diner.dishes").fetchall() == []
    lab.lake.close()
