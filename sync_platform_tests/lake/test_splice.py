"""Observations may arrive in any order: at every moment the history reads as if they had come in order of time."""

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

from sync_platform.lake.retirement import Guard
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.received import Record
from sync_platform_tests.extent import examples, is_full
from sync_platform_tests.lake.lab import Lab, diner

CONTENT = "source_id, name, price_hkd, content_hash, first_seen_at, last_changed_at, removed_at"
ALWAYS_THERE = {"id": 9, "name": "House tea"}
"""In every list: a list that shows none of the live rows is refused, which would be another matter."""
numbers = itertools.count()


@dataclass(frozen=True)
class Look:
    """One observation: its hour, its records, and what kind it is."""

    hour: int
    records: list[Record]
    mode: str = "full"
    complete: bool = True


def _take_in(lab: Lab, looks: list[Look], tolerance: float = 1.0) -> None:
    """Take the observations in, in this order, as a platform of its own."""
    lab.platform = diner(f"diner{next(numbers)}", tolerance)
    for look in looks:
        claimed = len(look.records) + (0 if look.complete else 1)
        lab.sync(look.records, look.hour, look.mode, Gaps(claimed=claimed, pages_expected=1))
        assert lab.replay_differs() == []


WEEKS = 7 if is_full() else 5
dishes = st.fixed_dictionaries(
    {"id": st.integers(1, 4)},
    # a price that is none sends its record to quarantine
    optional={"name": st.sampled_from(["Tea", "茶"]), "price": st.sampled_from([1, 2, "?"]), "deleted": st.booleans()},
)
lists = st.lists(dishes, max_size=4, unique_by=lambda dish: dish["id"])
kinds = st.sampled_from([("full", True), ("full", True), ("full", False), ("incremental", True)])


@settings(max_examples=examples(3), deadline=None)
@given(looks=st.lists(st.tuples(lists, kinds), min_size=2, max_size=5), data=st.data())
def test_any_observations_in_any_order_read_as_if_taken_in_in_order_of_time(
    new_lab: Callable[[], Lab], looks: list[Any], data: st.DataObject
) -> None:
    lab = new_lab()
    ordered = [
        Look(hour, [*records, ALWAYS_THERE], mode, complete) for hour, (records, (mode, complete)) in enumerate(looks)
    ]
    _take_in(lab, ordered)
    expected = [lab.as_of(look.hour, CONTENT) for look in ordered]
    table = lab.table(CONTENT, live=False)
    _take_in(lab, data.draw(st.permutations(ordered)))
    assert [lab.as_of(look.hour, CONTENT) for look in ordered] == expected
    assert lab.table(CONTENT, live=False) == table


def test_a_row_shown_again_after_a_removal_found_late_does_not_depend_on_what_it_was_before(lab: Lab) -> None:
    """The removal at 3 was found late, so that the change at 4 follows on it; then more of the time before is found."""
    looks = [
        Look(hour, [*records, ALWAYS_THERE])
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
    _take_in(lab, looks)
    expected = [lab.as_of(look.hour, CONTENT) for look in looks]
    _take_in(lab, [looks[hour] for hour in (0, 1, 4, 3, 2)])
    assert [lab.as_of(look.hour, CONTENT) for look in looks] == expected
    told = "operation, epoch(observed_at)::BIGINT // 3600 % 24"
    assert [row for row in lab.changes(f"entity_id, {told}") if row[0] == "2"][-2:] == [
        ("2", "update", 18),
        ("2", "restore", 18),
    ]


def _register(weeks: int) -> list[Look]:
    """A register's weeks: 3 of 60 licences leave each week, one comes back a week later, new ones come."""
    every = [{"id": number, "name": f"Licence {number}"} for number in range(60 + 3 * weeks)]
    looks = []
    for week in range(weeks):
        gone = {number for number in range(3 * week) if number % 3 or number // 3 != week - 1}
        listed = [dict(record) for number, record in enumerate(every[: 60 + 3 * week]) if number not in gone]
        listed[-1]["name"] = f"Renamed in week {week}"
        looks.append(Look(week * 168, listed))
    return looks


@settings(max_examples=examples(1), deadline=None)
@given(order=st.permutations(range(WEEKS)).filter(lambda order: order != sorted(order)))
def test_weeks_of_a_register_backfilled_in_any_order_under_the_guard_read_as_if_in_order(
    new_lab: Callable[[], Lab], order: list[int]
) -> None:
    """Far weeks differ by more than the tolerance: what the guard rejected at first is evaluated again."""
    lab, looks = new_lab(), _register(WEEKS)
    _take_in(lab, looks, tolerance=0.1)
    assert lab.ask(
        f"SELECT count(*) FROM sync.runs WHERE platform = '{lab.platform.name}' AND status <> 'complete'"
    ) == [(0,)]
    expected = [lab.as_of(look.hour, CONTENT) for look in looks]
    _take_in(lab, [looks[week] for week in order], tolerance=0.1)
    assert [lab.as_of(look.hour, CONTENT) for look in looks] == expected


def test_what_was_known_then_stays_answerable_after_a_backfill(lab: Lab) -> None:
    lab.sync([{"id": 1, "name": "New name"}], hour=10)
    before_backfill = datetime.now(UTC)
    lab.sync([{"id": 1, "name": "Old name"}, {"id": 2}], hour=5)
    assert lab.as_of(6, "source_id, name") == [("1", "Old name"), ("2", None)]
    assert lab.as_of(6, "source_id, name", known_before=before_backfill) == []
    assert lab.as_of(11, "source_id, name", known_before=before_backfill) == [("1", "New name")]


def test_a_list_that_was_refused_may_retire_once_the_time_before_it_is_known(lab: Lab) -> None:
    menu = [{"id": number} for number in range(20)]
    lab.platform = diner(tolerance=0.2)
    lab.sync(menu, hour=0)
    refused = lab.sync(menu[6:], hour=20)
    assert (refused.record.status, refused.record.not_retired, len(lab.table())) == ("degraded", 6, 20)
    assert refused.not_retired == ["0", "1", "2", "3", "4", "5"]
    lab.sync(menu[3:], hour=10)
    assert [row[0] for row in lab.as_of(10, "source_id") if int(row[0]) < 3] == ["0", "1", "2"]
    assert len(lab.table()) == 14
    last_word = lab.ask(
        f"SELECT status, reasons[1] FROM sync.runs WHERE sync_id = '{refused.record.sync_id}' "
        "ORDER BY committed_at DESC LIMIT 1"
    )[0]
    assert last_word[0] == "complete"
    assert "evaluated again after" in last_word[1]
    assert lab.replay_differs() == []


def test_a_list_once_accepted_keeps_its_word_whatever_is_learned_of_the_time_before(lab: Lab) -> None:
    lab.platform = diner(tolerance=0.2)
    lab.sync([{"id": 1}, {"id": 2}], hour=0)
    lab.sync([{"id": 1}, {"id": 2}], hour=10)
    present = lab.table("source_id, name, removed_at", live=False)
    lab.sync([{"id": number} for number in range(1, 9)], hour=5)
    assert lab.table() == [("1", None), ("2", None)]
    assert [row for row in lab.table("source_id, name, removed_at", live=False) if row[0] in ("1", "2")] == present


def test_where_the_landing_of_what_follows_is_gone_the_splice_says_so(lab: Lab) -> None:
    lab.sync([{"id": 1, "name": "a"}, {"id": 2}], hour=0)
    later = lab.land([{"id": 1, "name": "a"}], hour=20, mode="incremental")
    lab.commit(later)
    lab.store.delete(later.manifest.key)
    record = lab.sync([{"id": 1, "name": "b"}, {"id": 2}], hour=10).record
    assert record.status == "degraded"
    assert f"the landing of sync {later.manifest.sync_id} is gone" in record.reasons[0]


def test_an_operator_accepts_a_real_shrink_and_the_reason_stands_in_the_record(lab: Lab, tmp_path: Path) -> None:
    menu = [{"id": number} for number in range(20)]
    lab.platform = diner(tolerance=0.1)
    lab.sync(menu, hour=0)
    refused = lab.sync(menu[10:], hour=1)
    assert refused.record.status == "degraded"
    assert "--accept-shrink" in refused.record.reasons[0]
    listed = lab.ask("SELECT source_id FROM sync.not_retired ORDER BY source_id::INT")
    assert listed == [(str(number),) for number in range(10)]
    accepted = lab.sync(menu[10:], hour=2, guard=Guard(accepted="half of the menu was dropped"))
    assert (accepted.record.status, accepted.record.removed) == ("complete", 10)
    assert accepted.record.shrink_accepted == "half of the menu was dropped"
    assert lab.sync(menu[11:], hour=3, guard=Guard(accepted="for nothing")).record.shrink_accepted is None


def test_accepting_a_shrink_is_no_cure_for_a_list_with_pages_missing(lab: Lab) -> None:
    lab.sync([{"id": 1}, {"id": 2}], hour=0)
    record = lab.sync([{"id": 1}], hour=1, gaps=Gaps(pages_expected=2), guard=Guard(accepted="so be it")).record
    assert (record.status, record.removed, record.shrink_accepted) == ("degraded", 0, None)


def test_the_operators_tolerance_counts_in_place_of_the_platforms(lab: Lab) -> None:
    menu = [{"id": number} for number in range(20)]
    lab.platform = diner(tolerance=0.1)
    lab.sync(menu, hour=0)
    assert lab.sync(menu[10:], hour=1, guard=Guard(tolerance=0.5)).record.removed == 10
    assert lab.sync(menu[14:], hour=2, guard=Guard(tolerance=0.0)).record.status == "degraded"


def test_commits_follow_each_other_even_where_a_clock_was_set_back(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lab.sync([{"id": 1, "name": "a"}], hour=0)
    first = lab.ask("SELECT max(committed_at) FROM sync.runs")[0][0]

    class Slow(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:
            return datetime(2020, 1, 1, tzinfo=tz)

    monkeypatch.setattr("sync_platform.lake.commit.datetime", Slow)
    assert lab.sync([{"id": 1, "name": "b"}], hour=1).record.committed_at > first
