"""A row that an unproven list does not show is retired when the next full sync does not show it either."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sync_platform.lake.retirement import ShrinkGuard
from sync_platform.sources.gaps import Gaps, Parts
from sync_platform.sources.received import Record
from sync_platform_tests.lake.harness import DISHES, LakeHarness, diner

BY_SHOP = replace(DISHES, part="name")
ALL = [{"id": number, "name": "A" if number < 5 else "B"} for number in range(10)]
DOUBT = "the list has 25 records on page 2 and 50 on another one"
AWAITING = "SELECT source_id FROM sync.not_retired WHERE awaits_confirmation ORDER BY ALL"


def without(*ids: int) -> list[Record]:
    return [record for record in ALL if record["id"] not in ids]


def unproven(*parts: str) -> Gaps:
    """The gaps of a list of which nothing proves that it, or these parts of it, are whole."""
    return Gaps(
        pages_expected=1,
        is_unproven=not parts,
        parts=Parts({"A", "B"}, unproven=set(parts), are_all_known=True),
        doubts=[DOUBT],
    )


def gone(lake: LakeHarness) -> set[str]:
    return {source_id for (source_id,) in set(lake.table("source_id", live=False)) - set(lake.table("source_id"))}


@pytest.fixture
def lake(harness: LakeHarness) -> LakeHarness:
    harness.platform = diner(tolerance=0.4, dataset=BY_SHOP)
    harness.sync(ALL, hour=0)
    return harness


def test_a_row_that_an_unproven_list_does_not_show_stays_live_and_awaits_confirmation(lake: LakeHarness) -> None:
    outcome = lake.sync(without(3), hour=1, gaps=unproven())
    record = outcome.record
    assert (record.status, record.removed, record.not_retired, record.list_complete) == ("complete", 0, 1, True)
    assert (record.list_proven, outcome.not_retired, lake.ask(AWAITING)) == (False, ["3"], [("3",)])
    uncertain, unlisted = record.notes
    assert uncertain.startswith(
        f"it is not certain that every record was listed, because {DOUBT}: a row is retired only"
    )
    assert unlisted == "1 row was not listed, and stays live until the next full sync does not list it either"


def test_a_second_list_that_agrees_retires_the_row_and_keeps_one_that_is_missing_for_the_first_time(
    lake: LakeHarness,
) -> None:
    lake.sync(without(3), hour=1, gaps=unproven())
    outcome = lake.sync(without(3, 4), hour=2, gaps=unproven())
    assert (outcome.record.removed, outcome.not_retired) == (1, ["4"])
    assert gone(lake) == {"3"}
    assert lake.replay_differs() == []


def test_a_row_that_came_again_in_between_is_not_confirmed(lake: LakeHarness) -> None:
    lake.sync(without(3), hour=1, gaps=unproven())
    lake.sync(ALL, hour=2, gaps=unproven())
    assert lake.sync(without(3), hour=3, gaps=unproven()).record.removed == 0


def test_a_proven_list_retires_at_once_what_an_unproven_one_did_not_show(lake: LakeHarness) -> None:
    lake.sync(without(3), hour=1, gaps=unproven())
    assert lake.sync(without(3, 4), hour=2).record.removed == 2


def test_only_rows_of_unproven_parts_await_confirmation(lake: LakeHarness) -> None:
    outcome = lake.sync(without(3, 8), hour=1, gaps=unproven("B"))
    assert (outcome.record.removed, outcome.not_retired) == (1, ["8"])


def test_the_shrink_guard_looks_at_unconfirmed_rows_too(lake: LakeHarness) -> None:
    record = lake.sync(without(*range(5)), hour=1, gaps=unproven()).record
    assert (record.status, record.removed, record.not_retired) == ("degraded", 0, 5)


def test_an_operator_who_accepts_that_rows_are_gone_confirms_them(lake: LakeHarness) -> None:
    outcome = lake.sync(without(*range(5)), hour=1, gaps=unproven(), guard=ShrinkGuard(accepted="closed"))
    assert outcome.record.removed == 5


def test_a_list_that_arrives_late_retires_nothing_that_a_later_unproven_list_did_not_confirm(lake: LakeHarness) -> None:
    lake.sync(without(3), hour=5, gaps=unproven())
    lake.sync(without(2), hour=3, gaps=unproven())
    assert gone(lake) == set()
    assert lake.replay_differs() == []
