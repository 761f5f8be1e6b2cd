"""A source that serves an older list than before: the sync reports it, and changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from sync_platform_tests.lake.harness import DISHES, LakeHarness, diner

MENU = replace(DISHES, volatile=frozenset({"stock", "since"}), generation="since", cursor=None)


@pytest.fixture
def register(tmp_path: Path, installation: dict[str, str]) -> Iterator[LakeHarness]:
    harness = LakeHarness(tmp_path, platform=diner("diner", 0.9, MENU))
    yield harness
    harness.lake.close()


def listed(day: int, *names: str) -> list[dict[str, Any]]:
    """A list made on that day of September 2026; the first letter of a name is its dish."""
    return [{"id": ord(name[0]), "name": name, "since": f"2026-09-{day:02d}"} for name in names]


def names(harness: LakeHarness) -> list[str]:
    return [name for (name,) in harness.table("name")]


def test_an_older_list_changes_nothing_and_is_told(register: LakeHarness) -> None:
    register.sync(listed(18, "a", "b"), hour=0)
    register.sync(listed(20, "a2", "c"), hour=1)
    table, changes = register.table("*", live=False), register.changes("*")
    record = register.sync(listed(18, "a", "b"), hour=2).record
    assert record.status == "degraded"
    assert record.is_outdated
    assert record.reasons == [
        "the source sent an older list than before, of 2026-09-18 after 2026-09-20: nothing was changed"
    ]
    assert (record.changes, record.unchanged, record.not_retired) == (0, 2, 0)
    assert (register.table("*", live=False), register.changes("*")) == (table, changes)
    record = register.sync(listed(21, "a2", "c"), hour=3).record
    assert (record.status, record.changes, record.unchanged) == ("complete", 0, 2)
    assert register.replay_differs() == []


def test_a_list_of_the_same_day_is_unchanged_or_newer(register: LakeHarness) -> None:
    register.sync(listed(20, "a", "b"), hour=0)
    record = register.sync(listed(20, "a", "b"), hour=1).record
    assert (record.status, record.changes) == ("complete", 0)
    assert register.sync(listed(20, "a", "c"), hour=2).record.status == "complete"
    assert names(register) == ["a", "c"]


def test_a_list_in_two_files_is_as_old_as_the_older_one(register: LakeHarness) -> None:
    register.sync(listed(20, "a", "b"), hour=0)
    assert register.sync(listed(21, "a2") + listed(19, "b2"), hour=1).record.is_outdated
    assert not register.sync(listed(21, "a2") + listed(20, "b2"), hour=2).record.is_outdated
    assert names(register) == ["a2", "b2"]


def test_an_older_period_that_arrives_late_goes_into_the_history(register: LakeHarness) -> None:
    register.sync(listed(20, "a2", "c"), hour=4)
    assert register.sync(listed(18, "a2"), hour=5).record.is_outdated
    record = register.sync(listed(18, "a", "b"), hour=2).record
    assert (record.status, record.is_outdated) == ("complete", False)
    assert register.sync(listed(17, "z"), hour=3).record.is_outdated
    assert register.as_of(3.5, "name") == [("a",), ("b",)]
    assert names(register) == ["a2", "c"]
    assert register.replay_differs() == []


def test_a_day_in_the_future_makes_no_later_list_look_old(register: LakeHarness) -> None:
    register.sync([{**dish, "since": "2062-01-01"} for dish in listed(1, "a")], hour=0)
    record = register.sync(listed(20, "b"), hour=1).record
    assert not record.is_outdated
    assert record.generation is not None
    assert record.inserted == 1


def test_a_day_in_the_future_that_was_stored_makes_no_later_list_look_old(register: LakeHarness) -> None:
    register.sync(listed(20, "a"), hour=0)
    register.ask("UPDATE lake.sync.runs SET generation = DATE '2062-01-01'")
    assert not register.sync(listed(20, "b"), hour=1).record.is_outdated


def test_the_rows_of_a_lake_that_recorded_no_generations_show_the_newest(register: LakeHarness) -> None:
    register.sync(listed(20, "a", "b"), hour=0)
    register.ask("UPDATE lake.sync.runs SET generation = NULL")
    assert register.sync(listed(18, "a", "z"), hour=1).record.is_outdated
    assert not register.sync(listed(21, "a", "b"), hour=2).record.is_outdated
