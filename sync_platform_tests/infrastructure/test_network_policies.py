"""The network policies of the chart, as the tests of a node enforce them: which packets they let through."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from sync_platform_tests.infrastructure.chart import MANIFEST, NAME
from sync_platform_tests.infrastructure.cluster.network_policies import rules

ADDRESSES = {
    "server": "10.0.0.1",
    "daemon": "10.0.0.2",
    "code-server": "10.0.0.3",
    "watch": "10.0.0.4",
    "run": "10.0.0.5",
}
INGRESS = "10.0.0.6"


def test_the_code_server_and_the_server_are_reached_by_those_that_need_them() -> None:
    lines = rules(list(_policies()), list(_pods()), _namespaces())
    into = lambda name: {line for line in lines if line.startswith(f"-A TEST-Ingress-{ADDRESSES[name]} ")}  # noqa: E731
    chain = f"-A TEST-Ingress-{ADDRESSES['code-server']}"
    assert into("code-server") == {
        f"{chain} -s {ADDRESSES['daemon']} -p tcp --dport 4266 -j RETURN",
        f"{chain} -s {ADDRESSES['server']} -p tcp --dport 4266 -j RETURN",
        f"{chain} -j REJECT",
    }
    chain = f"-A TEST-Ingress-{ADDRESSES['server']}"
    assert into("server") == {f"{chain} -s {INGRESS} -p tcp --dport 3000 -j RETURN", f"{chain} -j REJECT"}
    for name in ("daemon", "watch", "run"):
        assert into(name) == {f"-A TEST-Ingress-{ADDRESSES[name]} -j REJECT"}
    assert not [line for line in lines if INGRESS in line and "TEST-POLICIES" in line], "no policy selects this pod"


def test_pods_reach_databases_and_https_only() -> None:
    lines = rules(list(_policies()), list(_pods()), _namespaces())
    chain = f"-A TEST-Egress-{ADDRESSES['watch']}"
    assert {line for line in lines if line.startswith(f"{chain} ")} == {
        f"{chain} -d 10.0.0.0/8 -p tcp --dport 5432 -j RETURN",
        f"{chain} -d 0.0.0.0/0 -p tcp --dport 443 -j RETURN",
        f"{chain} -d 0.0.0.0/0 -p tcp --dport 6443 -j RETURN",
        f"{chain} -j REJECT",
    }


def _policies() -> Iterator[dict[str, Any]]:
    for each in yaml.safe_load_all(MANIFEST.read_text()):
        if each["kind"] == "NetworkPolicy":
            each["metadata"]["namespace"] = NAME
            yield each


def _pods() -> Iterator[dict[str, Any]]:
    own = {"app.kubernetes.io/name": "sync-platform", "app.kubernetes.io/instance": "sync-platform"}
    for name, address in ADDRESSES.items():
        labels = {**own, "app.kubernetes.io/component": name}
        yield {"metadata": {"namespace": NAME, "labels": labels}, "spec": {}, "status": {"podIP": address}}
    yield {"metadata": {"namespace": "ingress-nginx"}, "spec": {}, "status": {"podIP": INGRESS}}


def _namespaces() -> list[dict[str, Any]]:
    return [
        {"metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}}}
        for name in (NAME, "ingress-nginx")
    ]
