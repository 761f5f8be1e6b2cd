"""Rows are retired by part: an incomplete list retires what is gone from the parts that it read whole, nothing else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.lake.retirement import ShrinkGuard
from sync_platform.landing.manifest import find_manifest
from sync_platform.landing.reader import LandedDataset
from sync_platform.sources.gaps import Gaps, Parts
from sync_platform.sources.received import Record
from sync_platform_tests.extent import examples
from sync_platform_tests.lake.harness import DISHES, LakeHarness, diner
from sync_platform_tests.lake.test_splice import ALWAYS_THERE, CONTENT, numbers

BY_SHOP = replace(DISHES, part="name")
"""Dishes that are listed per shop: for these tests the name of a dish is the name of its shop."""
SHOPS = ("A", "B", "C")


def menu(**dishes: int) -> list[Record]:
    """So many dishes of each shop, each with an id of its own."""
    return [
        {"id": 1_000 * at + number, "name": shop}
        for at, (shop, count) in enumerate(dishes.items(), 1)
        for number in range(count)
    ]


def without(records: list[Record], *ids: int) -> list[Record]:
    return [record for record in records if record["id"] not in ids]


def gaps_of(unread: set[str], read: set[str] | None = None) -> Gaps:
    """The gaps of a list whose unread parts are known; without `read` every other part was read."""
    parts = Parts(set(read or ()), set(unread), are_all_known=read is None)
    return Gaps(pages_expected=1, part_findings=[f"{shop}: it lists nothing" for shop in sorted(unread)], parts=parts)


@pytest.fixture
def by_shop(harness: LakeHarness) -> LakeHarness:
    harness.platform = diner(tolerance=0.5, dataset=BY_SHOP)
    return harness


@pytest.mark.parametrize("read", [None, {"A"}], ids=["all other parts", "one part"])
def test_a_part_read_whole_loses_what_it_does_not_list_and_an_unread_part_loses_nothing(
    by_shop: LakeHarness, read: set[str] | None
) -> None:
    dishes = menu(A=3, B=3)
    by_shop.sync(dishes, hour=0)
    outcome = by_shop.sync(without(dishes, 1000, 2000), hour=1, gaps=gaps_of({"B"}, read))
    record = outcome.record
    assert (record.status, record.removed, record.not_retired, record.list_complete) == ("degraded", 1, 1, False)
    assert (record.reasons, outcome.not_retired) == (["B: it lists nothing"], ["2000"])
    assert by_shop.table("source_id", live=False)[0] == ("1000",)
    assert by_shop.ask("SELECT source_id FROM sync.not_retired") == [("2000",)]
    assert by_shop.replay_differs() == []
    assert by_shop.sync(without(dishes, 1000, 2000), hour=2).record.removed == 1


def test_rows_of_a_part_that_the_list_does_not_know_stay_unless_all_parts_are_known(by_shop: LakeHarness) -> None:
    dishes = [*menu(A=3, B=1, C=1), {"id": 9, "name": None}]
    by_shop.sync(dishes, hour=0)
    assert by_shop.sync(menu(A=3), hour=1, gaps=gaps_of({"B"}, {"A"})).record.removed == 0
    assert by_shop.sync(menu(A=3), hour=2, gaps=gaps_of({"B"})).record.removed == 1
    assert by_shop.table("source_id") == [("1000",), ("1001",), ("1002",), ("2000",), ("9",)]


def test_the_shrink_guard_looks_at_all_parts_together(by_shop: LakeHarness) -> None:
    dishes = menu(A=5, B=95)
    by_shop.sync(dishes, hour=0)
    gaps, guard = gaps_of({"C"}), ShrinkGuard(tolerance=0.1)
    assert by_shop.sync(dishes[5:], hour=1, gaps=gaps, guard=guard).record.removed == 5
    record = by_shop.sync(dishes[5:75], hour=2, gaps=gaps, guard=guard).record
    assert (record.removed, record.not_retired, record.shrink_rejected) == (0, 25, True)
    assert record.reasons[0].startswith("25 of 95 live rows")


def test_a_record_without_a_readable_id_keeps_the_rows_of_every_part(by_shop: LakeHarness) -> None:
    dishes = menu(A=3, B=3)
    by_shop.sync(dishes, hour=0)
    record = by_shop.sync([*without(dishes, 1000), {"name": "A"}], hour=1, gaps=gaps_of({"B"})).record
    assert (record.removed, record.not_retired, record.gaps) == (0, 1, [])


def test_one_gap_in_1322_shops_is_told_and_leaves_the_sync_complete(by_shop: LakeHarness) -> None:
    dishes = menu(**{f"shop {number}": 2 for number in range(1_322)})
    by_shop.sync(dishes, hour=0)
    names = {f"shop {number}" for number in range(1, 1_322)}
    gone = without(dishes, 1000, 1001, 5000)
    record = by_shop.sync(gone, hour=1, gaps=gaps_of({"shop 0"}, names)).record
    assert (record.status, record.reasons, record.gaps) == ("complete", [], ["shop 0: it lists nothing"])
    assert (record.removed, record.not_retired, record.list_complete) == (1, 2, False)
    few = names - {f"shop {number}" for number in range(14)}
    record = by_shop.sync(gone, hour=2, gaps=gaps_of({f"shop {number}" for number in range(14)}, few)).record
    assert (record.status, record.gaps, len(record.reasons)) == ("degraded", [], 14)


def test_a_sync_with_gaps_does_not_move_the_cursor(by_shop: LakeHarness) -> None:
    dated = [{**dish, "updated_at": "2026-09-20T08:00:00+08:00"} for dish in menu(**{f"s{at}": 1 for at in range(200)})]
    names = {dish["name"] for dish in dated}
    assert by_shop.sync(dated, hour=0, gaps=gaps_of({"s0"}, names - {"s0"})).record.status == "complete"
    assert by_shop.ask("FROM sync.cursors") == []


def test_a_landing_that_is_committed_again_retires_by_its_own_parts(by_shop: LakeHarness) -> None:
    dishes = menu(A=3, B=3)
    landed = by_shop.land(without(dishes, 1000, 2000), hour=1, gaps=gaps_of({"B"}))
    manifest = find_manifest(by_shop.store, landed.manifest.key)
    assert manifest is not None
    by_shop.sync(dishes, hour=0)
    assert by_shop.commit(LandedDataset(manifest, by_shop.store)).record.removed == 1
    assert by_shop.commit(LandedDataset(manifest, by_shop.store)).record.removed == 0
    assert len(by_shop.table()) == 5


def test_a_rejected_list_that_is_evaluated_again_still_keeps_the_rows_of_unread_parts(by_shop: LakeHarness) -> None:
    dishes = menu(A=5, B=2)
    by_shop.sync(dishes, hour=0)
    rejected = by_shop.sync(menu(A=1), hour=2, gaps=gaps_of({"B"})).record
    assert (rejected.removed, rejected.not_retired, rejected.shrink_rejected) == (0, 6, True)
    by_shop.sync(without(dishes, 1002, 1003), hour=1)
    assert by_shop.table("source_id") == [("1000",), ("2000",), ("2001",)]
    again = by_shop.ask(f"SELECT status, not_retired FROM sync.runs WHERE sync_id = '{rejected.sync_id}' ORDER BY ALL")
    assert again == [("degraded", 2), ("degraded", 6)]
    assert by_shop.replay_differs() == []


@dataclass(frozen=True)
class Observation:
    """One observation of every shop's dishes: its hour, the records that exist, those that came, and unread shops."""

    hour: int
    exist: list[Record]
    came: list[Record]
    unread: frozenset[str]

    def sync(self, harness: LakeHarness) -> None:
        gaps = gaps_of(set(self.unread), set(SHOPS) - self.unread) if self.unread else None
        harness.sync([*self.came, ALWAYS_THERE], self.hour, gaps=gaps)
        assert harness.replay_differs() == []


@st.composite
def observations(draw: st.DrawFn) -> list[Observation]:
    """Dishes never move to another shop. What is missing without being gone belongs to a shop that was not read."""
    observed = []
    for hour in range(draw(st.integers(2, 5))):
        ids = draw(st.sets(st.integers(0, 5), min_size=1))
        prices = draw(st.lists(st.sampled_from([1, 2]), min_size=6, max_size=6))
        exist = [{"id": one, "name": SHOPS[one % 3], "price": prices[one]} for one in sorted(ids)]
        unread = draw(st.frozensets(st.sampled_from(SHOPS), max_size=2))
        lost = draw(st.sets(st.integers(0, 5)))
        came = [dish for dish in exist if dish["name"] not in unread or dish["id"] not in lost]
        observed.append(Observation(hour, exist, came, unread))
    return observed


@settings(max_examples=examples(2), deadline=None)
@given(seen=observations(), data=st.data())
def test_no_row_of_an_unread_part_is_retired_whatever_the_order_and_a_clean_sync_repairs_all(
    new_harness: Callable[[], LakeHarness], seen: list[Observation], data: st.DataObject
) -> None:
    harness = new_harness()

    def replayed(order: list[Observation], last: Observation | None = None) -> tuple[list[Any], list[Any]]:
        harness.platform = diner(f"shops{next(numbers)}", 1.0, BY_SHOP)
        for observation in order:
            observation.sync(harness)
        states = [harness.as_of(each.hour, CONTENT) for each in seen]
        if last is not None:
            harness.sync([*last.exist, ALWAYS_THERE], last.hour)
        return states, harness.table("source_id, content_hash, removed_at IS NULL", live=False)

    in_order, table = replayed(seen, replace(seen[-1], hour=9))
    gone: set[str] = set()
    for observation, state in zip(seen, in_order, strict=True):
        known, gone = gone, {row[0] for row in state if row[-1] is not None}
        assert (gone - known).isdisjoint(str(dish["id"]) for dish in observation.exist)
    assert replayed(data.draw(st.permutations(seen)))[0] == in_order
    undisturbed = [replace(each, came=each.exist, unread=frozenset()) for each in seen]
    assert [row for row in replayed(undisturbed)[1] if row[2]] == [row for row in table if row[2]]
