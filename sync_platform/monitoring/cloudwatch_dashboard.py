"""The CloudWatch dashboard and alarms of an environment, as the input of `aws cloudwatch`.

What belongs here: CloudWatch's form. The metrics and the limits are those of the two lists.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import orjson

from sync_platform.documents.typed_command import named_command
from sync_platform.monitoring.cloudwatch import NAMESPACE, dimensions_of
from sync_platform.monitoring.metric import METRICS, Metric, Sample
from sync_platform.monitoring.metric_alarm import ALARMS, COUNTED_S, LASTS_S, SILENT_S, MetricAlarm
from sync_platform.monitoring.problem import SEVERITIES
from sync_platform.settings import Settings

PERIOD_S = 300
PANEL_WIDTH, PANEL_HEIGHT, PANELS_PER_ROW = 8, 6, 3
"""A dashboard is 24 units wide."""
NEVER = datetime.min.replace(tzinfo=UTC)


def dashboard_name(settings: Settings) -> str:
    return f"{NAMESPACE}-{settings.environment}"


def cloudwatch_dashboard(settings: Settings, platforms: Sequence[str]) -> dict[str, Any]:
    """The input of `put-dashboard`: one graph per metric, with a line for each platform or severity."""
    widgets = [_widget(number, metric, settings, platforms) for number, metric in enumerate(METRICS)]
    body = orjson.dumps({"start": "-P7D", "periodOverride": "inherit", "widgets": widgets}).decode()
    return {"DashboardName": dashboard_name(settings), "DashboardBody": body}


def cloudwatch_alarms(settings: Settings, platforms: Sequence[str]) -> list[dict[str, Any]]:
    """The inputs of `put-metric-alarm`, one for each alarm and platform. They notify SNS_TOPIC_ARN, if it is set."""
    return [
        _alarm(alarm, sample, settings)
        for alarm in ALARMS
        for sample in _series(alarm.metric, platforms)
        if alarm.only in (None, sample.severity)
    ]


def _series(metric: Metric, platforms: Sequence[str]) -> Iterable[Sample]:
    """A sample of each series that the metric has in CloudWatch; its value and its time are not used."""
    names = platforms if "platform" in metric.dimensions else [""]
    severities = SEVERITIES if "severity" in metric.dimensions else [""]
    return [Sample(metric, NEVER, 0, platform, severity=severity) for platform in names for severity in severities]


def _widget(number: int, metric: Metric, settings: Settings, platforms: Sequence[str]) -> dict[str, Any]:
    lines = [
        [
            NAMESPACE,
            metric.name,
            *(part for dimension in _dimensions(sample, settings) for part in dimension),
            _label(sample),
        ]
        for sample in _series(metric, platforms)
    ]
    row, column = divmod(number, PANELS_PER_ROW)
    return {
        "type": "metric",
        "x": column * PANEL_WIDTH,
        "y": row * PANEL_HEIGHT,
        "width": PANEL_WIDTH,
        "height": PANEL_HEIGHT,
        "properties": {
            "title": f"{metric.name}: {metric.help}",
            "region": settings.aws_region,
            "view": "timeSeries",
            "stat": metric.statistic,
            "period": PERIOD_S,
            "metrics": lines,
        },
    }


def _dimensions(sample: Sample, settings: Settings) -> list[tuple[str, str]]:
    return [(each["Name"], each["Value"]) for each in dimensions_of(sample, settings.environment)]


def _label(sample: Sample) -> dict[str, str]:
    return {"label": sample.platform or sample.severity or sample.metric.name}


def _alarm(alarm: MetricAlarm, sample: Sample, settings: Settings) -> dict[str, Any]:
    parts = [dashboard_name(settings), alarm.name, sample.platform]
    topics = [settings.sns_topic_arn] if settings.sns_topic_arn else []
    return {
        "AlarmName": "-".join(filter(None, parts)),
        "AlarmDescription": f"{alarm.severity}: {alarm.means} See more: {named_command(*alarm.command)}",
        "Namespace": NAMESPACE,
        "MetricName": alarm.metric.name,
        "Dimensions": dimensions_of(sample, settings.environment),
        "Statistic": alarm.metric.statistic,
        "Period": PERIOD_S,
        **_evaluation(alarm),
        "Threshold": alarm.limit,
        "ComparisonOperator": "LessThanThreshold" if alarm.below is not None else "GreaterThanOrEqualToThreshold",
        "AlarmActions": topics,
        "OKActions": topics,
    }


def _evaluation(alarm: MetricAlarm) -> dict[str, Any]:
    """How many periods count. An event is sent at the time when it ended, so it may lie in an earlier period."""
    if alarm.metric.kind == "count":
        return {
            "EvaluationPeriods": COUNTED_S // PERIOD_S,
            "DatapointsToAlarm": 1,
            "TreatMissingData": "notBreaching",
        }
    lasts = (SILENT_S if alarm.is_raised_by_silence else LASTS_S) // PERIOD_S
    missing = "breaching" if alarm.is_raised_by_silence else "missing"
    return {"EvaluationPeriods": lasts, "DatapointsToAlarm": lasts, "TreatMissingData": missing}
