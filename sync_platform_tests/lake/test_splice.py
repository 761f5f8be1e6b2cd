"""Observations in any order give the same history, at every moment, as observations in order of time."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.lake.retirement import ShrinkGuard
from sync_platform.lineage.change_export import ExportScope
from sync_platform.lineage.change_span import count_changes
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.received import Record
from sync_platform_tests.extent import examples, is_full
from sync_platform_tests.lake.harness import HISTORY, LakeHarness, diner

CONTENT = "source_id, name, price_hkd, content_hash, first_seen_at, last_changed_at, removed_at"
TABLE = f"{CONTENT}, stock"
"""The table has volatile columns too."""
ALWAYS_THERE = {"id": 9, "name": "House tea"}
"""A record in every list, because a list without any live row is rejected."""
numbers = itertools.count()


@dataclass(frozen=True)
class Observation:
    """One observation: its hour, its records, its mode, and True if it is complete."""

    hour: int
    records: list[Record]
    mode: str = "full"
    complete: bool = True


def _sync_all(harness: LakeHarness, observations: list[Observation], tolerance: float = 1.0) -> None:
    """Sync the observations in this order, as a new platform."""
    harness.platform = diner(f"diner{next(numbers)}", tolerance)
    for observation in observations:
        claimed = len(observation.records) + (0 if observation.complete else 1)
        harness.sync(observation.records, observation.hour, observation.mode, Gaps(claimed=claimed, pages_expected=1))
        assert harness.replay_differs() == []


WEEKS = 7 if is_full() else 5
dishes = st.fixed_dictionaries(
    {"id": st.integers(1, 4)},
    # an invalid price sends its record to quarantine
    optional={
        "name": st.sampled_from(["Tea", "茶"]),
        "price": st.sampled_from([1, 2, "?"]),
        "deleted": st.booleans(),
        "stock": st.integers(1, 9),
    },
)
lists = st.lists(dishes, max_size=4, unique_by=lambda dish: dish["id"])
kinds = st.sampled_from([("full", True), ("full", True), ("full", False), ("incremental", True)])


@settings(max_examples=examples(2), deadline=None)
@given(observations=st.lists(st.tuples(lists, kinds), min_size=2, max_size=5), data=st.data())
def test_any_observations_in_any_order_give_the_same_history_as_in_order_of_time(
    new_harness: Callable[[], LakeHarness], observations: list[Any], data: st.DataObject
) -> None:
    harness = new_harness()
    ordered = [
        Observation(hour, [*records, ALWAYS_THERE], mode, complete)
        for hour, (records, (mode, complete)) in enumerate(observations)
    ]
    _sync_all(harness, ordered)
    expected = [harness.as_of(observation.hour, CONTENT) for observation in ordered]
    table = harness.table(TABLE, live=False)
    _sync_all(harness, data.draw(st.permutations(ordered)))
    assert [harness.as_of(observation.hour, CONTENT) for observation in ordered] == expected
    assert harness.table(TABLE, live=False) == table


def test_a_row_that_ended_before_the_table_had_it_has_its_volatile_value(harness: LakeHarness) -> None:
    weeks = [
        Observation(0, [{"id": 1, "stock": 1}, {"id": 2, "stock": 1}, ALWAYS_THERE]),
        Observation(168, [{"id": 1, "stock": 2}, {"id": 3, "stock": 2}, ALWAYS_THERE]),
        Observation(336, [{"id": 3, "stock": 3}, ALWAYS_THERE]),
    ]
    for order in itertools.permutations(weeks):
        _sync_all(harness, list(order))
        found = harness.table("source_id, stock, removed_at IS NULL", live=False)
        assert found == [("1", 2, False), ("2", 1, False), ("3", 3, True), ("9", None, True)]


def test_a_row_restored_after_a_late_removal_does_not_depend_on_its_earlier_values(
    harness: LakeHarness,
) -> None:
    """The removal at hour 3 arrives late, before the change at hour 4; then the observation at hour 2 arrives."""
    observations = [
        Observation(hour, [*records, ALWAYS_THERE])
        for hour, records in enumerate(
            [
                [{"id": 2, "name": "Tea", "price": 1}],
                [{"id": 2}],
                [{"id": 2, "name": "Tea", "price": 1}],
                [],
                [{"id": 2, "name": "Tea"}],
            ]
        )
    ]
    _sync_all(harness, observations)
    expected = [harness.as_of(observation.hour, CONTENT) for observation in observations]
    _sync_all(harness, [observations[hour] for hour in (0, 1, 4, 3, 2)])
    assert [harness.as_of(observation.hour, CONTENT) for observation in observations] == expected
    columns = "operation, epoch(observed_at)::BIGINT // 3600 % 24"
    assert [row for row in harness.changes(f"entity_id, {columns}") if row[0] == "2"][-2:] == [
        ("2", "update", 18),
        ("2", "restore", 18),
    ]


def _register(weeks: int) -> list[Observation]:
    """The weeks of a register: each week 3 of 60 licences end, one returns a week later, and new ones appear."""
    every = [{"id": number, "name": f"Licence {number}"} for number in range(60 + 3 * weeks)]
    observations = []
    for week in range(weeks):
        gone = {number for number in range(3 * week) if number % 3 or number // 3 != week - 1}
        listed = [dict(record) for number, record in enumerate(every[: 60 + 3 * week]) if number not in gone]
        listed[-1]["name"] = f"Renamed in week {week}"
        observations.append(Observation(week * 168, listed))
    return observations


@settings(max_examples=examples(1), deadline=None)
@given(order=st.permutations(range(WEEKS)).filter(lambda order: order != sorted(order)))
def test_weeks_of_a_register_backfilled_in_any_order_give_the_same_history_under_the_guard(
    new_harness: Callable[[], LakeHarness], order: list[int]
) -> None:
    """Distant weeks differ by more than the tolerance: the guard rejects some lists first and evaluates them again."""
    harness, observations = new_harness(), _register(WEEKS)
    _sync_all(harness, observations, tolerance=0.02)
    assert harness.ask(
        f"SELECT count(*) FROM sync.runs WHERE platform = '{harness.platform.name}' AND status <> 'complete'"
    ) == [(0,)]
    expected = [harness.as_of(observation.hour, CONTENT) for observation in observations]
    _sync_all(harness, [observations[week] for week in order], tolerance=0.02)
    assert [harness.as_of(observation.hour, CONTENT) for observation in observations] == expected


def test_what_was_known_before_a_backfill_can_still_be_read(harness: LakeHarness) -> None:
    harness.sync([{"id": 1, "name": "New name"}], hour=10)
    before_backfill = datetime.now(UTC)
    harness.sync([{"id": 1, "name": "Old name"}, {"id": 2}], hour=5)
    assert harness.as_of(6, "source_id, name") == [("1", "Old name"), ("2", None)]
    assert harness.as_of(6, "source_id, name", known_before=before_backfill) == []
    assert harness.as_of(11, "source_id, name", known_before=before_backfill) == [("1", "New name")]


def test_a_rejected_list_may_retire_rows_once_earlier_data_arrives(harness: LakeHarness) -> None:
    menu = [{"id": number} for number in range(20)]
    harness.platform = diner(tolerance=0.05)
    harness.sync(menu, hour=0)
    refused = harness.sync(menu[6:], hour=20)
    assert (refused.record.status, refused.record.not_retired, len(harness.table())) == ("degraded", 6, 20)
    assert refused.not_retired == ["0", "1", "2", "3", "4", "5"]
    harness.sync(menu[3:], hour=10)
    assert [row[0] for row in harness.as_of(10, "source_id") if int(row[0]) < 3] == ["0", "1", "2"]
    assert len(harness.table()) == 14
    last_word = harness.ask(
        f"SELECT status, reasons[1] FROM sync.runs WHERE sync_id = '{refused.record.sync_id}' "
        "ORDER BY committed_at DESC LIMIT 1"
    )[0]
    assert last_word[0] == "complete"
    assert "evaluated again after" in last_word[1]
    assert harness.replay_differs() == []


def test_an_accepted_list_stays_accepted_when_earlier_data_arrives(harness: LakeHarness) -> None:
    harness.platform = diner(tolerance=0.2)
    harness.sync([{"id": 1}, {"id": 2}], hour=0)
    harness.sync([{"id": 1}, {"id": 2}], hour=10)
    present = harness.table("source_id, name, removed_at", live=False)
    harness.sync([{"id": number} for number in range(1, 9)], hour=5)
    assert harness.table() == [("1", None), ("2", None)]
    assert [row for row in harness.table("source_id, name, removed_at", live=False) if row[0] in ("1", "2")] == present


def test_a_splice_reports_when_the_landing_of_a_later_sync_is_gone(harness: LakeHarness) -> None:
    harness.sync([{"id": 1, "name": "a"}, {"id": 2}], hour=0)
    later = harness.land([{"id": 1, "name": "a"}], hour=20, mode="incremental")
    harness.commit(later)
    harness.store.delete(later.manifest.key)
    record = harness.sync([{"id": 1, "name": "b"}, {"id": 2}], hour=10).record
    assert record.status == "degraded"
    assert f"the landing of sync {later.manifest.sync_id} is gone" in record.reasons[0]


def test_an_operator_accepts_a_real_shrink_and_the_reason_is_recorded(harness: LakeHarness, tmp_path: Path) -> None:
    menu = [{"id": number} for number in range(20)]
    harness.platform = diner(tolerance=0.1)
    harness.sync(menu, hour=0)
    refused = harness.sync(menu[10:], hour=1)
    assert refused.record.status == "degraded"
    assert "--accept-shrink" in refused.record.reasons[0]
    listed = harness.ask("SELECT source_id FROM sync.not_retired ORDER BY source_id::INT")
    assert listed == [(str(number),) for number in range(10)]
    accepted = harness.sync(menu[10:], hour=2, guard=ShrinkGuard(accepted="half of the menu was dropped"))
    assert (accepted.record.status, accepted.record.removed) == ("complete", 10)
    assert accepted.record.shrink_accepted == "half of the menu was dropped"
    assert harness.sync(menu[11:], hour=3, guard=ShrinkGuard(accepted="for nothing")).record.shrink_accepted is None


def test_accepting_a_shrink_does_not_accept_a_list_with_missing_pages(harness: LakeHarness) -> None:
    harness.sync([{"id": 1}, {"id": 2}], hour=0)
    record = harness.sync(
        [{"id": 1}], hour=1, gaps=Gaps(pages_expected=2), guard=ShrinkGuard(accepted="it closed")
    ).record
    assert (record.status, record.removed, record.shrink_accepted) == ("degraded", 0, None)


def test_the_tolerance_of_the_operator_replaces_that_of_the_platform(harness: LakeHarness) -> None:
    menu = [{"id": number} for number in range(20)]
    harness.platform = diner(tolerance=0.1)
    harness.sync(menu, hour=0)
    assert harness.sync(menu[10:], hour=1, guard=ShrinkGuard(tolerance=0.5)).record.removed == 10
    assert harness.sync(menu[14:], hour=2, guard=ShrinkGuard(tolerance=0.0)).record.status == "degraded"


def test_commits_follow_each_other_even_where_a_clock_was_set_back(
    harness: LakeHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.sync([{"id": 1, "name": "a"}], hour=0)
    first = harness.ask("SELECT max(committed_at) FROM sync.runs")[0][0]

    class Slow(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(2020, 1, 1, tzinfo=tz)

    monkeypatch.setattr("sync_platform.lake.commit.datetime", Slow)
    assert harness.sync([{"id": 1, "name": "b"}], hour=1).record.committed_at > first


def test_a_record_that_a_late_sync_shows_is_new_only_if_no_sync_had_shown_it(harness: LakeHarness) -> None:
    harness.sync([{"id": 1, "name": "Tea"}, {"id": 2, "name": "Soup"}], hour=9)
    harness.sync([{"id": 1, "name": "Tea"}], hour=10)
    returned = harness.sync([{"id": 1, "name": "Tea"}, {"id": 2, "name": "Soup"}], hour=11).record
    assert (returned.new, returned.inserted, returned.restored) == (0, 0, 1)
    late = harness.sync([{"id": 1, "name": "Tea"}, {"id": 2, "name": "Soup"}, {"id": 3}], hour=1).record
    assert (late.inserted, late.already_known, late.new) == (3, 2, 1)
    with harness.lake.session() as session:
        (counts,) = count_changes(session, HISTORY, ExportScope(None, None, None))
    assert (counts.new, counts.already_known) == (3, 2)
