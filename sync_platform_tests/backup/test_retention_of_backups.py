"""Retention: two steps a day apart, never what a kept backup needs, and nothing under a clock that jumped."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from sync_platform.backup import creation
from sync_platform.backup.backup_manifest import manifest_key
from sync_platform.backup.backup_retention import expired_backups, plan_prune, prune
from sync_platform.backup.chosen_commit import choose_commit
from sync_platform.errors import DamagedBackup, StorageError
from sync_platform.storage.folder_store import FolderStore
from sync_platform_tests.backup.backed_up_lake import MENU, BackedUpLake, backed_up_in

NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[BackedUpLake]:
    """Three backups: a full one, an incremental one, and a full one after maintenance replaced every file."""
    lake = backed_up_in(tmp_path)
    lake.make("full")
    lake.harness.sync(MENU, hour=30)
    lake.make()
    lake.make("full")
    yield lake
    lake.harness.lake.close()


def test_what_is_expired_is_marked_first_and_deleted_a_day_later(lake: BackedUpLake) -> None:
    first, second, last = lake.repository.manifests()
    later = NOW + 40 * DAY
    report = prune(lake.repository, 30, later)
    assert report.plan.expired == [first.id, second.id]
    assert (report.removed_backups, report.deleted_objects) == ([], 0)
    assert prune(lake.repository, 30, later + DAY / 2).removed_backups == []
    report = prune(lake.repository, 30, later + DAY)
    assert set(report.removed_backups) == {first.id, second.id}
    assert [each.id for each in lake.repository.manifests()] == [last.id]
    assert set(lake.repository.sizes()) == {file.name for file in last.files}
    assert lake.verify().found == [], "a removed backup is not a lost one"


def test_an_object_of_an_interrupted_backup_is_deleted_in_two_steps_too(lake: BackedUpLake, tmp_path: Path) -> None:
    name = lake.repository.key.object_name("00" * 32, ".plain")
    lake.repository.put_blocks([b"left"], name, tmp_path)
    assert prune(lake.repository, 30, NOW).plan.marked == [name]
    assert name in lake.repository.sizes()
    assert prune(lake.repository, 30, NOW + DAY).deleted_objects == 1
    assert name not in lake.repository.sizes()
    assert len(lake.repository.manifests()) == 3


def test_what_a_killed_put_left_is_deleted_a_day_later(lake: BackedUpLake, tmp_path: Path) -> None:
    store = tmp_path / "backup_store"
    (store / "tombstones").mkdir()
    places = [next((store / "objects").iterdir()), store / "manifests", store / "tombstones", store]
    for place in places:
        (place / ".put-0123").write_bytes(b"half")
    prune(lake.repository, 30, NOW)
    assert len(list(store.rglob(".put-*"))) == len(places)
    prune(lake.repository, 30, NOW + 2 * DAY)
    assert list(store.rglob(".put-*")) == []
    assert lake.verify().found == []


def test_what_a_new_backup_needs_again_loses_its_mark(lake: BackedUpLake) -> None:
    (data,) = {file.name for file in lake.repository.manifests()[-1].with_role("catalog")}
    marked = NOW + 40 * DAY
    prune(lake.repository, 30, marked)
    lake.store.put("marks.json", b'{"%s":"%s"}' % (data.encode(), NOW.isoformat().encode()))
    prune(lake.repository, 30, marked)
    assert data in lake.repository.sizes()


def test_nothing_is_deleted_under_a_clock_ten_years_ahead(lake: BackedUpLake) -> None:
    keys = set(lake.store.keys())
    for at in (NOW + 3650 * DAY, NOW + 3652 * DAY):
        report = prune(lake.repository, 30, at)
        assert report.plan.stopped is not None
        assert "the clock may have jumped" in report.plan.stopped
    assert set(lake.store.keys()) == keys


def test_a_backup_made_under_a_clock_ten_years_ahead_keeps_its_place_and_stops_no_deletion_afterwards(
    lake: BackedUpLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second, _ = lake.repository.manifests()
    with monkeypatch.context() as patch:
        patch.setattr(creation, "datetime", _TenYearsAhead)
        ahead = lake.make().manifest
    assert ahead.created_at > NOW + 3600 * DAY
    assert prune(lake.repository, 30, NOW + 3660 * DAY).plan.stopped is not None
    lake.harness.sync(MENU[:2], hour=40)
    last = lake.make("full").manifest
    assert [each.id for each in lake.repository.manifests()[-2:]] == [ahead.id, last.id]
    assert choose_commit(lake.repository, None, None).manifest.id == last.id
    assert lake.verify().found == []
    for days in (40, 41):
        report = prune(lake.repository, 30, NOW + days * DAY)
        assert report.plan.stopped is None
    assert {first.id, second.id} <= set(report.removed_backups)
    assert ahead.id not in report.removed_backups
    assert lake.verify().found == []


class _TenYearsAhead:
    @staticmethod
    def now(zone: tzinfo) -> datetime:
        return datetime.now(zone) + 3650 * DAY


def test_the_newest_backup_is_never_expired(lake: BackedUpLake) -> None:
    manifests = lake.repository.manifests()
    assert [each.id for each in expired_backups(manifests[:2], 1, NOW + 50 * DAY)] == []
    assert [each.id for each in expired_backups(manifests, 1, NOW + 50 * DAY)] == [each.id for each in manifests[:2]]


def test_nothing_is_deleted_while_a_manifest_cannot_be_read(lake: BackedUpLake) -> None:
    lake.store.put(manifest_key(lake.repository.manifests()[0].id), b"{}")
    with pytest.raises(DamagedBackup, match="nothing was deleted"):
        plan_prune(lake.repository, 30, NOW)


def test_what_the_store_refuses_to_delete_is_kept_and_reported(
    lake: BackedUpLake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = lake.repository.key.object_name("00" * 32, ".plain")
    lake.repository.put_blocks([b"left"], name, tmp_path)
    prune(lake.repository, 30, NOW)

    def refuse(self: FolderStore, key: str) -> None:
        raise StorageError(f"cannot delete {key}: AccessDenied")

    monkeypatch.setattr(FolderStore, "delete", refuse)
    report = prune(lake.repository, 30, NOW + DAY)
    assert report.deleted_objects == 0
    assert report.refused == [f"{name}: cannot delete {name}: AccessDenied"]
