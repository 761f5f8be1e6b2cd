"""Records that come late, behind the watermark: incremental syncs read as far back as they need."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from sync_platform.lake.late_records import learnt_overlaps, overlap_of
from sync_platform_tests.lake.harness import LakeHarness, diner


@pytest.fixture
def harness(tmp_path: Path, installation: dict[str, str]) -> Iterator[LakeHarness]:
    platform = diner(tolerance=0.9)
    type(platform).has_delta = True
    harness = LakeHarness(tmp_path, platform)
    yield harness
    harness.lake.close()


def dish(number: int, day: int, name: str = "Noodles") -> dict[str, Any]:
    """A dish that changed on that day of September 2026."""
    return {"id": number, "name": name, "updated_at": f"2026-09-{day:02d}T08:00:00+08:00"}


def overlap(harness: LakeHarness) -> timedelta:
    return overlap_of(learnt_overlaps(harness.lake, "diner"), harness.platform, "dishes")


def test_a_record_that_comes_five_days_late_is_told_and_lengthens_the_overlap(harness: LakeHarness) -> None:
    harness.sync([dish(1, 10), dish(2, 20)], hour=0)
    assert overlap(harness) == timedelta(days=1)
    record = harness.sync([dish(1, 10), dish(2, 20), dish(3, 15)], hour=1).record
    assert record.notes == [
        "late records: 1 came up to 5 days behind the watermark; incremental syncs now read 6 days back"
    ]
    assert record.status == "complete"
    assert overlap(harness) == timedelta(days=6)
    assert harness.ask("SELECT late, latest_s, beyond, overlap_s FROM sync.late_records") == [
        (1, 5 * 86_400, 0, 6 * 86_400)
    ]


def test_an_incremental_sync_with_an_overlap_writes_no_unchanged_record(harness: LakeHarness) -> None:
    harness.sync([dish(1, 10), dish(2, 20)], hour=0)
    files, changes = harness.files(), harness.changes("*")
    record = harness.sync([dish(1, 10), dish(2, 20)], hour=1, mode="incremental").record
    assert (record.changes, record.unchanged, record.notes) == (0, 2, [])
    assert (harness.files(), harness.changes("*")) == (files, changes)


def test_a_late_record_that_the_overlap_finds_lengthens_it_before_it_is_too_short(harness: LakeHarness) -> None:
    harness.sync([dish(1, 10), dish(2, 20)], hour=0)
    harness.sync([dish(2, 20), dish(3, 19, "Rice")], hour=1, mode="incremental")
    assert overlap(harness) == timedelta(days=2)


def test_a_record_beyond_the_longest_overlap_is_told_and_teaches_nothing(harness: LakeHarness) -> None:
    harness.sync([dish(2, 20)], hour=0)
    old = {**dish(3, 15), "updated_at": "2020-01-01T00:00:00Z"}
    record = harness.sync([dish(2, 20), old], hour=1).record
    assert "1 of them so late that only a full sync can find them" in record.notes[0]
    assert overlap(harness) == timedelta(days=1)
    harness.sync([dish(2, 20), old, dish(4, 1)], hour=2)
    assert overlap(harness) == timedelta(days=20)


def test_a_change_whose_time_stayed_the_same_is_not_late(harness: LakeHarness) -> None:
    harness.sync([dish(1, 10), dish(2, 20)], hour=0)
    record = harness.sync([dish(1, 10, "Soup"), dish(2, 20)], hour=1).record
    assert (record.updated, record.notes) == (1, [])


def test_a_record_that_comes_in_an_older_version_is_not_late(harness: LakeHarness) -> None:
    harness.sync([dish(1, 18), dish(2, 20)], hour=0)
    assert harness.sync([dish(1, 12, "Soup"), dish(2, 20)], hour=1).record.notes == []
    assert overlap(harness) == timedelta(days=1)


def test_a_platform_without_a_delta_has_no_late_records(tmp_path: Path, installation: dict[str, str]) -> None:
    harness = LakeHarness(tmp_path)
    harness.sync([dish(2, 20)], hour=0)
    assert harness.sync([dish(2, 20), dish(3, 15)], hour=1).record.notes == []
    harness.lake.close()
