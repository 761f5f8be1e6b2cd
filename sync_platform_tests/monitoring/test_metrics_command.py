"""`metrics` shows what is on record and creates nothing; its history is shown, and SQL reads it beside the lake."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from sync_platform.monitoring.health_report import health_of
from sync_platform.monitoring.installation_state import read_state
from sync_platform.monitoring.metric_publication import publish_metrics
from sync_platform.monitoring.metric_samples import samples_of
from sync_platform.storage.audit_log import AuditLog
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.monitoring.recorded_syncs import PLATFORMS, recorded, write_records


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A home with a complete sync and a later one that failed, a backup, a report, and two rounds."""
    shell, now = Shell(tmp_path_factory.mktemp("metrics") / "home"), datetime.now(UTC)
    complete, failed = now - timedelta(hours=2), now - timedelta(hours=1)
    settings = write_records(
        shell.home,
        [
            *recorded("chope", 0, observed_at=complete, started_at=complete, committed_at=complete, records=40),
            *recorded("chope", 0, "failed", None, observed_at=failed, started_at=failed, committed_at=failed),
        ],
    )
    log = AuditLog(settings.ledger_url)
    log.record("backup", {"snapshot": 1}, actor="ada", via="cli", outcome="complete")
    log.record("report", {"what": "compliance", "rate": 0.9375}, actor="ada", via="cli", outcome="complete")
    log.close()
    for _ in range(2):
        state = read_state(settings, list)
        health = health_of(settings, PLATFORMS, state, now)
        assert publish_metrics(settings, samples_of(state, PLATFORMS, health, now), now).problems == {}
    return shell


def shown(shell: Shell, *arguments: str) -> dict[str, dict[tuple[str, str], Any]]:
    """By metric, then by platform and dataset, the present value."""
    document = json.loads(shell.run_in_process("metrics", *arguments, "--json").stdout)
    return {
        metric["name"]: {(each["platform"], each["dataset"]): each["value"] for each in metric["values"]}
        for metric in document["metrics"]
    }


def test_the_present_values_are_those_on_record(watched: Shell) -> None:
    metrics_shown = shown(watched)
    assert metrics_shown["SyncJobsExecuted"][("chope", "")] == 2
    assert metrics_shown["SyncFailures"][("chope", "")] == 1
    assert metrics_shown["SyncFailures"][("keeta", "")] == 0
    assert metrics_shown["RecordsProcessed"][("chope", "restaurants")] == 40
    assert metrics_shown["SyncDuration"] == {("chope", ""): 0}
    assert metrics_shown["BackupSuccess"] == {("", ""): 1}
    assert metrics_shown["ComplianceRate"] == {("", ""): 0.9375}
    assert metrics_shown["DataStaleness"][("chope", "reservations")] < 0.01
    assert metrics_shown["DataQualityScore"] == {}
    text = watched.run_in_process("metrics").stdout
    assert "Not known: DataQualityScore, WatchHeartbeat" in text
    names = {
        family.name
        for family in text_string_to_metric_families(watched.run_in_process("metrics", "--prometheus").stdout)
    }
    assert "sync_platform_sync_failures" in names and "sync_platform_data_quality_score_ratio" not in names


def test_the_metrics_of_one_platform_are_shown_alone(watched: Shell) -> None:
    metrics_shown = shown(watched, "chope")
    assert {platform for values in metrics_shown.values() for platform, _ in values} == {"chope"}
    assert "SyncJobsExecuted" in metrics_shown and "HealthScore" not in metrics_shown


def test_a_home_that_does_not_exist_is_not_created(tmp_path: Path) -> None:
    shell = Shell(tmp_path / "home")
    assert shown(shell)["SyncJobsExecuted"][("chope", "")] == 0
    assert "nothing is on record" in shell.run_in_process("metrics", "history", "HealthScore").stdout
    assert not shell.home.exists()


def test_the_history_of_a_metric_is_shown_and_chosen(watched: Shell) -> None:
    def history(*arguments: str) -> list[dict[str, Any]]:
        return json.loads(watched.run_in_process("metrics", "history", *arguments, "--json").stdout)["rows"]

    assert [(each["platform"], each["value"]) for each in history("SyncFailures")] == [("chope", 0), ("chope", 1)]
    assert len(history("RecordsProcessed", "--platform", "chope", "--dataset", "restaurants")) == 1
    assert history("SyncFailures", "--platform", "keeta") == []
    assert history("SyncFailures", "--since", datetime.now(UTC).isoformat()) == []
    (heartbeat,) = history("watchheartbeat")
    assert (heartbeat["samples"], heartbeat["event"]) == (2, "")
    table = watched.run_in_process("metrics", "history", "DataStaleness", "--platform", "chope").stdout
    assert "chope.restaurants" in table


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("history", "Failures"), "there is no metric 'Failures'; there are SyncJobsExecuted, SyncFailures"),
        (("history", "SyncFailures", "--platform", "nowhere"), "nowhere"),
        (("history", "RecordsProcessed", "--platform", "chope", "--dataset", "posts"), "chope has no dataset 'posts'"),
        (("history", "RecordsProcessed", "--dataset", "restaurants"), "--dataset needs --platform"),
        (("nowhere",), "nowhere"),
        (("--json", "--prometheus"), "one of the two"),
    ],
)
def test_a_wrong_choice_is_refused_with_what_there_is(watched: Shell, arguments: tuple[str, ...], message: str) -> None:
    done = watched.run_in_process("metrics", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert message in done.stderr


def test_sql_reads_the_history_beside_the_lake_which_has_no_commit_of_it(watched: Shell) -> None:
    rows = watched.query(
        "SELECT m.name, m.environment, m.value, r.status FROM monitoring.metrics AS m JOIN sync.runs AS r "
        "ON r.sync_id = m.event WHERE m.name = 'SyncFailures' AND r.dataset IS NULL"
    )
    assert rows == [{"name": "SyncFailures", "environment": "development", "value": 1.0, "status": "failed"}]
    assert watched.query('SELECT count(*) AS n FROM "Monitoring" . Metrics WHERE platform IS NULL')[0]["n"] > 3
    tables = json.loads(watched.run_in_process("tables", "--json").stdout)["tables"]
    (listed,) = (each for each in tables if each["name"] == "monitoring.metrics")
    assert (listed["rows"] > 10, listed["description"][:20]) == (True, "Metrics of 15 months")
    columns = json.loads(watched.run_in_process("tables", "monitoring.metrics", "--json").stdout)["columns"]
    assert [each["name"] for each in columns if not each["description"]] == []
    assert len(columns) == 11
    refused = watched.run_in_process("query", "--as-of", "2026-11-24", "FROM monitoring.metrics")
    assert (refused.returncode, "leave out --as-of" in refused.stderr) == (2, True)
    assert watched.query("SELECT count(*) AS n FROM ducklake_snapshots('lake')")[0]["n"] == 2
