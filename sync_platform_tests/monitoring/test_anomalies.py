"""Anomalies from what syncs recorded: the series, the problems, the command, and the check's pictures."""

from __future__ import annotations

import json
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from sync_platform.lake.syncs import SyncRecord
from sync_platform.monitoring.alert_store import AlertStore
from sync_platform.monitoring.anomalies import JudgedSeries, judged_series, series_at_sync
from sync_platform.monitoring.anomaly_source import anomaly_source
from sync_platform.monitoring.expected_anomaly import accepted_moments
from sync_platform.monitoring.installation_state import read_state
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.monitoring.rest_days import is_rest_day
from sync_platform.monitoring.series_picture import series_line, series_markdown
from sync_platform.monitoring.stored_syncs import read_records
from sync_platform.quality.opening_hours.public_holidays import holiday_on
from sync_platform.quality.score import Score
from sync_platform.quality.scoring import write_scores
from sync_platform.settings import Settings
from sync_platform.storage.audit_log import AuditLog
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake
from sync_platform_tests.monitoring.recorded_syncs import NOW, PLATFORMS, recorded, write_records

WEEKS = 20
HEALTHY: dict[str, Any] = {"records": 12_000, "rows": 12_000, "list_complete": True, "pages": 6, "pages_expected": 6}


def weekly(newest: dict[str, Any] | None = None, weeks: int = WEEKS) -> list[SyncRecord]:
    """A sync of the register each week, with small changes; `newest`: what differs in the last one."""
    records = []
    for number in range(weeks):
        rows = 12_000 + 20 * (number % 3)
        values = {**HEALTHY, "rows": rows, "records": rows}
        records += recorded("data_gov_hk", 7 * (weeks - 1 - number) + 1, **values)
    return [*records[:-1], replace(records[-1], **(newest or {}))]


def problems(settings: Settings) -> list[Problem]:
    source = anomaly_source(settings, PLATFORMS, read_state(settings, list), NOW)
    return list(source.look())


def judged(settings: Settings) -> dict[str, JudgedSeries]:
    with Lake(LakeAddress.of(settings), read_only=True) as lake:
        series = judged_series(lake, PLATFORMS.values(), read_records(lake), NOW, {})
    return {f"{each.series.name}, {each.series.basis}": each for each in series}


def test_a_usual_year_has_no_problem(tmp_path: Path) -> None:
    assert problems(write_records(tmp_path, weekly())) == []


def test_an_installation_without_a_lake_has_no_problem_and_no_series(tmp_path: Path) -> None:
    assert problems(Settings(sync_home=tmp_path)) == []


def test_a_volume_that_falls_by_a_twentieth_is_one_problem_that_says_what_is_expected_and_since_when(
    tmp_path: Path,
) -> None:
    (problem,) = problems(write_records(tmp_path, weekly({"rows": 11_400, "records": 11_400})))
    assert problem.cause == "anomaly:data_gov_hk.licences.volume"
    assert problem.severity == "medium"
    assert problem.subjects == ("data_gov_hk.licences",)
    assert problem.command == ("anomalies", "data_gov_hk")
    assert "is 11,400 in the newest full sync; 11,6" in problem.what
    assert "since 2026-11-27 12:00 HKT" in problem.what
    assert problem.effect and "--expected" in problem.action


def test_with_too_few_syncs_there_is_no_problem_and_the_verdict_is_unknown(tmp_path: Path) -> None:
    settings = write_records(tmp_path, weekly({"rows": 100}, weeks=4))
    assert problems(settings) == []
    assert {each.newest.verdict for each in judged(settings).values()} == {"unknown"}


def test_a_sync_that_itself_reports_missing_records_makes_no_second_problem(tmp_path: Path) -> None:
    newest = {"rows": 6_000, "records": 6_000, "status": "degraded", "list_complete": False}
    settings = write_records(tmp_path, weekly(newest))
    assert problems(settings) == []
    assert judged(settings)["data_gov_hk.licences.volume, full, weekly"].newest.is_anomaly


def test_a_slow_sync_is_one_problem_of_the_platform(tmp_path: Path) -> None:
    records = [replace(each, committed_at=each.started_at + timedelta(minutes=10)) for each in weekly()]
    slow = replace(records[-1], committed_at=records[-1].started_at + timedelta(minutes=45))
    (problem,) = problems(write_records(tmp_path, [*records[:-1], slow]))
    assert problem.detail == "data_gov_hk.duration"
    assert "is 45 min in the newest full sync; at most 15 min was expected" in problem.what


def test_a_sync_that_is_evaluated_again_is_as_long_as_before(tmp_path: Path) -> None:
    records = weekly()
    again = replace(records[-1], committed_at=records[-1].committed_at + timedelta(hours=20))
    assert problems(write_records(tmp_path, [*records, again])) == []


def test_quarantined_records_are_an_error_rate(tmp_path: Path) -> None:
    newest = {"quarantined": 600, "status": "degraded"}
    (problem,) = problems(write_records(tmp_path, weekly(newest)))
    assert problem.detail == "data_gov_hk.licences.error_rate"
    assert "is 4.99% in the newest full sync; at most 0.50% was expected" in problem.what


def with_scores(settings: Settings, records: Sequence[SyncRecord], newest: float) -> None:
    """Scores of each sync: two columns are filled to 80 %, and in the last one to `newest`."""
    with Lake(LakeAddress.of(settings)) as lake, lake.session() as session:
        for record in records:
            filled = round(12_000 * (newest if record is records[-1] else 0.8))
            scores = [
                Score("completeness", f"filled:{name}", filled, 12_000, 12_000) for name in ("name_en", "name_zh")
            ]
            origin = {
                name: getattr(record, name)
                for name in ("platform", "dataset", "partition", "sync_id", "run_id", "observed_at", "committed_at")
            }
            write_scores(session, [*scores, Score("overall", "all", stated=0.9 + filled / 120_000)], origin)


def test_empty_columns_are_one_problem_and_the_lower_score_follows_from_them(tmp_path: Path) -> None:
    records = weekly()
    settings = write_records(tmp_path, records)
    with_scores(settings, records, newest=0.4)
    series = judged(settings)
    assert series["data_gov_hk.licences.score, full, weekly"].newest.is_anomaly
    (problem,) = problems(settings)
    assert problem.detail == "data_gov_hk.licences.null_rate"
    assert "null_rate.name_en is 60.00%" in problem.what
    assert "null_rate.name_zh is 60.00%" in problem.what


def test_incremental_syncs_are_compared_on_the_same_kind_of_day_and_apart_from_full_ones(tmp_path: Path) -> None:
    records = []
    for days_ago in range(60, -1, -1):
        at = NOW - timedelta(days=days_ago)
        is_calm = is_rest_day((at + timedelta(hours=8) - timedelta(hours=12)).date())
        rows = (20 if is_calm else 200) + days_ago % 4
        values = {**HEALTHY, "rows": rows, "records": rows, "mode": "incremental"}
        records += recorded("openrice", days_ago, dataset="restaurants", **values)
    series = judged(write_records(tmp_path, records))
    kinds = [name for name in series if "delta_volume" in name]
    assert kinds == [f"openrice.restaurants.delta_volume, incremental, {days} days" for days in ("working", "rest")]
    for name in kinds:
        assert {each.verdict for each in series[name].judged} == {"unknown", "normal"}
    assert not [name for name in series if ".volume" in name]


def test_public_holidays_are_rest_days() -> None:
    assert holiday_on(date(2027, 2, 8)) == "The third day of Lunar New Year"
    assert is_rest_day(date(2026, 4, 3))
    assert is_rest_day(date(2026, 11, 28))
    assert not is_rest_day(date(2026, 11, 27))


def test_a_level_that_a_person_accepted_is_read_from_the_ledger(tmp_path: Path) -> None:
    settings = write_records(tmp_path, weekly({"rows": 11_000, "records": 11_000}))
    assert len(problems(settings)) == 1
    assert accepted_moments(f"sqlite:///{tmp_path}/none.db") == {}
    AuditLog(settings.ledger_url).close()
    assert accepted_moments(settings.ledger_url) == {}
    store = AlertStore(settings.ledger_url, [], clock=lambda: NOW)
    store.round(problems(settings), {ProblemName.anomaly})
    (alert,) = store.open_alerts()
    store.resolve(alert.alert_id, "ada", "the register was cleaned", is_expected=True)
    assert accepted_moments(settings.ledger_url) == {"data_gov_hk.licences.volume": [NOW]}
    assert problems(settings) == []


def test_a_backfilled_period_is_compared_with_what_came_before_it(tmp_path: Path) -> None:
    records = weekly()
    middle = replace(records[10], rows=11_000)
    settings = write_records(tmp_path, [*records[:10], *records[11:], middle])
    platform = PLATFORMS["data_gov_hk"]
    with Lake(LakeAddress.of(settings), read_only=True) as lake:
        series = series_at_sync(lake, platform, platform.dataset("licences"), middle, {})
    volume = next(each for each in series if each.series.quantity.name == "volume")
    assert volume.newest.point.sync_id == middle.sync_id
    assert len(volume.judged) == 11
    assert volume.newest.is_anomaly
    assert problems(settings) == []


def test_the_picture_is_an_svg_with_the_band_and_a_red_dot_and_a_line_of_text_marks_the_anomaly(
    tmp_path: Path,
) -> None:
    series = judged(write_records(tmp_path, weekly({"rows": 11_000})))
    volume = series["data_gov_hk.licences.volume, full, weekly"]
    text = series_markdown(volume)
    assert text.startswith("![data_gov_hk.licences.volume](data:image/svg+xml;base64,")
    assert len(text) < 10_000
    svg = ElementTree.fromstring(b64decode(text.split("base64,")[1].rstrip(")")))
    name = "{http://www.w3.org/2000/svg}"
    assert len(svg.findall(f"{name}polygon")) == 1
    dots = svg.findall(f"{name}circle")
    assert len(dots) == WEEKS
    assert [each.get("fill") for each in dots].count("#c62828") == 1
    assert series_line(volume.judged).endswith("▁!")


def test_the_command_shows_the_anomaly_and_its_exit_code_says_that_there_is_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from sync_platform.cli.monitoring.anomalies import show_anomalies

    monkeypatch.setenv("SYNC_HOME", str(tmp_path))
    write_records(tmp_path, weekly({"rows": 11_000}))
    assert show_anomalies("data_gov_hk", as_json=True) == 1
    document = json.loads(capsys.readouterr().out)
    assert [each["cause"] for each in document["anomalies"]] == ["data_gov_hk.licences.volume"]
    volume = next(each for each in document["series"] if each["quantity"] == "volume")
    assert (volume["verdict"], volume["value"], len(volume["points"])) == ("anomaly", 11_000, WEEKS)
    assert volume["low"] < 12_000 < volume["high"]
    assert show_anomalies(None, as_json=False) == 1
    output = capsys.readouterr().out
    assert "anomaly data_gov_hk.licences.volume" in output
    assert show_anomalies("openrice", as_json=False) == 0
