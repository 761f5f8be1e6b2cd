"""The Helm chart, rendered by Helm's own library, without a cluster."""

from __future__ import annotations

import re
from typing import Any

import yaml
from helm_python.chart import Chart

from sync_platform_tests.tree import ROOT

CHART = ROOT / "infrastructure" / "helm" / "sync-platform"
MANIFEST = ROOT / "infrastructure" / "k8s" / "microservices-deployments.yaml"
NAME = "sync-platform"
"""Of the release and of its namespace."""
HEAD = """\
# All of the chart infrastructure/helm/sync-platform with its default values, but for the hook that migrates:
# kubectl apply -f infrastructure/k8s/microservices-deployments.yaml
# A test compares this file with the chart; docs/deploy.md says which secrets it needs.
---
apiVersion: v1
kind: Namespace
metadata:
  name: sync-platform
  labels:
    pod-security.kubernetes.io/enforce: restricted
"""
Manifest = dict[str, Any]


def rendered_texts(values: dict[str, Any] | None = None) -> list[str]:
    """The text of each object, in the order of the templates' names; HelmError where a value is refused."""
    with Chart.load(CHART) as chart:
        chart.validate_schema(values)
        files = chart.render(values, name=NAME, namespace=NAME, is_install=True)
    texts = [text for name, file in sorted(files.items()) if name.endswith(".yaml") for text in _objects(file)]
    return [text for text in texts if yaml.safe_load(text)]


def rendered(values: dict[str, Any] | None = None) -> list[Manifest]:
    """Each object that the chart makes."""
    return [yaml.safe_load(text) for text in rendered_texts(values)]


def of_kind(objects: list[Manifest], kind: str) -> dict[str, Manifest]:
    """The objects of a kind by their names. The test fails where there is none."""
    found = {each["metadata"]["name"]: each for each in objects if each["kind"] == kind}
    assert found, f"the chart makes no {kind}"
    return found


def pods(objects: list[Manifest]) -> dict[str, Manifest]:
    """The specification of every pod of a deployment or a job, by the name of its object."""
    owners = [each for each in objects if each["kind"] in ("Deployment", "Job")]
    return {each["metadata"]["name"]: each["spec"]["template"]["spec"] for each in owners}


def plain_manifest() -> str:
    """What `kubectl apply` takes: everything but the hooks of Helm, which it would not run in their order."""
    plain = [text for text in rendered_texts() if "helm.sh/hook" not in text]
    return HEAD + "".join(f"---\n{text.strip()}\n" for text in plain)


def _objects(file: str) -> list[str]:
    return re.split(r"^---\s*$", file, flags=re.MULTILINE)
