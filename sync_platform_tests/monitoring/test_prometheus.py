"""Prometheus: the text and the rules are valid for its own tools, and a real server reads and evaluates them."""

from __future__ import annotations

import http.server
import os
import shutil
import socket
import stat
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

from sync_platform.errors import SettingsError
from sync_platform.monitoring.grafana_dashboard import grafana_query
from sync_platform.monitoring.metric import (
    HEALTH_SCORE,
    METRICS,
    OPEN_ALERTS,
    RECORDS_PROCESSED,
    SYNC_DURATION,
    SYNC_FAILURES,
    SYNC_JOBS_EXECUTED,
    WATCH_HEARTBEAT,
    Sample,
)
from sync_platform.monitoring.metric_publication import publish_metrics
from sync_platform.monitoring.prometheus_rules import prometheus_rules
from sync_platform.monitoring.prometheus_text import prometheus_text
from sync_platform.settings import load_settings
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.monitoring.recorded_syncs import NOW
from sync_platform_tests.services import IS_ANOTHER_DAY, NOT_TESTED

DIMENSIONS = ("platform", "dataset", "severity")


def samples(now: datetime = NOW) -> list[Sample]:
    """Two syncs, one of which failed, and one value of every gauge."""
    earlier = now - timedelta(days=2)
    syncs = [
        Sample(metric, earlier, value, "chope", event=event)
        for event, failed, duration in (("one", 0, 60.0), ("two", 1, 30.0))
        for metric, value in ((SYNC_JOBS_EXECUTED, 1), (SYNC_FAILURES, failed), (SYNC_DURATION, duration))
    ]
    gauges = [
        Sample(metric, now, 0.25, *("chope", "restaurants")[: len(metric.dimensions)])
        for metric in METRICS
        if metric.kind == "gauge" and metric not in (OPEN_ALERTS, WATCH_HEARTBEAT)
    ]
    return [
        *syncs,
        Sample(SYNC_FAILURES, now, 0, "keeta"),
        Sample(RECORDS_PROCESSED, earlier, 40, "chope", "restaurants", event="one"),
        *gauges,
        Sample(OPEN_ALERTS, now, 2, severity="critical"),
        Sample(WATCH_HEARTBEAT, now, 1),
    ]


def values(text: str) -> dict[tuple[str, str], float]:
    """By name, and by platform, dataset or severity."""
    return {
        (each.name, ".".join(each.labels[name] for name in DIMENSIONS if name in each.labels)): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def test_what_cloudwatch_adds_up_are_totals_in_prometheus() -> None:
    totals = values(prometheus_text(samples(), "staging"))
    assert totals[("sync_platform_sync_jobs_executed_total", "chope")] == 2
    assert totals[("sync_platform_sync_failures_total", "chope")] == 1
    assert totals[("sync_platform_sync_failures_total", "keeta")] == 0
    assert totals[("sync_platform_sync_duration_seconds_sum", "chope")] == 90
    assert totals[("sync_platform_sync_duration_seconds_count", "chope")] == 2
    assert totals[("sync_platform_records_processed_total", "chope.restaurants")] == 40
    assert totals[("sync_platform_data_staleness_ratio", "chope.restaurants")] == 0.25
    assert totals[("sync_platform_open_alerts", "critical")] == 2
    assert totals[("sync_platform_watch_heartbeat_timestamp_seconds", "")] == NOW.timestamp()


def test_a_metric_that_is_not_known_is_absent() -> None:
    assert "sync_platform_data_staleness_ratio" not in prometheus_text([Sample(HEALTH_SCORE, NOW, 90)], "staging")


def test_the_file_is_complete_and_readable_by_all_and_nothing_else_stays(tmp_path: Path) -> None:
    file = tmp_path / "collector" / "sync_platform.prom"
    settings = load_settings(sync_home=tmp_path / "home", prometheus_file=file)
    old = os.umask(0o077)
    try:
        for _ in range(2):
            assert publish_metrics(settings, samples()[:-1], NOW).problems == {}
    finally:
        os.umask(old)
    assert file.read_text() == prometheus_text(samples(), "development")
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert list(file.parent.iterdir()) == [file]


def test_a_file_that_node_exporter_does_not_read_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"PROMETHEUS_FILE=.*must end in \.prom"):
        load_settings(prometheus_file="/metrics.txt")


def program(name: str) -> str:
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"Prometheus {NOT_TESTED}: there is no `{name}` (apt-get install prometheus)")
    return path


def test_promtool_accepts_the_text_and_the_rules(tmp_path: Path) -> None:
    promtool, rules = program("promtool"), tmp_path / "rules.yml"
    text = prometheus_text(samples(), "production").encode()
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    rules.write_text(prometheus_rules("production"))
    done = subprocess.run([promtool, "check", "rules", rules], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 rules found" in done.stdout


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    """A target that Prometheus scrapes; returns its port."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        extensions_map = {"": "text/plain; version=0.0.4"}

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


CONFIGURATION = """\
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: sync_platform
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


@contextmanager
def prometheus(folder: Path, target: int) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """A real server over a target; gives a function that answers a query."""
    binary = program("prometheus")
    (folder / "prometheus.yml").write_text(CONFIGURATION.format(port=target))
    (folder / "rules.yml").write_text(prometheus_rules("staging"))
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    options = [f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'data'}"]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [binary, *options, f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=subprocess.STDOUT
        )
    try:
        yield (
            lambda query: (
                httpx.get(f"http://127.0.0.1:{port}/api/v1/query", params={"query": query}, timeout=10)
                .raise_for_status()
                .json()["data"]["result"]
            )
        )
    finally:
        process.terminate()
        process.wait(30)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_S
    while True:
        try:
            if holds():
                return
        except httpx.HTTPError:
            pass
        assert time.monotonic() < deadline, "it never holds"
        time.sleep(0.2)


@pytest.mark.full
@pytest.mark.skipif(IS_ANOTHER_DAY, reason="Prometheus is a statically linked program and keeps the real day")
def test_a_real_prometheus_reads_the_values_and_raises_the_alarm_when_rounds_stop(tmp_path: Path) -> None:
    target, now = tmp_path / "target", datetime.now(UTC)
    target.mkdir()
    (target / "metrics").write_text(prometheus_text(samples(now), "staging"))
    with serving(target) as port, prometheus(tmp_path, port) as asked:
        until(lambda: len(asked('sync_platform_data_staleness_ratio{environment="staging"}')) == 1)
        (failures,) = asked('sync_platform_sync_failures_total{platform="chope"}')
        assert failures["value"][1] == "1"
        for metric in METRICS:
            asked(grafana_query(metric).replace("$environment", "staging"))
        assert asked('ALERTS{alertname="WatchSilent"}') == []

        (target / "metrics").write_text(prometheus_text(samples(now - timedelta(minutes=11)), "staging"))
        until(lambda: len(asked('ALERTS{alertname="WatchSilent", alertstate="firing"}')) == 1)
        (target / "metrics").write_text(prometheus_text(samples(now)[:-1], "staging"))
        until(lambda: asked("absent(sync_platform_watch_heartbeat_timestamp_seconds)") != [])
        until(lambda: len(asked('ALERTS{alertname="WatchSilent", alertstate="firing"}')) == 1)

        more = [*samples(), Sample(SYNC_FAILURES, now, 1, "keeta", event="three")]
        (target / "metrics").write_text(prometheus_text(more, "staging"))
        until(lambda: bool(asked('ALERTS{alertname="SyncFailed", platform="keeta", alertstate="firing"}')))
        assert asked('ALERTS{alertname="SyncFailed", platform="chope"}') == []  # it failed before
