"""The plain manifest as Kubernetes 1.20 takes it. All that differs from the one that is shipped is listed here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from sync_platform_tests.infrastructure.chart import MANIFEST

DIFFERENCES = {
    "apiVersion: policy/v1\n": "apiVersion: policy/v1beta1\n",
    "grpc: {port: 4266, service: DagsterApi}": "tcpSocket: {port: 4266}",
}
"""1.20 has no probe of gRPC, and disruption budgets are beta."""


def earlier_manifest() -> Iterator[dict[str, Any]]:
    """Each object that `kubectl apply` makes of the plain manifest, with the differences."""
    text = MANIFEST.read_text()
    for shipped, earlier in DIFFERENCES.items():
        assert shipped in text, f"the manifest has no {shipped!r} any more"
        text = text.replace(shipped, earlier)
    yield from yaml.safe_load_all(text)
