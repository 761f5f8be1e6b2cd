"""The history of metrics: each event once, one row of a gauge an hour, for 15 months, and a table of SQL."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from sync_platform.errors import StorageError
from sync_platform.monitoring.metric import DATA_STALENESS, OPEN_ALERTS, RECORDS_PROCESSED, SYNC_JOBS_EXECUTED, Sample
from sync_platform.monitoring.metric_history import HistoryRow, MetricHistory
from sync_platform.monitoring.metric_publication import publish_metrics
from sync_platform.monitoring.metrics_table import COLUMNS, add_metrics_table
from sync_platform.settings import load_settings
from sync_platform_tests.monitoring.recorded_syncs import NOW
from sync_platform_tests.services import PostgresServer

KEPT = timedelta(days=456)
EVER = NOW - KEPT
JOB = Sample(SYNC_JOBS_EXECUTED, NOW - timedelta(hours=3), 1, "chope", event="s")
RECORDS = Sample(RECORDS_PROCESSED, NOW - timedelta(hours=3), 40, "chope", "restaurants", event="s")


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.sqlite'}"
    server: PostgresServer = request.getfixturevalue("postgres_server")
    return server.url(server.create_database())


@pytest.fixture
def history(url: str) -> Iterator[MetricHistory]:
    opened = MetricHistory(url, KEPT)
    yield opened
    opened.close()


def staleness(value: float, at: datetime = NOW) -> Sample:
    return Sample(DATA_STALENESS, at, value, "chope", "restaurants")


def test_an_event_is_stored_once_however_often_it_is_measured(history: MetricHistory) -> None:
    for _ in range(3):
        history.record([JOB, RECORDS], NOW)
    history.record([replace(RECORDS, dataset="reservations", value=7)], NOW)  # committed later
    (job,) = history.rows("SyncJobsExecuted", EVER)
    assert job == HistoryRow(JOB.at, "chope", "", "", 1, 1, 1, 1, "s")
    assert [each.value for each in history.rows("RecordsProcessed", EVER, platform="chope")] == [7, 40]
    assert [each.value for each in history.rows("RecordsProcessed", EVER, dataset="restaurants")] == [40]
    assert history.rows("RecordsProcessed", EVER, platform="keeta") == []


def test_a_gauge_has_one_row_an_hour_with_its_last_smallest_and_largest_value(history: MetricHistory) -> None:
    for minute, value in ((0, 0.5), (20, 0.1), (40, 0.9), (59, 0.3), (60, 0.2)):
        history.record([staleness(value, NOW + timedelta(minutes=minute))], NOW)
    first, second = history.rows("DataStaleness", NOW)
    assert first == HistoryRow(NOW, "chope", "restaurants", "", 0.3, 0.1, 0.9, 4, "")
    assert (second.at, second.value, second.samples) == (NOW + timedelta(hours=1), 0.2, 1)
    assert history.rows("DataStaleness", NOW + timedelta(minutes=70)) == [second]


def test_the_0_before_the_first_event_is_no_row(history: MetricHistory) -> None:
    history.record([replace(JOB, value=0, event="")], NOW)
    assert history.rows("SyncJobsExecuted", EVER) == []


def test_what_is_past_its_retention_is_deleted_and_not_stored_again(history: MetricHistory) -> None:
    at = NOW - KEPT + timedelta(hours=2)
    old = [replace(JOB, at=at), staleness(0.5, at)]
    history.record(old, NOW)
    assert history.delete_older(NOW - KEPT) == {"metric_events": 0, "metric_hours": 0}
    assert len(history.rows("SyncJobsExecuted", EVER)) == len(history.rows("DataStaleness", EVER)) == 1
    later = NOW + timedelta(days=1)
    assert history.count_older(later - KEPT) == {"metric_events": 1, "metric_hours": 1}
    assert history.delete_older(later - KEPT) == {"metric_events": 1, "metric_hours": 1}
    history.record([old[0]], later)
    assert history.rows("SyncJobsExecuted", EVER) == history.rows("DataStaleness", EVER) == []


def test_sql_reads_the_history_as_one_table(history: MetricHistory, url: str, tmp_path: Path) -> None:
    settings = load_settings(sync_home=tmp_path, ledger=url, environment="staging")
    history.record([JOB, RECORDS, staleness(0.5), Sample(OPEN_ALERTS, NOW, 2, severity="high")], NOW)
    session = duckdb.connect()
    session.execute("SET TimeZone = 'UTC'")
    add_metrics_table(session, settings)
    rows = session.execute("FROM monitoring.metrics ORDER BY name").fetchall()
    assert rows == [
        (NOW, "DataStaleness", "staging", "chope", "restaurants", None, 0.5, 0.5, 0.5, 1, None),
        (NOW, "OpenAlerts", "staging", None, None, "high", 2, 2, 2, 1, None),
        (RECORDS.at, "RecordsProcessed", "staging", "chope", "restaurants", None, 40, 40, 40, 1, "s"),
        (JOB.at, "SyncJobsExecuted", "staging", "chope", None, None, 1, 1, 1, 1, "s"),
    ]
    query = "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = 'metrics'"
    types = {"TIMESTAMPTZ": "TIMESTAMP WITH TIME ZONE"}
    declared = [(each.name, types.get(each.sql_type, each.sql_type), each.description) for each in COLUMNS]
    assert session.execute(query).fetchall() == declared


def test_without_a_ledger_the_table_is_empty_and_no_ledger_is_made(tmp_path: Path) -> None:
    session = duckdb.connect()
    add_metrics_table(session, load_settings(sync_home=tmp_path / "home"))
    assert session.execute("FROM monitoring.metrics").fetchall() == []
    assert not (tmp_path / "home").exists()


def test_a_table_that_is_gone_is_reported_and_the_heartbeat_is_still_written(tmp_path: Path) -> None:
    settings = load_settings(sync_home=tmp_path, prometheus_file=tmp_path / "metrics.prom")
    assert publish_metrics(settings, [JOB], NOW).problems == {}
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as database:
        database.execute("DROP TABLE metric_events")
    problems = publish_metrics(settings, [JOB], NOW + timedelta(minutes=1)).problems
    assert "no such table: metric_events" in problems["history"]
    (heartbeat,) = re.findall(r"^sync_platform_watch_heartbeat.*} (.*)$", (tmp_path / "metrics.prom").read_text(), re.M)
    assert float(heartbeat) == (NOW + timedelta(minutes=1)).timestamp()
    with pytest.raises(StorageError, match="has no table metric_events any more"):
        add_metrics_table(duckdb.connect(), settings)
