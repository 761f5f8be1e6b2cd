"""The asset check `anomalies`: its verdict, and what the UI shows of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg

from sync_platform.defs.anomalies import anomaly_check_result
from sync_platform.defs.resources import lake_of
from sync_platform.defs.tables import table_key
from sync_platform.lake.syncs import SyncRecord
from sync_platform_tests.monitoring.recorded_syncs import PLATFORMS, recorded, write_records

REGISTER = PLATFORMS["data_gov_hk"]


def check(home: Path, records: list[SyncRecord]) -> dg.AssetCheckResult:
    """The check of the last sync."""
    lake = lake_of(write_records(home, records))
    dataset = REGISTER.dataset("licences")
    try:
        return anomaly_check_result(REGISTER, dataset, table_key(REGISTER, dataset), lake, records[-1])
    finally:
        lake.open().close()


def weekly(weeks: int) -> list[SyncRecord]:
    values = {"rows": 12_000, "records": 12_000, "list_complete": True}
    return [record for number in range(weeks) for record in recorded("data_gov_hk", 7 * (weeks - number), **values)]


def test_a_usual_sync_passes_with_a_picture_of_its_volume(tmp_path: Path) -> None:
    result = check(tmp_path, weekly(10))
    assert result.passed
    assert result.severity is dg.AssetCheckSeverity.WARN
    assert result.description == "4 series are as expected"
    assert str(result.metadata["volume"].value).startswith("![data_gov_hk.licences.volume](data:image/svg+xml;base64,")
    assert "| data_gov_hk.licences.duration | 60 s | at most 120 s | normal |" in str(result.metadata["series"].value)


def test_a_sync_with_a_twentieth_less_fails_and_says_what_was_expected(tmp_path: Path) -> None:
    records = weekly(10)
    result = check(tmp_path, [*records[:-1], replace(records[-1], rows=11_400)])
    assert not result.passed
    assert "volume is 11,400 in the newest full sync; 11,640 to 12,360 was expected" in str(result.description)
    assert result.metadata["deviating"].value == 1


def test_the_first_syncs_are_not_judged_and_the_check_says_so(tmp_path: Path) -> None:
    result = check(tmp_path, weekly(3))
    assert result.passed
    assert result.description == "not judged: too few earlier syncs are known"
