"""Tombstones: records of a delta that say that a record is deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sync_platform.platforms import load_platforms

from .harness import LakeHarness

EARLIER, LATER = "2026-09-01T10:00:00Z", "2026-09-02T10:00:00Z"
STORED: dict[str, Any] = {"rid": "hk1", "name": "Lantern", "updated_at": "2026-08-01T10:00:00Z"}
LIVE = {**STORED, "name": "Lantern House", "updated_at": EARLIER}
DELETED = {"rid": "hk1", "deleted": True, "updated_at": EARLIER}
BARE = {"rid": "hk1", "deleted": True}
WHOLE_DELETED = {**LIVE, "deleted": True}


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[LakeHarness]:
    harness = LakeHarness(tmp_path, platform=load_platforms()["chope"])
    harness.sync([STORED], hour=0)
    yield harness
    harness.lake.close()


@pytest.mark.parametrize("tombstone", [DELETED, BARE, WHOLE_DELETED], ids=["at one time", "without a time", "whole"])
@pytest.mark.parametrize("is_live_first", [True, False])
def test_a_record_both_live_and_deleted_at_one_time_is_a_conflict_and_the_stored_row_stays(
    harness: LakeHarness, tombstone: dict[str, Any], is_live_first: bool
) -> None:
    records = [LIVE, tombstone] if is_live_first else [tombstone, LIVE]
    outcome = harness.sync(records, hour=1, mode="incremental")
    record = outcome.record
    assert (record.updated, record.removed, record.quarantined, record.status) == (0, 0, 2, "degraded")
    assert "both live and deleted" in outcome.quarantined[0]
    assert harness.table("source_id, name_en") == [("hk1", "Lantern")]
    assert harness.replay_differs() == []


@pytest.mark.parametrize("is_live_first", [True, False])
@pytest.mark.parametrize(
    ("records", "rows"),
    [
        ([LIVE, {**DELETED, "updated_at": LATER}], []),
        ([{**LIVE, "updated_at": LATER}, DELETED], [("hk1", "Lantern House")]),
    ],
)
def test_the_later_of_a_live_record_and_a_tombstone_decides(
    harness: LakeHarness, records: list[dict[str, Any]], rows: list[Any], is_live_first: bool
) -> None:
    harness.sync(records if is_live_first else records[::-1], hour=1, mode="incremental")
    assert harness.table("source_id, name_en") == rows


@pytest.mark.parametrize("tombstone", [DELETED, BARE, WHOLE_DELETED, {**STORED, "deleted": True}])
def test_a_tombstone_alone_removes_the_row_that_an_earlier_sync_stored(
    harness: LakeHarness, tombstone: dict[str, Any]
) -> None:
    record = harness.sync([tombstone], hour=1, mode="incremental").record
    assert (record.removed, record.status) == (1, "complete")
    assert harness.replay_differs() == []


def test_tombstones_of_one_record_do_not_contradict_each_other(harness: LakeHarness) -> None:
    record = harness.sync([DELETED, BARE, WHOLE_DELETED], hour=1, mode="incremental").record
    assert (record.removed, record.quarantined, record.duplicates, record.status) == (1, 0, 2, "complete")
