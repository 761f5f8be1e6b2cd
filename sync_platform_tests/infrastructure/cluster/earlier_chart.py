"""The chart as Kubernetes 1.20 takes it. All that differs from the one that is shipped is listed here."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from sync_platform_tests.infrastructure.chart import CHART, MANIFEST

DIFFERENCES = {
    "apiVersion: policy/v1\n": "apiVersion: policy/v1beta1\n",
    "grpc: {port: 4266, service: DagsterApi}": "tcpSocket: {port: 4266}",
    "matchLabelKeys": "# not there: ",
}
"""1.20 has no probe of gRPC, spreads pods of all versions together, and disruption budgets are beta."""
ITS_VERSION = {'kubeVersion: ">=1.30.0-0"\n': ""}


def earlier_manifest() -> Iterator[dict[str, Any]]:
    """Each object that `kubectl apply` makes of the plain manifest, with the differences."""
    text = MANIFEST.read_text()
    for shipped, earlier in DIFFERENCES.items():
        assert shipped in text, f"the manifest has no {shipped!r} any more"
        text = text.replace(shipped, earlier)
    yield from yaml.safe_load_all(text)


def earlier_chart(folder: Path) -> Path:
    """A copy of the chart in the folder, with the differences."""
    chart = folder / CHART.name
    shutil.copytree(CHART, chart)
    left = DIFFERENCES | ITS_VERSION
    for file in (chart / "Chart.yaml", *(chart / "templates").iterdir()):
        text = file.read_text()
        for shipped in [each for each in left if each in text]:
            text = text.replace(shipped, left.pop(shipped))
        file.write_text(text)
    assert not left, f"the chart has no {left} any more"
    return chart
