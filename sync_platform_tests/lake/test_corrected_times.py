"""A clock that was ahead once: the next sync with a right clock corrects what was written meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from sync_platform.lake.clock import read_clock
from sync_platform.lake.syncs import last_syncs
from sync_platform.lake.watermarks import watermarks
from sync_platform.landing.manifest import Manifest
from sync_platform.landing.reader import LandedDataset
from sync_platform.landing.sync_id import new_sync_id
from sync_platform.lineage.changes import changes_of
from sync_platform_tests.lake.harness import HISTORY, LakeHarness, diner

NOODLES, RICE, TEA = ({"id": number, "name": name} for number, name in enumerate(("Noodles", "Rice", "Tea"), 1))
START = datetime.fromtimestamp(1_790_000_000, UTC)


def hours_from_now(hours: float) -> float:
    """As an hour of the harness."""
    return (datetime.now(UTC) - START).total_seconds() / 3600 + hours


def sync_ahead(harness: LakeHarness, *records: dict[str, object], days: int = 365) -> None:
    """Sync as if the clock were so many days ahead."""
    with pytest.MonkeyPatch.context() as patch:

        class Ahead(datetime):
            @classmethod
            def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
                return datetime.now(UTC) + timedelta(days=days)

        patch.setattr("sync_platform.lake.clock.datetime", Ahead)
        record = harness.sync(list(records), hours_from_now(days * 24)).record
    assert record.observed_at > datetime.now(UTC) + timedelta(days=days - 1)
    assert record.committed_at > datetime.now(UTC) + timedelta(days=days - 1)


def test_the_next_sync_with_a_right_clock_is_not_late_and_tells(harness: LakeHarness) -> None:
    harness.sync([NOODLES, RICE], hour=0)
    sync_ahead(harness, {**NOODLES, "name": "Soup"}, TEA)
    record = harness.sync([{**NOODLES, "name": "Hot soup"}, TEA, RICE], hours_from_now(-1)).record
    assert record.status == "complete"
    assert (record.updated, record.restored) == (1, 1)
    assert record.notes == [
        "an earlier sync ran while the clock was 365 days ahead: its times are corrected (sync.corrected_times)"
    ]
    assert harness.table() == [("1", "Hot soup"), ("2", "Rice"), ("3", "Tea")]
    assert harness.replay_differs() == []
    now = datetime.now(UTC)
    times = harness.table("first_seen_at, last_changed_at, removed_at", live=False)
    assert all(time is None or time <= now for row in times for time in row)
    assert harness.ask(f"SELECT count(*) FROM sync.runs WHERE greatest(observed_at, committed_at) > '{now}'") == [(0,)]
    record = harness.sync([{**NOODLES, "name": "Hot soup"}, TEA, RICE], hours_from_now(-0.5)).record
    assert (record.status, record.changes, record.notes) == ("complete", 0, [])


def test_the_history_keeps_its_order_and_its_hashes(harness: LakeHarness) -> None:
    harness.sync([NOODLES], hour=0)
    sync_ahead(harness, {**NOODLES, "name": "Soup"})
    before = harness.changes("*")
    harness.sync([{**NOODLES, "name": "Hot soup"}], hours_from_now(-1))
    with harness.lake.session() as session:
        changes = changes_of(session, HISTORY, "diner", "dishes", "1")
    assert [change.after["name"] for change in changes] == ["Noodles", "Soup", "Hot soup"]
    assert changes[1].observed_at < changes[2].observed_at
    assert all(change in harness.changes("*") for change in before)
    harness.sync([{**NOODLES, "name": "Plain"}], hour=2)  # an earlier observation is still spliced in before
    assert harness.table() == [("1", "Hot soup")]
    assert harness.as_of(3, "name") == [("Plain",)]
    assert harness.replay_differs() == []


def test_a_clock_that_was_ahead_twice_by_less_each_time_is_corrected_twice(harness: LakeHarness) -> None:
    harness.sync([NOODLES], hour=0)
    sync_ahead(harness, {**NOODLES, "name": "Soup"}, TEA)
    sync_ahead(harness, {**NOODLES, "name": "Hot soup"}, TEA, days=2)
    assert harness.replay_differs() == []
    record = harness.sync([{**NOODLES, "name": "Plain"}, TEA], hours_from_now(-1)).record
    assert (record.status, record.updated, len(record.notes)) == ("complete", 1, 1)
    assert harness.replay_differs() == []
    with harness.lake.session() as session:
        changes = changes_of(session, HISTORY, "diner", "dishes", "1")
    assert [change.after["name"] for change in changes] == ["Noodles", "Soup", "Hot soup", "Plain"]


def test_a_lake_that_was_frozen_for_a_while_is_corrected_too(harness: LakeHarness) -> None:
    sync_ahead(harness, NOODLES, RICE)
    for hour, name in ((-3, "Soup"), (-2, "Hot soup")):
        # as written before times were corrected: late, and with corrections at the time of the future
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("sync_platform.lake.commit.correct_future_times", lambda *arguments: None)
            harness.sync([{**NOODLES, "name": name}, TEA], hours_from_now(hour))
    assert harness.table() == [("1", "Noodles"), ("2", "Rice")]
    record = harness.sync([{**NOODLES, "name": "Hot soup"}, TEA], hours_from_now(-1)).record
    assert record.status == "complete"
    assert harness.table() == [("1", "Hot soup"), ("3", "Tea")]
    assert harness.replay_differs() == []


def test_rows_that_only_the_future_has_shown_may_all_be_retired_once(harness: LakeHarness) -> None:
    menu = [{"id": number, "name": f"Dish {number}"} for number in range(10)]
    harness.platform = diner(tolerance=0.0)
    harness.sync(menu, hour=0)
    sync_ahead(harness, *menu, *({"id": number, "name": "Later"} for number in range(20, 25)))
    assert harness.sync(menu[:9], hours_from_now(-2), mode="incremental").record.notes
    assert harness.sync(menu, hours_from_now(-1)).record.removed == 5
    assert len(harness.table()) == 10
    assert harness.sync(menu[:8], hours_from_now(0)).record.not_retired == 2


def test_an_observation_from_the_future_counts_as_of_now(harness: LakeHarness) -> None:
    record = harness.sync([NOODLES], hours_from_now(48)).record
    assert record.observed_at <= datetime.now(UTC)
    assert harness.sync([{**NOODLES, "name": "Soup"}], hours_from_now(0)).record.updated == 1
    assert harness.table() == [("1", "Soup")]


def test_a_sync_of_the_future_that_is_committed_again_keeps_its_place(harness: LakeHarness) -> None:
    landed = harness.land([NOODLES], hours_from_now(48))
    harness.commit(landed)
    harness.sync([{**NOODLES, "name": "Soup"}], hours_from_now(0))
    assert harness.commit(landed).record.changes == 0
    assert harness.table() == [("1", "Soup")]
    assert harness.replay_differs() == []


def test_a_watermark_in_the_future_is_not_used_and_moves_back(harness: LakeHarness) -> None:
    changed = {**NOODLES, "updated_at": "2026-09-20T08:00:00+08:00"}
    harness.sync([changed], hour=0)
    harness.ask("UPDATE lake.sync.cursors SET watermark = now() + INTERVAL 1 YEAR")
    assert watermarks(harness.lake, "diner") == {}
    harness.sync([changed], hour=1)
    assert watermarks(harness.lake, "diner") == {"dishes": datetime(2026, 9, 20, tzinfo=UTC)}


def test_the_newest_sync_is_the_one_that_began_last(harness: LakeHarness) -> None:
    sync_ahead(harness, NOODLES)
    last = harness.sync([NOODLES], hours_from_now(-1)).record
    assert last_syncs(harness.lake)["diner"].sync_id == last.sync_id


def test_an_id_sorts_after_the_one_before_even_if_the_clock_was_ahead() -> None:
    ahead = new_sync_id(datetime.now(UTC) + timedelta(days=2))
    assert new_sync_id(after=ahead) > ahead
    assert new_sync_id(after="sync-00001") > new_sync_id(START)


def manifest_of(harness: LakeHarness, ahead_s: float | None) -> Manifest:
    landed: LandedDataset = harness.land([NOODLES], hours_from_now(0))
    return msgspec.structs.replace(landed.manifest, clock_ahead_s=ahead_s)


def test_the_servers_time_is_used_where_this_machines_clock_is_ahead(harness: LakeHarness) -> None:
    manifest, year = manifest_of(harness, 365 * 86_400), timedelta(days=365)
    clock = read_clock(manifest, newest=None)
    assert clock.observed_at == manifest.observed_at - year
    assert clock.notes == ["this machine's clock is 365 days ahead of the server's, whose time is used: set the clock"]
    newer = manifest.observed_at - timedelta(days=30)
    assert read_clock(manifest, newest=newer).observed_at == manifest.observed_at
    assert read_clock(manifest_of(harness, 300), newest=None).notes == []
    assert read_clock(manifest_of(harness, None), newest=None).notes == []


def test_the_servers_time_is_used_where_ours_is_behind_and_the_lake_agrees(harness: LakeHarness) -> None:
    manifest, week = manifest_of(harness, -7 * 86_400), timedelta(days=7)
    assert read_clock(manifest, newest=manifest.observed_at - week).observed_at == manifest.observed_at
    clock = read_clock(manifest, newest=manifest.observed_at + timedelta(days=3))
    assert clock.observed_at == manifest.observed_at + week
    assert clock.now > datetime.now(UTC) + timedelta(days=6)
