"""The samples in Prometheus' text format, for the textfile collector of node_exporter and for an endpoint.

What belongs here: what CloudWatch adds up, Prometheus reads as totals since ever. They follow from all syncs and
backups on record, so no process has to keep them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, write_to_textfile
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, SummaryMetricFamily
from prometheus_client.metrics_core import Metric as Family
from prometheus_client.registry import Collector

from sync_platform.errors import StorageError
from sync_platform.monitoring.metric import METRICS, WATCH_HEARTBEAT, Metric, Sample
from sync_platform.storage.full_disk import reason_of

READABLE_BY_ALL = 0o644
"""node_exporter runs as another user."""


def prometheus_text(samples: Iterable[Sample], environment: str) -> str:
    """The text of all samples; a metric without a sample is absent."""
    return generate_latest(_registry(samples, environment)).decode()


def write_prometheus_file(path: Path, samples: Iterable[Sample], environment: str) -> None:
    """Write the text to a file that appears only when it is complete; StorageError where it cannot be written."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_to_textfile(str(path), _registry(samples, environment))
        path.chmod(READABLE_BY_ALL)
    except OSError as error:
        raise StorageError(f"PROMETHEUS_FILE={str(path)!r} cannot be written: {reason_of(error)}") from None


class _Samples(Collector):
    def __init__(self, samples: Iterable[Sample], environment: str) -> None:
        self._samples, self._environment = list(samples), environment

    def collect(self) -> Iterator[Family]:
        for metric in METRICS:
            samples = [sample for sample in self._samples if sample.metric is metric]
            if samples:
                yield _family(metric, samples, self._environment)


def _registry(samples: Iterable[Sample], environment: str) -> CollectorRegistry:
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Samples(samples, environment))
    return registry


def _family(metric: Metric, samples: Sequence[Sample], environment: str) -> Family:
    labels = ("environment", *metric.dimensions)
    by_labels: dict[tuple[str, ...], list[Sample]] = {}
    for sample in samples:
        values = (environment, *(getattr(sample, name) for name in metric.dimensions))
        by_labels.setdefault(values, []).append(sample)
    text = f"{metric.help} ({metric.name})."
    if metric.kind == "count":
        counter = CounterMetricFamily(metric.prometheus_name, text, labels=labels)
        for values, found_samples in by_labels.items():
            counter.add_metric(values, sum(each.value for each in found_samples))
        return counter
    if metric.kind == "duration":
        summary = SummaryMetricFamily(metric.prometheus_name, text, labels=labels)
        for values, found_samples in by_labels.items():
            summary.add_metric(
                values, count_value=len(found_samples), sum_value=sum(each.value for each in found_samples)
            )
        return summary
    gauge = GaugeMetricFamily(metric.prometheus_name, text, labels=labels)
    for values, found_samples in by_labels.items():
        newest = max(found_samples, key=lambda each: each.at)
        gauge.add_metric(values, newest.at.timestamp() if metric is WATCH_HEARTBEAT else newest.value)
    return gauge
