"""The alarms as alerting rules of Prometheus, in YAML.

What belongs here: Prometheus' form. A rule names the environment, so that one Prometheus can have rules of several.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

from sync_platform.documents.typed_command import named_command
from sync_platform.monitoring.metric_alarm import ALARMS, COUNTED_S, LASTS_S, SILENT_S, MetricAlarm

SERIES = {"platform": " of {{ $labels.platform }}", "dataset": ".{{ $labels.dataset }}"}


def prometheus_rules(environment: str) -> str:
    """The file of rules: `promtool check rules` accepts it."""
    return "\n".join(["groups:", f"  - name: sync_platform_{environment}", "    rules:", *_rules(environment), ""])


def _rules(environment: str) -> Iterator[str]:
    for alarm in ALARMS:
        lasts = LASTS_S if alarm.metric.kind == "gauge" and not alarm.is_raised_by_silence else 0
        subject = "".join(text for name, text in SERIES.items() if name in alarm.metric.dimensions)
        yield f"      - alert: {alarm.name}"
        yield f"        expr: {_quoted(_expression(alarm, environment))}"
        yield f"        for: {lasts}s"
        yield "        labels:"
        yield f"          severity: {alarm.severity}"
        yield f"          environment: {environment}"
        yield "        annotations:"
        yield f"          summary: {_quoted(f'{alarm.name}{subject} ({environment})')}"
        yield f"          description: {_quoted(alarm.means)}"
        yield f"          command: {_quoted(named_command(*alarm.command))}"


def _expression(alarm: MetricAlarm, environment: str) -> str:
    only = f', severity="{alarm.only}"' if alarm.only else ""
    series = f'{alarm.metric.prometheus_name}{{environment="{environment}"{only}}}'
    if alarm.is_raised_by_silence:
        return f"time() - {series} > {SILENT_S} or absent({series})"
    if alarm.metric.kind == "count":
        return f"increase({series}[{COUNTED_S}s]) > 0"
    comparison = "<" if alarm.below is not None else ">="
    return f"{series} {comparison} {alarm.limit:g}"


def _quoted(text: str) -> str:
    """A text in quotation marks, which JSON and YAML have in common."""
    return json.dumps(text, ensure_ascii=False)
