"""People read times in one zone, which is named; only one module formats them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from sync_platform.documents.local_time import local_minute, local_time
from sync_platform.errors import SettingsError
from sync_platform_tests.tree import ROOT, modules_of

MOMENT = datetime(2026, 11, 24, 12, 7, 31, 123456, tzinfo=UTC)
FOR_PROGRAMS = {
    "sync_platform/cli/operations/written_values.py",  # values of JSON and CSV
    "sync_platform/backup/catalog_copy.py",
    "sync_platform/backup/backup_id.py",
    "sync_platform/backup/vault_backup.py",  # names of objects
    "sync_platform/api/job_store.py",  # ids of jobs
    "sync_platform/cli/backup/restore_request.py",  # the name of a run
    "sync_platform/defs/automation.py",  # keys of runs
    "sync_platform/defs/landing.py",  # a parameter of an endpoint
    "sync_platform/landing/sync_id.py",
    "sync_platform/monitoring/alert_decision.py",  # ids of alerts
    "sync_platform/monitoring/alert_round.py",
    "sync_platform/lineage/anchors.py",  # names of files
    "sync_platform/lineage/retention.py",  # the message of a commit, in a table
    "sync_platform/platforms/data_gov_hk.py",
    "sync_platform/storage/lock_holder.py",  # the content of a lock file
    "sync_platform/emergency/request_files.py",
    "sync_platform/emergency/request_store.py",
}


def test_a_time_is_in_hong_kongs_zone_unless_set_otherwise(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TIME_ZONE", raising=False)
    monkeypatch.chdir(tmp_path)
    assert local_time(MOMENT) == "2026-11-24 20:07:31 HKT"
    assert local_time(MOMENT.replace(tzinfo=None)) == "2026-11-24 20:07:31 HKT"
    assert local_minute(MOMENT) == "2026-11-24 20:07 HKT"
    monkeypatch.setenv("TIME_ZONE", "Europe/London")
    assert local_time(MOMENT) == "2026-11-24 12:07:31 GMT"


def test_the_zone_may_be_set_in_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("TIME_ZONE", raising=False)
    (tmp_path / ".env").write_text("TIME_ZONE=UTC\n")
    monkeypatch.chdir(tmp_path)
    assert local_minute(MOMENT) == "2026-11-24 12:07 UTC"


def test_an_unknown_zone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TIME_ZONE", "Hong Kong")
    with pytest.raises(SettingsError, match="TIME_ZONE='Hong Kong': must be the name of a time zone"):
        local_time(MOMENT)


def test_no_other_module_formats_a_time_for_people() -> None:
    paths = {
        module.path
        for module in modules_of("sync_platform")
        if re.search(r"%H:?-?%M", (ROOT / module.path).read_text())
    }
    paths = {path for path in paths if not path.startswith("sync_platform/sandbox/")}
    assert paths - FOR_PROGRAMS == {"sync_platform/documents/local_time.py"}
