"""A source that lists only a window of days: what leaves the window is past, and only what is inside can be removed."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from sync_platform.sources.declaration import Window
from sync_platform.sources.gaps import Gaps
from sync_platform_tests.extent import only_in_full

from .harness import DISHES, LakeHarness, diner

TODAY = date(2026, 9, 21)
"""The day of hour 0 of the harness, in Hong Kong."""
GONE = "source_id, removed_at IS NOT NULL, is_past"
LIVE, PAST, REMOVED = (False, None), (True, True), (True, None)
numbers = itertools.count(1)


@pytest.fixture
def harness(harness: LakeHarness) -> LakeHarness:
    """A diner that lists the dishes of the coming days and of the five days before."""
    harness.platform = diner(
        f"window{next(numbers)}", tolerance=0.0, dataset=replace(DISHES, window=Window("since", days=5))
    )
    return harness


def dishes(*days_ago: int) -> list[dict[str, Any]]:
    """One dish for each day, with the number of days as its name; a later observation shows the same dishes."""
    return [
        {"id": number, "name": f"{days} days ago", "since": (TODAY - timedelta(days=days)).isoformat()}
        for number, days in enumerate(days_ago)
    ]


def states(harness: LakeHarness) -> list[tuple[bool, bool | None]]:
    return [state[1:] for state in harness.table(GONE, live=False)]


def test_a_row_that_leaves_the_window_is_past_and_one_that_leaves_the_list_inside_it_is_removed(
    harness: LakeHarness,
) -> None:
    harness.sync(dishes(4, 2, 1, -3), hour=0)
    record = harness.sync(dishes(4, 2, 1, -3)[1:3], hour=24).record
    assert (record.past, record.removed, record.changes, record.status) == (1, 1, 2, "complete")
    assert states(harness) == [PAST, LIVE, LIVE, REMOVED]
    assert harness.changes("operation, entity_id")[4:] == [("expire", "0"), ("remove", "3")]
    assert harness.replay_differs() == []


def test_rows_that_are_past_do_not_count_for_the_shrink_guard_and_those_inside_the_window_do(
    harness: LakeHarness,
) -> None:
    menu = dishes(5, 4, 3, 2, 1, 0, -1, -2, -3, -4)
    harness.sync(menu, hour=0)
    record = harness.sync(menu[4:], hour=48).record
    assert (record.past, record.removed, record.not_retired, record.status) == (3, 1, 0, "complete")
    record = harness.sync(menu[8:], hour=49).record
    assert (record.past, record.removed, record.not_retired, record.status) == (0, 0, 4, "degraded")
    assert "4 of 6 live rows" in record.reasons[0]


def test_a_whole_window_that_has_gone_by_is_past_and_its_list_is_complete(harness: LakeHarness) -> None:
    harness.sync(dishes(3, 2, 1), hour=0)
    record = harness.sync([{"id": 9, "since": "2026-10-20"}], hour=30 * 24).record
    assert (record.past, record.inserted, record.status) == (3, 1, "complete")


def test_an_empty_list_says_nothing_of_the_first_day_of_the_window(harness: LakeHarness) -> None:
    harness.sync(dishes(5, 4, 4), hour=0)
    record = harness.sync([], hour=24).record
    assert (record.past, record.removed, record.not_retired, record.status) == (1, 0, 2, "degraded")
    record = harness.sync([], hour=48).record
    assert (record.past, record.not_retired, record.status) == (2, 0, "complete")


def test_an_incomplete_list_ends_what_is_past_and_removes_nothing(harness: LakeHarness) -> None:
    harness.sync(dishes(5, 1), hour=0)
    record = harness.sync([], hour=24, gaps=Gaps(pages_expected=2)).record
    assert (record.past, record.removed, record.not_retired) == (1, 0, 1)
    assert states(harness) == [PAST, LIVE]


def test_a_listed_row_is_live_whatever_its_day_and_a_past_row_that_is_listed_again_is_restored(
    harness: LakeHarness,
) -> None:
    menu = dishes(9, 1)
    harness.sync(menu, hour=0)
    assert states(harness) == [LIVE, LIVE]
    harness.sync(menu[1:], hour=1)
    assert states(harness) == [PAST, LIVE]
    record = harness.sync(menu, hour=2).record
    assert (record.restored, record.unchanged) == (1, 1)
    assert states(harness) == [LIVE, LIVE]
    assert harness.replay_differs() == []


def test_the_day_of_a_sandbox_with_a_fixed_date_counts_and_not_the_day_of_the_sync(harness: LakeHarness) -> None:
    harness.sync(dishes(4, 1), hour=0)
    landed = harness.land(dishes(4, 1)[1:], hour=1)
    landed.manifest.day = TODAY + timedelta(days=2)
    record = harness.commit(landed).record
    assert (record.past, record.removed) == (1, 0)


def test_a_row_without_a_day_is_never_past(harness: LakeHarness) -> None:
    harness.sync([{"id": 1}, *dishes(0)], hour=0)
    record = harness.sync(dishes(0), hour=24).record
    assert (record.past, record.removed) == (0, 1)


def test_a_time_belongs_to_its_day_in_hong_kong(harness: LakeHarness) -> None:
    harness.platform = diner(
        f"window{next(numbers)}", dataset=replace(DISHES, window=Window("updated_at"), cursor=None)
    )
    late, early = "2026-09-21T23:30:00+08:00", "2026-09-22T00:30:00+08:00"  # both are the 21st in UTC
    assert {datetime.fromisoformat(moment).astimezone(UTC).day for moment in (late, early)} == {21}
    harness.sync([{"id": 1, "updated_at": late}, {"id": 2, "updated_at": early}, {"id": 3}], hour=0)
    harness.sync([{"id": 3}], hour=0.5)
    assert states(harness) == [PAST, REMOVED, LIVE]


@pytest.mark.parametrize(
    "order", [(0, 1, 2), (2, 1, 0), *map(only_in_full, [(0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1)])]
)
def test_observations_in_any_order_end_the_same_rows_at_the_same_times(
    harness: LakeHarness, order: tuple[int, ...]
) -> None:
    menu = dishes(5, 3, -2, -3)
    seen = [(0, menu), (24, menu[1:3]), (96, menu[2:])]
    harness.platform = diner(harness.platform.name, tolerance=1.0, dataset=harness.platform.datasets[0])
    for at in order:
        harness.sync(seen[at][1], hour=seen[at][0])
    hour = "((epoch(removed_at) - 1790000000) / 3600)::INT"
    assert harness.table(f"{GONE}, {hour}", live=False) == [
        ("0", *PAST, 24),
        ("1", *PAST, 96),
        ("2", *LIVE, None),
        ("3", *LIVE, None),
    ]
    assert harness.replay_differs() == []
