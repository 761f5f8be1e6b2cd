"""Publishing the samples of a round: to the history, to Prometheus' file and to CloudWatch.

What belongs here: the order, and that a place that fails stops neither the others nor the round. The heartbeat comes
first everywhere, because its absence raises the alarm when everything else is silent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING

from sync_platform.errors import SyncError
from sync_platform.monitoring.cloudwatch import data_of, is_accepted, open_cloudwatch_client, put, requests_of
from sync_platform.monitoring.cloudwatch_events import EventSender
from sync_platform.monitoring.metric import WATCH_HEARTBEAT, Sample
from sync_platform.monitoring.metric_history import MetricHistory
from sync_platform.monitoring.prometheus_text import write_prometheus_file
from sync_platform.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient


@dataclass(frozen=True)
class Publication:
    """`problems`: by place (history, Prometheus, CloudWatch), why it failed; empty if all is well."""

    problems: dict[str, str]


def publish_metrics(
    settings: Settings, samples: Iterable[Sample], now: datetime, *, has_heartbeat: bool = True
) -> Publication:
    """Publish the samples of one round; never raises for a place that fails.

    `has_heartbeat`: also that the watch lives and its alerts arrive.
    CloudWatch gets what is measured now, then each sync and backup that it does not have yet.
    """
    known_samples = [*([Sample(WATCH_HEARTBEAT, now, 1)] if has_heartbeat else []), *samples]
    problems: dict[str, str] = {}
    client = cache(lambda: open_cloudwatch_client(settings))
    if settings.prometheus_file:
        file = settings.prometheus_file
        _attempt("Prometheus", lambda: write_prometheus_file(file, known_samples, settings.environment), problems)
    if settings.cloudwatch_metrics:
        _attempt("CloudWatch", lambda: _send_gauges(client(), settings, known_samples, now), problems)
    _attempt("history", lambda: _record(settings, known_samples, now), problems)
    if settings.cloudwatch_metrics and not problems.keys() & {"CloudWatch", "history"}:
        _attempt("CloudWatch", lambda: _send_events(client(), settings, now), problems)
    return Publication(problems)


def _attempt(place: str, publish: Callable[[], None], problems: dict[str, str]) -> None:
    try:
        publish()
    except SyncError as error:
        problems[place] = str(error)
    except Exception as error:  # a defect in a library must not end the round: its alerts are still to be sent
        problems[place] = f"{type(error).__name__}: {error}"


def _send_gauges(client: CloudWatchClient, settings: Settings, samples: Sequence[Sample], now: datetime) -> None:
    gauges = [sample for sample in samples if sample.is_gauge and is_accepted(sample.at, now)]
    for request in requests_of(data_of(gauges, settings.environment)):
        put(client, request, is_repeatable=True)


def _record(settings: Settings, samples: Sequence[Sample], now: datetime) -> None:
    history = MetricHistory(settings.ledger_url, timedelta(days=settings.metric_retention_days))
    try:
        history.record(samples, now)
    finally:
        history.close()


def _send_events(client: CloudWatchClient, settings: Settings, now: datetime) -> None:
    history = MetricHistory(settings.ledger_url)
    try:
        EventSender(history.engine, client, settings.environment).send(now)
    finally:
        history.close()
