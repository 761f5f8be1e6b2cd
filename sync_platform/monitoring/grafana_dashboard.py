"""The Grafana dashboard over Prometheus, as JSON to import.

What belongs here: Grafana's form. It asks for the data source and the environment.
"""

from __future__ import annotations

from typing import Any

from sync_platform.monitoring.cloudwatch import NAMESPACE
from sync_platform.monitoring.metric import METRICS, WATCH_HEARTBEAT, Metric

SCHEMA_VERSION = 39
PANEL_WIDTH, PANEL_HEIGHT, PANELS_PER_ROW = 8, 8, 3
"""A dashboard is 24 units wide."""
SOURCE = {"type": "prometheus", "uid": "${source}"}
UNITS = {"Seconds": "s", "Count": "short", "None": "none"}
ENVIRONMENT_FILTER = '{environment="$environment"}'


def grafana_dashboard(environment: str) -> dict[str, Any]:
    """The dashboard: one panel per metric. `environment`: the one that it shows first."""
    name = f"{NAMESPACE}-{environment}"
    return {
        "uid": name.lower(),
        "title": name,
        "tags": ["sync-platform"],
        "timezone": "",
        "schemaVersion": SCHEMA_VERSION,
        "refresh": "1m",
        "time": {"from": "now-7d", "to": "now"},
        "templating": {"list": [_source_choice(), _environment_choice(environment)]},
        "panels": [_panel(number, metric) for number, metric in enumerate(METRICS)],
    }


def _source_choice() -> dict[str, Any]:
    return {"name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _environment_choice(environment: str) -> dict[str, Any]:
    return {
        "name": "environment",
        "label": "Environment",
        "type": "query",
        "datasource": SOURCE,
        "query": f"label_values({WATCH_HEARTBEAT.prometheus_name}, environment)",
        "current": {"text": environment, "value": environment},
        "refresh": 2,
    }


def _panel(number: int, metric: Metric) -> dict[str, Any]:
    row, column = divmod(number, PANELS_PER_ROW)
    is_age = metric is WATCH_HEARTBEAT
    title = "age in seconds" if is_age else "mean of a day" if metric.kind == "duration" else metric.help
    limits = {"min": 0, "max": 1} if metric.prometheus_ending == "_ratio" else {"min": 0}
    return {
        "id": number + 1,
        "type": "timeseries",
        "title": metric.name,
        "description": f"{metric.help} ({title})" if title != metric.help else metric.help,
        "datasource": SOURCE,
        "gridPos": {"x": column * PANEL_WIDTH, "y": row * PANEL_HEIGHT, "w": PANEL_WIDTH, "h": PANEL_HEIGHT},
        "fieldConfig": {"defaults": {"unit": "s" if is_age else UNITS[metric.unit], **limits}, "overrides": []},
        "targets": [
            {"refId": "A", "datasource": SOURCE, "expr": grafana_query(metric), "legendFormat": _legend(metric)}
        ],
    }


def grafana_query(metric: Metric) -> str:
    """The PromQL of a panel."""
    series = f"{metric.prometheus_name}{ENVIRONMENT_FILTER}"
    if metric is WATCH_HEARTBEAT:
        return f"time() - {series}"
    if metric.kind == "count":
        return f"increase({series}[1d])"
    if metric.kind == "duration":
        sums, counts = (f"{metric.prometheus_name}{part}{ENVIRONMENT_FILTER}[1d]" for part in ("_sum", "_count"))
        return f"increase({sums}) / (increase({counts}) > 0)"
    return series


def _legend(metric: Metric) -> str:
    return ".".join(f"{{{{{name}}}}}" for name in metric.dimensions) or metric.name
