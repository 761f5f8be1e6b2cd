"""The history alone gives the table, at any moment and with observations in any order."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.lake.replay import replay
from sync_platform.sources.gaps import Gaps
from sync_platform.storage.temporary_tables import TemporaryTables
from sync_platform_tests.extent import examples
from sync_platform_tests.lake.harness import HISTORY, LakeHarness, diner

MENU = [{"id": number, "name": f"Dish {number}"} for number in range(1, 5)]


def test_the_table_can_be_seen_as_it_was(harness: LakeHarness) -> None:
    first = harness.sync(MENU[:2], hour=0).record.observed_at
    harness.sync([{**MENU[0], "name": "Renamed"}, *MENU[1:3]], hour=5)
    with harness.lake.session() as session:
        then = replay(TemporaryTables(session), HISTORY, harness.tracked, until=first + timedelta(hours=1))
        assert session.execute(f"SELECT source_id, name FROM {then} ORDER BY 1").fetchall() == [
            ("1", "Dish 1"),
            ("2", "Dish 2"),
        ]


def test_an_older_observation_is_spliced_in_and_the_present_stays(harness: LakeHarness) -> None:
    harness.sync(MENU[:3], hour=10)
    before = harness.table()
    record = harness.sync([{**MENU[0], "name": "Old name"}, MENU[1], MENU[3]], hour=2).record
    assert record.inserted == 3
    assert harness.table() == before
    assert harness.changes() == [
        ("insert", "1"),
        ("insert", "2"),
        ("insert", "4"),
        ("insert", "1"),
        ("insert", "2"),
        ("insert", "3"),
        ("remove", "4"),
    ]
    assert harness.table("source_id, first_seen_at < last_changed_at")[0] == ("1", True)
    assert harness.replay_differs() == []


def test_an_observation_between_two_others_changes_only_the_time_between(harness: LakeHarness) -> None:
    early = harness.sync(MENU[:2], hour=0).record.observed_at
    harness.sync(MENU[:2], hour=10)
    changes = harness.changes("operation, entity_id, observed_at")
    harness.sync([{**MENU[0], "name": "Briefly"}, MENU[1]], hour=5)
    assert harness.table() == [("1", "Dish 1"), ("2", "Dish 2")]
    added = [row for row in harness.changes("operation, entity_id, observed_at") if row not in changes]
    assert [(operation, entity, (at - early).total_seconds() / 3600) for operation, entity, at in added] == [
        ("update", "1", 5.0),
        ("update", "1", 10.0),
    ]
    assert harness.replay_differs() == []


dishes = st.fixed_dictionaries(
    {"id": st.integers(1, 5)},
    optional={
        "name": st.sampled_from(["Tea", "茶", 'a "quote" and a \\ slash\n', "{}", ""]) | st.none(),
        "price": st.sampled_from([1, 9.99, 1234567.1]),
        "rating": st.floats(allow_nan=False, allow_infinity=False) | st.none(),
        "tags": st.lists(st.sampled_from(["a", "b,c", "d'e"]), max_size=2),
        "since": st.sampled_from(["1999-12-31", "2026-02-28"]),
        "sold_out": st.booleans(),
        "updated_at": st.sampled_from(["2026-09-01T00:00:00Z", "2026-09-02T12:34:56.789012+08:00"]),
        "stock": st.integers(-5, 5),
        "deleted": st.booleans(),
    },
)
steps = st.lists(
    st.tuples(
        st.lists(dishes, max_size=5, unique_by=lambda dish: dish["id"]),
        st.integers(0, 30),
        st.sampled_from(["full", "full", "incremental"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
)
numbers = itertools.count()


@settings(max_examples=examples(4), deadline=None)
@given(steps=steps)
def test_replay_reproduces_the_table_after_any_syncs_in_any_order(
    new_harness: Callable[[], LakeHarness], steps: list[Any]
) -> None:
    harness = new_harness()
    harness.platform = diner(f"diner{next(numbers)}", tolerance=1.0)
    for records, hour, mode, complete in steps:
        gaps = Gaps(claimed=len(records) + (0 if complete else 1), pages_expected=1)
        harness.sync(records, hour, mode, gaps)
        assert harness.replay_differs() == []


@settings(max_examples=examples(3), deadline=None)
@given(lists=st.lists(st.lists(dishes, min_size=1, max_size=5, unique_by=lambda d: d["id"]), min_size=1, max_size=5))
def test_after_complete_full_syncs_the_live_rows_are_exactly_the_last_list(
    new_harness: Callable[[], LakeHarness], lists: list[Any]
) -> None:
    harness = new_harness()
    harness.platform = diner(f"diner{next(numbers)}", tolerance=1.0)
    for hour, records in enumerate(lists):
        live_before = {row[0] for row in harness.table("source_id")} if hour else set()
        harness.sync(records, hour)
        listed = {str(dish["id"]) for dish in records if not dish.get("deleted")}
        seen = {str(dish["id"]) for dish in records}
        # a list without any live row does not prove that all of them are gone
        spared = live_before if live_before and not live_before & seen else set()
        assert {row[0] for row in harness.table("source_id")} == listed | spared
