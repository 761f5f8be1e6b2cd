"""`sync-platform metrics`: the present values of all metrics."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.monitoring.present_state import read_present_state
from sync_platform.cli.output import console, write_json
from sync_platform.documents.fitted_table import FittedTable
from sync_platform.documents.local_time import local_minute
from sync_platform.errors import UsageError
from sync_platform.monitoring.metric import METRICS, Metric
from sync_platform.monitoring.present_samples import present_samples
from sync_platform.monitoring.present_values import PresentValue, present_values
from sync_platform.monitoring.prometheus_text import prometheus_text
from sync_platform.platforms import choose, load_platforms
from sync_platform.settings import load_settings

COLUMNS = ("metric", "of", "value", "unit", "as of")
UNITS = {"Count": "", "Seconds": "s", "None": ""}


def show_metrics(platform: str | None, *, as_prometheus: bool, as_json: bool) -> int:
    """Show the present values, all or those of one platform; 0. UsageError for two formats or an unknown platform."""
    if as_prometheus and as_json:
        raise UsageError("--json and --prometheus: one of the two")
    settings, now = load_settings(), datetime.now(UTC)
    platforms = load_platforms(settings.platform_path)
    if platform:
        choose(platforms, [platform])
    state = read_present_state(settings, now)
    samples = [
        sample for sample in present_samples(settings, platforms, state, now) if platform in (None, sample.platform)
    ]
    if as_prometheus:
        sys.stdout.write(prometheus_text(samples, settings.environment))
        return OK
    metrics = [metric for metric in METRICS if platform is None or "platform" in metric.dimensions]
    values_by_metric = [(metric, present_values(metric, samples)) for metric in metrics]
    if as_json:
        documents = [_document(metric, values) for metric, values in values_by_metric]
        write_json({"made_at": now, "environment": settings.environment, "metrics": documents})
    else:
        _show(values_by_metric)
    return OK


def _document(metric: Metric, values: Sequence[PresentValue]) -> dict[str, Any]:
    return {
        "name": metric.name,
        "prometheus_name": metric.prometheus_name,
        "kind": metric.kind,
        "unit": metric.unit,
        "help": metric.help,
        "values": [asdict(value) for value in values],
    }


def _show(values_by_metric: Sequence[tuple[Metric, Sequence[PresentValue]]]) -> None:
    table = FittedTable(COLUMNS, numbers=("value",), unbroken=("as of",), optional=("unit", "as of"))
    for metric, values in values_by_metric:
        for value in values:
            table.add_row(
                metric.name,
                ".".join(filter(None, (value.platform, value.dataset, value.severity))),
                number(value.value),
                UNITS[metric.unit],
                local_minute(value.at) if value.at else "",
            )
    terminal = console()
    terminal.print_table(table)
    absent = [metric.name for metric, values in values_by_metric if not values]
    if absent:
        terminal.print(f"Not known: {', '.join(absent)}", soft_wrap=True)


def number(value: float) -> str:
    """A value as people read it."""
    return f"{value:,.0f}" if value == int(value) else f"{value:,.4g}"
