"""The recovery point: what the settings allow to be lost, and what would be lost now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from sync_platform.backup.recovery_point import recovery_point
from sync_platform_tests.backup.backed_up_lake import MENU, backed_up_in


def test_a_commit_in_no_backup_is_within_the_rpo_for_a_day_and_beyond_it_later(tmp_path: Path) -> None:
    lake = backed_up_in(tmp_path)
    address, now = lake.harness.lake.address, datetime.now(UTC)
    without = recovery_point(address, lake.repository.read_manifests(), now, after_sync=False)
    assert "everything would be lost" in (without.problem or "")
    lake.make()
    read = lake.repository.read_manifests()
    point = recovery_point(address, read, now, after_sync=False)
    assert (point.at_most, point.unprotected_since, point.problem) == ("one day", None, None)
    lake.harness.sync(MENU, hour=30)
    soon, later = datetime.now(UTC), datetime.now(UTC) + timedelta(days=2)
    behind = recovery_point(address, read, soon, after_sync=False)
    assert behind.unprotected_since is not None and behind.problem is None
    assert "more than one day would be lost" in (recovery_point(address, read, later, after_sync=False).problem or "")
    at_once = recovery_point(address, read, soon + timedelta(hours=1), after_sync=True)
    assert "more than one commit would be lost" in (at_once.problem or "")


def test_a_lake_that_is_gone_is_a_problem_and_no_error(tmp_path: Path) -> None:
    lake = backed_up_in(tmp_path / "home")
    lake.make()
    gone = lake.harness.lake.address
    lake.harness.lake.close()
    (tmp_path / "home" / "lake").rename(tmp_path / "lost")
    point = recovery_point(gone, lake.repository.read_manifests(), datetime.now(UTC), after_sync=False)
    assert "is not known" in (point.problem or "")
