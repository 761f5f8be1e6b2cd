"""Dashboards, alarms and rules are made from the list of metrics, and CloudWatch (moto's server) takes them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from sync_platform.monitoring.cloudwatch_dashboard import cloudwatch_alarms, cloudwatch_dashboard
from sync_platform.monitoring.grafana_dashboard import grafana_dashboard, grafana_query
from sync_platform.monitoring.metric import METRICS
from sync_platform.monitoring.metric_alarm import ALARMS
from sync_platform.monitoring.metrics_table import COLUMNS
from sync_platform.monitoring.prometheus_rules import prometheus_rules
from sync_platform.settings import load_settings
from sync_platform_tests.cli.conftest import Shell
from sync_platform_tests.monitoring.recorded_syncs import PLATFORMS

TOPIC = "arn:aws:sns:ap-southeast-1:123456789012:on-call"
SETTINGS = load_settings(environment="production", sns_topic_arn=TOPIC)
PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


@pytest.fixture
def cloudwatch() -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield boto3.session.Session().client(
        "cloudwatch",
        endpoint_url=f"http://{host}:{port}",
        region_name="ap-southeast-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    server.stop()


def test_the_files_are_what_aws_takes(tmp_path: Path, cloudwatch: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    shell = Shell(tmp_path / "home")
    monkeypatch.setitem(shell.environment, "ENVIRONMENT", "production")
    out = tmp_path / "dashboards"
    done = shell.run_in_process("metrics", "dashboards", "--out", str(out), "--json")
    written = {Path(name).relative_to(out).as_posix() for name in json.loads(done.stdout)["files"]}
    assert written == {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert {"cloudwatch/DataSync-production.json", "grafana/DataSync-production.json"} < written
    assert not shell.home.exists()

    cloudwatch.put_dashboard(**json.loads((out / "cloudwatch" / "DataSync-production.json").read_text()))
    body = json.loads(cloudwatch.get_dashboard(DashboardName="DataSync-production")["DashboardBody"])
    names = {line[1] for widget in body["widgets"] for line in widget["properties"]["metrics"]}
    assert names == {metric.name for metric in METRICS}
    for file in (out / "cloudwatch" / "alarms").iterdir():
        cloudwatch.put_metric_alarm(**json.loads(file.read_text()))
    alarms = cloudwatch.describe_alarms()["MetricAlarms"]
    assert {"DataSync-production-WatchSilent", "DataSync-production-SyncFailed-openrice"} < {
        each["AlarmName"] for each in alarms
    }


def test_an_alarm_watches_each_platform_and_notifies_the_topic() -> None:
    made = cloudwatch_alarms(SETTINGS, sorted(PLATFORMS))
    names = [each["AlarmName"] for each in made]
    assert len(names) == len(set(names)) == 5 + 3 * len(PLATFORMS)
    assert {tuple(each["AlarmActions"]) for each in made} == {(TOPIC,)}
    silent = made[names.index("DataSync-production-WatchSilent")]
    assert (silent["TreatMissingData"], silent["ComparisonOperator"]) == ("breaching", "LessThanThreshold")
    failed = made[names.index("DataSync-production-SyncFailed-chope")]
    assert (failed["TreatMissingData"], failed["Threshold"], failed["Statistic"]) == ("notBreaching", 1, "Sum")
    assert failed["Dimensions"] == [
        {"Name": "Environment", "Value": "production"},
        {"Name": "Platform", "Value": "chope"},
    ]
    (critical,) = (each for each in made if each["MetricName"] == "OpenAlerts")
    assert {"Name": "Severity", "Value": "critical"} in critical["Dimensions"]


def test_a_dashboard_has_a_graph_of_each_metric_with_a_line_of_each_platform() -> None:
    body = json.loads(cloudwatch_dashboard(SETTINGS, sorted(PLATFORMS))["DashboardBody"])
    assert len(body["widgets"]) == len(METRICS)
    lines = {widget["properties"]["metrics"][0][1]: widget["properties"]["metrics"] for widget in body["widgets"]}
    assert [line[-1]["label"] for line in lines["SyncFailures"]] == sorted(PLATFORMS)
    assert lines["HealthScore"] == [["DataSync", "HealthScore", "Environment", "production", {"label": "HealthScore"}]]
    panels = grafana_dashboard("production")["panels"]
    assert [panel["targets"][0]["expr"] for panel in panels] == [grafana_query(metric) for metric in METRICS]


def test_the_rules_have_every_alarm_and_the_dead_man() -> None:
    (group,) = yaml.safe_load(prometheus_rules("staging"))["groups"]
    rules = {rule["alert"]: rule for rule in group["rules"]}
    assert list(rules) == [alarm.name for alarm in ALARMS]
    series = 'sync_platform_watch_heartbeat_timestamp_seconds{environment="staging"}'
    assert rules["WatchSilent"]["expr"] == f"time() - {series} > 600 or absent({series})"
    assert rules["SyncFailed"]["expr"] == 'increase(sync_platform_sync_failures_total{environment="staging"}[900s]) > 0'
    assert rules["QualityLow"]["labels"] == {"severity": "high", "environment": "staging"}
    assert "{{ $labels.platform }}" in rules["DataStale"]["annotations"]["summary"]


def test_the_page_lists_every_metric_every_alarm_and_every_column() -> None:
    text = PAGE.read_text()
    for metric in METRICS:
        dimensions = ", ".join(metric.dimensions) or "none"
        unit = {"None": "none", "Count": "count", "Seconds": "seconds"}[metric.unit]
        cells = (f"`{metric.name}`", f"`{metric.prometheus_name}`", metric.kind, unit, dimensions, metric.help)
        assert f"| {' | '.join(cells)} |" in text
    for alarm in ALARMS:
        limit = f"at least {alarm.at_least:g}" if alarm.at_least is not None else f"below {alarm.below:g}"
        assert f"| `{alarm.name}` | {alarm.severity} | `{alarm.metric.name}` {limit} | {alarm.means} |" in text
    for column in COLUMNS:
        assert f"| `{column.name}` | {column.sql_type} | {column.description} |" in text
