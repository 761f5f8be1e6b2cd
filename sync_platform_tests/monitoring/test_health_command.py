"""`health` and `freshness` end with the exit code of what they show, and create nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.cli.next_steps import typed
from sync_platform.monitoring.stored_syncs import stored_datasets
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.monitoring.recorded_syncs import PLATFORMS, recorded, write_records


def test_a_home_without_a_sync_is_unhealthy_and_is_not_created(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "home")
    output = shell.run_in_process("health")
    assert output.returncode == 2
    assert output.stdout.startswith("unhealthy: ")
    named = ", ".join(PLATFORMS)
    assert f"{named}: never synced\n        {typed('sync', *PLATFORMS)}\n" in output.stdout
    assert output.stdout.count("never synced") == 2  # a loss, and something unknown
    assert shell.run_in_process("freshness", "openrice").returncode == 1
    assert not shell.home.exists()


def test_a_platform_that_was_just_synced_is_in_time(tmp_path: Path) -> None:
    shell, now = Shell(tmp_path / "home"), datetime.now(UTC)
    write_records(shell.home, recorded("chope", 0, observed_at=now, started_at=now, committed_at=now))
    done = shell.run_in_process("freshness", "chope", "--json")
    (answer,) = json.loads(done.stdout)["platforms"]
    assert (done.returncode, answer["is_late"]) == (0, False)
    assert answer["staleness"] < 0.001


def test_only_the_first_dataset_counts_where_only_ids_may_be_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    platform = PLATFORMS["tripadvisor"]
    assert stored_datasets(platform) == ["restaurants", "reviews"]
    monkeypatch.setenv("TRIPADVISOR_STORE", "ids")
    assert stored_datasets(platform) == ["restaurants"]
