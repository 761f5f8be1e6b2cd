"""The metrics of an installation: one list, from which everything else is made.

What belongs here: what a metric is, and the list. CloudWatch, Prometheus, history, dashboards, alarms and the table in
docs/metrics.md take names, units and meanings from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal["count", "duration", "gauge"]
"""count: what happened, added up. duration: how long each event took. gauge: a value that is measured each round."""
Unit = Literal["Count", "Seconds", "None"]
"""CloudWatch's unit. A share from 0 to 1 and a score have the unit None."""
Statistic = Literal["Sum", "Average", "Minimum", "Maximum"]
Dimension = Literal["platform", "dataset", "severity"]
PREFIX = "sync_platform"


@dataclass(frozen=True)
class Metric:
    """One metric. Every metric also has the dimension `environment`.

    `statistic`: how its values of a time are one value in CloudWatch. `prometheus_ending`: the end of its name in
    Prometheus, which names the unit.
    """

    name: str
    kind: Kind
    unit: Unit
    statistic: Statistic
    dimensions: tuple[Dimension, ...]
    prometheus_ending: str
    help: str

    @property
    def prometheus_name(self) -> str:
        """Such as `sync_platform_sync_failures_total` for SyncFailures."""
        words = re.sub(r"(?<!^)(?=[A-Z])", "_", self.name).lower()
        return f"{PREFIX}_{words}{self.prometheus_ending}"


SYNC_JOBS_EXECUTED = Metric(
    "SyncJobsExecuted", "count", "Count", "Sum", ("platform",), "_total", "Syncs of a platform that ended, in any state"
)
SYNC_FAILURES = Metric(
    "SyncFailures", "count", "Count", "Sum", ("platform",), "_total", "Syncs of a platform that failed"
)
SYNC_DURATION = Metric(
    "SyncDuration",
    "duration",
    "Seconds",
    "Average",
    ("platform",),
    "_seconds",
    "Time from the start of a sync to its last commit",
)
RECORDS_PROCESSED = Metric(
    "RecordsProcessed", "count", "Count", "Sum", ("platform", "dataset"), "_total", "Records that syncs received"
)
DATA_STALENESS = Metric(
    "DataStaleness",
    "gauge",
    "None",
    "Maximum",
    ("platform", "dataset"),
    "_ratio",
    "Age of the data, from 0 (new) to 1 (twice the cadence since the last complete full sync)",
)
DATA_QUALITY_SCORE = Metric(
    "DataQualityScore",
    "gauge",
    "None",
    "Minimum",
    ("platform", "dataset"),
    "_ratio",
    "Overall quality score of the newest period, from 0 to 1",
)
BACKUP_SUCCESS = Metric("BackupSuccess", "count", "Count", "Sum", (), "_total", "Backups that were completed")
BACKUP_FAILURES = Metric("BackupFailures", "count", "Count", "Sum", (), "_total", "Backups that failed")
COMPLIANCE_RATE = Metric(
    "ComplianceRate",
    "gauge",
    "None",
    "Minimum",
    (),
    "_ratio",
    "Share of the checked obligations that are met, from 0 to 1, in the newest compliance report",
)
HEALTH_SCORE = Metric(
    "HealthScore", "gauge", "None", "Minimum", (), "", "Health score of the installation, from 0 to 100"
)
OPEN_ALERTS = Metric("OpenAlerts", "gauge", "Count", "Maximum", ("severity",), "", "Alerts that are open")
WATCH_HEARTBEAT = Metric(
    "WatchHeartbeat",
    "gauge",
    "Count",
    "Sum",
    (),
    "_timestamp_seconds",
    "The sign that rounds go on: 1 a round in CloudWatch, the time of the last round in Prometheus",
)
METRICS = (
    SYNC_JOBS_EXECUTED,
    SYNC_FAILURES,
    SYNC_DURATION,
    RECORDS_PROCESSED,
    DATA_STALENESS,
    DATA_QUALITY_SCORE,
    BACKUP_SUCCESS,
    BACKUP_FAILURES,
    COMPLIANCE_RATE,
    HEALTH_SCORE,
    OPEN_ALERTS,
    WATCH_HEARTBEAT,
)
BY_NAME = {metric.name: metric for metric in METRICS}


@dataclass(frozen=True)
class Sample:
    """One value of a metric. A dimension that it does not have is empty.

    `at`: when it was measured, or when the event ended. `event`: the id of the sync or the backup of a count or a
    duration, so that it counts once; empty for a gauge, and for the 0 of a platform that has no event yet.
    """

    metric: Metric
    at: datetime
    value: float
    platform: str = ""
    dataset: str = ""
    severity: str = ""
    event: str = ""

    @property
    def is_of_event(self) -> bool:
        return bool(self.event)

    @property
    def is_gauge(self) -> bool:
        return self.metric.kind == "gauge"
