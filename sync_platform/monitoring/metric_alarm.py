"""The alarms on metrics, one list for CloudWatch and Prometheus.

What belongs here: which value of which metric is wrong, and for how long. These alarms are raised outside of this
program. They are few, because its own alerts say more; the first one is raised when this program is silent.
"""

from __future__ import annotations

from dataclasses import dataclass

from sync_platform.monitoring.metric import (
    BACKUP_FAILURES,
    COMPLIANCE_RATE,
    DATA_QUALITY_SCORE,
    DATA_STALENESS,
    HEALTH_SCORE,
    OPEN_ALERTS,
    SYNC_FAILURES,
    WATCH_HEARTBEAT,
    Metric,
)
from sync_platform.monitoring.problem import Severity

SILENT_S = 600
"""How long no round may end before the alarm is raised."""
LASTS_S = 600
"""How long the value of a gauge must be wrong."""
COUNTED_S = 900
"""For how long after an event its alarm stays raised."""


@dataclass(frozen=True)
class MetricAlarm:
    """One alarm. It is raised where the value is at least `at_least`, or is less than `below`; None: no such limit.

    A count is added up over `COUNTED_S`. `is_raised_by_silence`: also where there is no value at all. `only`: the
    severity of the alerts that are counted. `means`: a sentence. `command`: its words, without the program's name.
    """

    name: str
    metric: Metric
    severity: Severity
    means: str
    command: tuple[str, ...]
    at_least: float | None = None
    below: float | None = None
    is_raised_by_silence: bool = False
    only: Severity | None = None

    @property
    def limit(self) -> float:
        return self.at_least if self.at_least is not None else self.below or 0.0


ALARMS = (
    MetricAlarm(
        "WatchSilent",
        WATCH_HEARTBEAT,
        "critical",
        "No round of the watch has ended for ten minutes, so no message about any other problem is sent.",
        ("watch", "--once"),
        below=1,
        is_raised_by_silence=True,
    ),
    MetricAlarm("SyncFailed", SYNC_FAILURES, "critical", "A sync failed.", ("status",), at_least=1),
    MetricAlarm(
        "BackupFailed", BACKUP_FAILURES, "critical", "A backup failed.", ("audit", "--operation", "backup"), at_least=1
    ),
    MetricAlarm(
        "AlertCritical",
        OPEN_ALERTS,
        "critical",
        "A critical alert is open.",
        ("alerts", "list"),
        at_least=1,
        only="critical",
    ),
    MetricAlarm("Unhealthy", HEALTH_SCORE, "critical", "The health score is below 50 of 100.", ("health",), below=50),
    MetricAlarm(
        "QualityLow",
        DATA_QUALITY_SCORE,
        "high",
        "The quality score of a dataset is below 90 %.",
        ("quality",),
        below=0.9,
    ),
    MetricAlarm(
        "ComplianceNotMet",
        COMPLIANCE_RATE,
        "high",
        "The newest compliance report has an obligation that is not met.",
        ("audit", "--operation", "report"),
        below=1,
    ),
    MetricAlarm(
        "DataStale",
        DATA_STALENESS,
        "medium",
        "No full sync was complete for 37 days (weekly: 8 days).",
        ("freshness",),
        at_least=0.6,
    ),
)
