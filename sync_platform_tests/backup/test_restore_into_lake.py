"""A restore into a lake in use is a new commit: it changes what its dry run said, and the history makes the table."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync_platform.backup.conflict import Conflict
from sync_platform.errors import StorageError
from sync_platform.lineage.batches import check_batches
from sync_platform.lineage.findings import Findings
from sync_platform.sources.received import Record
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.backup.lake_in_use import LakeInUse, copied
from sync_platform_tests.extent import examples
from sync_platform_tests.lake.harness import HISTORY, LakeHarness, diner

CONTENT = "source_id, name, price_hkd, tags, since, sold_out, updated_at, stock, content_hash, removed_at IS NULL"
KEPT = {"id": 9, "name": "House tea"}
numbers = itertools.count()
names = st.sampled_from(["Tea", "茶", "Congee"])
dishes = st.fixed_dictionaries({"id": st.integers(1, 5), "name": names, "stock": st.integers(0, 2)})
menus = st.lists(st.lists(dishes, max_size=5, unique_by=lambda dish: dish["id"]), min_size=1, max_size=3)


@pytest.fixture
def harness(tmp_path: Path) -> Iterator[LakeHarness]:
    harness = LakeHarness(tmp_path / "home")
    yield harness
    harness.lake.close()


def _counts(differences: list[Any]) -> list[Any]:
    return [replace(each, watermark=None) for each in differences]


def _rows(harness: LakeHarness, lake: Lake | None = None) -> dict[str, tuple[Any, ...]]:
    with (lake or harness.lake).session() as session:
        rows = session.execute(f"SELECT {CONTENT} FROM lake.{harness.tracked.sql}").fetchall()
    return {row[0]: row[1:] for row in rows}


def _live(rows: dict[str, tuple[Any, ...]]) -> dict[str, tuple[Any, ...]]:
    return {key: row for key, row in rows.items() if row[-1]}


def _in_chain(harness: LakeHarness) -> bool:
    findings = Findings()
    with harness.lake.session() as session:
        check_batches(session, HISTORY, findings)
    return findings.holds


@settings(max_examples=examples(3), deadline=None)
@given(before=menus, after=menus, conflict=st.sampled_from(Conflict))
def test_the_dry_run_is_the_real_run_and_each_mode_keeps_its_promise(
    new_harness: Callable[[], LakeHarness],
    tmp_path_factory: pytest.TempPathFactory,
    before: list[list[Record]],
    after: list[list[Record]],
    conflict: Conflict,
) -> None:
    harness = new_harness()
    harness.platform = diner(f"diner{next(numbers)}", tolerance=1.0)
    for hour, menu in enumerate(before):
        harness.sync([*menu, KEPT], hour)
    copy = copied(harness, tmp_path_factory.mktemp("copy") / "lake")
    for hour, menu in enumerate(after, len(before)):
        harness.sync([*menu, KEPT], hour)
    backed_up, in_use = _rows(harness, copy), _rows(harness)
    restore = LakeInUse(harness, copy)

    planned = restore.plan(conflict)
    assert _rows(harness) == in_use
    assert _counts(restore.run(conflict)) == planned

    restored = _rows(harness)
    if conflict is Conflict.overwrite:
        assert _live(restored) == _live(backed_up)
    elif conflict is Conflict.merge:  # the lake is later than its own backup in every row
        assert restored == in_use
    else:
        missing = {key: row for key, row in _live(backed_up).items() if key not in _live(in_use)}
        assert _live(restored) == {**missing, **_live(in_use)}
    assert harness.replay_differs() == []
    assert _in_chain(harness)
    assert all(each.changes_nothing for each in restore.plan(conflict))
    copy.close()


def test_a_merge_returns_what_the_lake_lost_and_takes_later_changes_from_the_backup(
    harness: LakeHarness, tmp_path: Path
) -> None:
    harness.sync([{"id": 1, "name": "Tea"}, {"id": 2, "name": "Congee"}, {"id": 3, "name": "Rice"}], 1)
    harness.sync([{"id": 1, "name": "Tea"}, {"id": 2, "name": "Plain congee"}, {"id": 3, "name": "Rice"}], 2)
    copy = copied(harness, tmp_path / "copy")
    other = LakeHarness(tmp_path / "other")
    other.sync([{"id": 1, "name": "Green tea"}, {"id": 2, "name": "Congee"}], 1.5)
    done = LakeInUse(other, copy).run(Conflict.merge)
    assert other.table() == [("1", "Green tea"), ("2", "Plain congee"), ("3", "Rice")]
    assert [(each.inserted, each.updated) for each in done] == [(1, 1)]
    other.lake.close()


def test_a_restore_of_a_lake_without_the_table_returns_the_table(harness: LakeHarness, tmp_path: Path) -> None:
    harness.sync([{"id": 1, "name": "Tea"}, {"id": 2, "name": "Congee"}], 1)
    copy = copied(harness, tmp_path / "copy")
    other = LakeHarness(tmp_path / "other", diner("teahouse"))
    other.sync([{"id": 5}], 1)
    other.platform = harness.platform
    restore = LakeInUse(other, copy)
    planned = restore.plan(Conflict.skip)
    assert restore.run(Conflict.skip) == planned
    assert other.table() == [("1", "Tea"), ("2", "Congee")]
    other.lake.close()


def test_the_watermark_goes_back_with_the_rows_and_never_forward(harness: LakeHarness, tmp_path: Path) -> None:
    first, second = "2026-09-01T00:00:00+00:00", "2026-09-05T00:00:00+00:00"
    harness.sync([{"id": 1, "name": "Tea", "updated_at": first}], 1)
    copy = copied(harness, tmp_path / "copy")
    harness.sync([{"id": 1, "name": "Green tea", "updated_at": second}], 2)
    in_use = LakeInUse(harness, copy)
    assert in_use.run(Conflict.merge)[0].watermark is None
    assert in_use.run(Conflict.overwrite)[0].watermark == datetime.fromisoformat(first)
    assert harness.ask("SELECT watermark FROM sync.cursors") == [(datetime.fromisoformat(first),)]


def test_the_next_sync_follows_on_the_restore_and_an_earlier_one_does_not_overwrite_it(
    harness: LakeHarness, tmp_path: Path
) -> None:
    harness.sync([{"id": 1, "name": "Tea"}, {"id": 2, "name": "Congee"}], 1)
    copy = copied(harness, tmp_path / "copy")
    harness.sync([{"id": 1, "name": "Coffee"}], 3)
    LakeInUse(harness, copy).run(Conflict.overwrite)
    harness.sync([{"id": 1, "name": "Late"}, {"id": 3, "name": "Late too"}], 4)
    assert harness.table() == [("1", "Tea"), ("2", "Congee")]
    assert harness.replay_differs() == []
    tomorrow = (datetime.now(UTC).timestamp() - 1_790_000_000) / 3600 + 0.1
    harness.sync([{"id": 1, "name": "Coffee"}, {"id": 2, "name": "Congee"}], tomorrow)
    assert harness.table() == [("1", "Coffee"), ("2", "Congee")]
    assert harness.replay_differs() == []


def test_a_late_observation_shows_rows_that_a_skipping_restore_did_not_touch(
    harness: LakeHarness, tmp_path: Path
) -> None:
    harness.sync([{"id": 1, "name": "Tea"}, {"id": 2, "name": "Congee"}], 1)
    copy = copied(harness, tmp_path / "copy")
    harness.sync([{"id": 1, "name": "Coffee"}], 3)
    LakeInUse(harness, copy).run(Conflict.skip)
    harness.sync([{"id": 3, "name": "Late"}, {"id": 2, "name": "Late too"}], 4, "incremental")
    assert harness.table() == [("1", "Coffee"), ("2", "Congee"), ("3", "Late")]
    assert harness.replay_differs() == []


def test_a_restore_is_in_the_history_with_its_backup(harness: LakeHarness, tmp_path: Path) -> None:
    harness.sync([{"id": 1, "name": "Tea"}], 1)
    copy = copied(harness, tmp_path / "copy")
    harness.sync([{"id": 1, "name": "Coffee"}], 3)
    LakeInUse(harness, copy).run(Conflict.overwrite)
    ((operation, run_id, backup_id, updated),) = harness.ask(
        f"""SELECT h.operation, h.run_id, r.backup_id, r.updated FROM {HISTORY} h
        JOIN sync.restores r ON r.restore_id = h.sync_id"""
    )
    assert (operation, run_id, updated) == ("update", "restore-1", 1)
    assert backup_id.startswith("full-")


def test_a_restore_that_is_stopped_before_its_commit_changes_nothing(
    harness: LakeHarness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    harness.sync([{"id": 1, "name": "Tea"}], 1)
    copy = copied(harness, tmp_path / "copy")
    harness.sync([{"id": 1, "name": "Coffee"}], 3)

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("sync_platform.backup.restore_into_lake.describe_commit", stop)
        LakeInUse(harness, copy).run(Conflict.overwrite)
    assert harness.table() == [("1", "Coffee")]
    assert len(harness.changes()) == 2
    assert harness.ask("FROM sync.restores") == []


def test_a_column_of_another_type_is_refused_and_nothing_changes(harness: LakeHarness, tmp_path: Path) -> None:
    harness.sync([{"id": 1, "name": "Tea"}], 1)
    harness.ask("ALTER TABLE diner.dishes DROP COLUMN rating")
    harness.ask("ALTER TABLE diner.dishes ADD COLUMN rating VARCHAR")
    copy = copied(harness, tmp_path / "copy")
    with pytest.raises(StorageError, match="rating is VARCHAR in beside, and DOUBLE here"):
        LakeInUse(harness, copy).plan(Conflict.overwrite)


def test_a_column_that_the_backup_does_not_have_keeps_its_values(harness: LakeHarness, tmp_path: Path) -> None:
    harness.sync([{"id": 1, "name": "Tea", "rating": 4}], 1)
    harness.ask("ALTER TABLE diner.dishes DROP COLUMN rating")
    copy = copied(harness, tmp_path / "copy")
    harness.sync([{"id": 1, "name": "Coffee", "rating": 3}], 3)
    LakeInUse(harness, copy).run(Conflict.overwrite)
    assert harness.table("name, rating") == [("Tea", 3.0)]
    assert harness.replay_differs() == []


@pytest.mark.parametrize(("conflict", "left"), [(Conflict.skip, 1), (Conflict.overwrite, 0)])
def test_rows_that_were_deleted_or_changed_by_hand_are_again_what_their_history_says(
    harness: LakeHarness, tmp_path: Path, conflict: Conflict, left: int
) -> None:
    menu = [{"id": number, "name": "Tea", "stock": number} for number in range(1, 6)]
    harness.sync(menu, hour=0)
    harness.sync([{**menu[0], "name": "Congee"}, *menu[1:]], hour=1)
    copy = copied(harness, tmp_path / "copy")
    before = _rows(harness)
    table = f"lake.{harness.tracked.sql}"
    for change in (
        f"DELETE FROM {table} WHERE source_id IN ('1', '2')",
        f"UPDATE {table} SET removed_at = now() WHERE source_id = '3'",
        f"UPDATE {table} SET name = 'Wrong', content_hash = '?' WHERE source_id = '4'",
    ):
        harness.ask(change)
    assert harness.replay_differs() != []
    LakeInUse(harness, copy).run(conflict)
    after = _rows(harness)
    assert sum(after[key] != row for key, row in before.items()) == left
    assert len({row[1] for row in harness.replay_differs()}) == left
    assert _in_chain(harness)
