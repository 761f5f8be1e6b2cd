"""A record without a readable id keeps a row live that it could be, and no other row."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.sources.gaps import Gaps
from sync_platform.sources.received import Record
from sync_platform_tests.extent import examples
from sync_platform_tests.lake.harness import LakeHarness, diner
from sync_platform_tests.lake.test_splice import numbers

TEA, RICE, SOUP = ({"id": number, "name": name} for number, name in enumerate(("Tea", "Rice", "Soup"), 1))
BAD: Record = {"id": None, "name": "Bun"}
OTHER_BAD: Record = {"id": None, "name": "Soup"}


@pytest.fixture
def lake(harness: LakeHarness) -> LakeHarness:
    harness.platform = diner(tolerance=0.5)
    return harness


def sync(lake: LakeHarness, *records: Record, hour: float, gaps: Gaps | None = None) -> list[str]:
    """Sync a full list; returns the live rows."""
    lake.sync(list(records), hour, gaps=gaps or Gaps(pages_expected=1))
    assert lake.replay_differs() == []
    return [source_id for (source_id,) in lake.table("source_id")]


def test_a_row_that_was_listed_beside_the_same_unidentified_record_is_retired(lake: LakeHarness) -> None:
    sync(lake, TEA, RICE, SOUP, BAD, hour=0)
    assert sync(lake, TEA, BAD, RICE, hour=1) == ["1", "2"]
    assert sync(lake, TEA, BAD, hour=2) == ["1"]


@pytest.mark.parametrize(
    "unidentified", [[OTHER_BAD], [BAD, OTHER_BAD], [BAD, BAD]], ids=["another", "one more", "the same twice"]
)
def test_a_row_that_a_new_unidentified_record_could_be_stays(lake: LakeHarness, unidentified: list[Record]) -> None:
    sync(lake, TEA, RICE, SOUP, BAD, hour=0)
    assert sync(lake, TEA, RICE, *unidentified, hour=1) == ["1", "2", "3"]
    assert lake.ask("SELECT source_id FROM sync.not_retired") == [("3",)]
    assert sync(lake, TEA, RICE, *unidentified, hour=2) == ["1", "2", "3"], "it was not listed beside them"
    sync(lake, TEA, RICE, SOUP, *unidentified, hour=3)
    assert sync(lake, TEA, RICE, *unidentified, hour=4) == ["1", "2"]


def test_a_list_before_the_last_one_proves_it_too(lake: LakeHarness) -> None:
    sync(lake, TEA, RICE, SOUP, BAD, hour=0)
    sync(lake, TEA, RICE, SOUP, hour=1)
    failed = Gaps(pages_expected=2, failures=["page 2: no answer"])
    assert sync(lake, TEA, RICE, BAD, hour=2, gaps=failed) == ["1", "2", "3"]
    assert sync(lake, TEA, RICE, BAD, hour=3) == ["1", "2"]


def test_a_delta_proves_nothing(lake: LakeHarness) -> None:
    sync(lake, TEA, RICE, SOUP, hour=0)
    lake.sync([BAD], hour=1, mode="incremental", gaps=Gaps(pages_expected=1))
    assert sync(lake, TEA, RICE, BAD, hour=2) == ["1", "2", "3"]


def test_the_watermark_moves_when_the_same_unidentified_record_comes_again(lake: LakeHarness) -> None:
    times = "SELECT hour(watermark) FROM sync.cursors"
    for hour, record, watermarks in ((9, BAD, []), (10, OTHER_BAD, []), (11, OTHER_BAD, [(11,)]), (12, BAD, [(12,)])):
        dated = {**TEA, "updated_at": f"2026-09-20T{hour}:00:00+00:00"}
        lake.sync([dated, record], hour, mode="incremental", gaps=Gaps(pages_expected=1))
        assert lake.ask(times) == watermarks


def test_a_row_that_came_and_went_before_the_proving_list_stays(lake: LakeHarness) -> None:
    sync(lake, TEA, RICE, SOUP, hour=0)
    sync(lake, TEA, RICE, hour=1)
    sync(lake, TEA, RICE, BAD, hour=2)
    sync(lake, TEA, RICE, SOUP, hour=3)
    assert sync(lake, TEA, RICE, BAD, hour=4) == ["1", "2", "3"]


def test_a_list_that_arrives_late_is_decided_by_the_lists_before_it(lake: LakeHarness) -> None:
    sync(lake, TEA, RICE, SOUP, BAD, hour=0)
    sync(lake, TEA, RICE, SOUP, hour=5)
    sync(lake, TEA, RICE, BAD, hour=3)
    assert lake.as_of(4, "source_id, removed_at IS NULL") == [("1", True), ("2", True), ("3", False)]
    assert lake.table("source_id") == [("1",), ("2",), ("3",)]


Place = tuple[bool, int]
"""Of one place in one list: whether its id can be read, and the version of its name."""


@settings(max_examples=examples(3), deadline=None)
@given(
    lists=st.lists(
        st.dictionaries(st.integers(1, 4), st.tuples(st.booleans(), st.integers(1, 2)), max_size=4),
        min_size=2,
        max_size=6,
    )
)
def test_no_row_is_retired_that_an_unidentified_record_could_be(
    new_harness: Callable[[], LakeHarness], lists: list[dict[int, Place]]
) -> None:
    """Each list has some of four places, each with its id or, while its source errs, without."""
    harness = new_harness()
    harness.platform = diner(f"unidentified{next(numbers)}", 1.0)
    always: Record = {"id": 99, "name": "always there"}
    for hour, places in enumerate(lists):
        records: list[Record] = [
            {"id": place if has_id else None, "name": f"{place}-{version}"}
            for place, (has_id, version) in places.items()
        ]
        before = harness.table("source_id") if hour else []
        harness.sync([*records, always], hour, gaps=Gaps(pages_expected=1))
        retired = {source_id for (source_id,) in set(before) - set(harness.table("source_id"))}
        assert retired.isdisjoint(map(str, places)), "a place that is in the list is live"
        assert harness.replay_differs() == []
