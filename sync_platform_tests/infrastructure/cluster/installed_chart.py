"""The chart, installed by Helm on a node on which containers run, with PostgreSQL and S3 beside it.

What belongs here: installing it, and reaching what it installs. The image is that of `make image-check`.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from sync_platform_tests.cli.conftest import TODAY
from sync_platform_tests.infrastructure.chart import NAME
from sync_platform_tests.infrastructure.cluster.cluster_api import ClusterApi, Object
from sync_platform_tests.infrastructure.cluster.container_cluster import ContainerCluster, container_cluster
from sync_platform_tests.infrastructure.cluster.control_plane import wait_for
from sync_platform_tests.infrastructure.cluster.earlier_chart import earlier_chart
from sync_platform_tests.infrastructure.cluster.helm import Helm, installed_helm
from sync_platform_tests.infrastructure.cluster.network_policies import network_policies
from sync_platform_tests.infrastructure.cluster.node import ADDRESS, FIRST, NETWORK, Node, NodeAddresses
from sync_platform_tests.installations import fleet_settings
from sync_platform_tests.services import NOT_TESTED, Place, postgres_server_at, s3_server_at

SERVED_AT = "https://sync.example.org"
INGRESS = "ingress-nginx"
"""The namespace of the ingress controller, the only one whose pods may reach the server."""
NOT_ENOUGH = {"memory": "64Mi"}
"""So little memory that no run can begin with it: the limit of a run of Eatigo."""
VALUES: Mapping[str, Any] = {
    "server": {"url": SERVED_AT, "proxies": f"{NETWORK}.0/24"},
    "settings": {
        "ENVIRONMENT": "production",
        "PLATFORMS_IN_USE": "chope,eatigo,data_gov_hk",
        "SANDBOX_PLACES": "40",
        "SANDBOX_TODAY": TODAY,
        "HTTP_ATTEMPTS": "3",
    },
    "watch": {"everyS": 10},
    "runs": {"platforms": {"eatigo": {"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": NOT_ENOUGH}}},
}


@dataclass(frozen=True)
class InstalledChart:
    """The release in its cluster. `nodes`: by name; `settings`: those of the secrets; `networks`: what its pods may
    reach."""

    cluster: ContainerCluster
    nodes: dict[str, Node]
    helm: Helm
    chart: Path
    settings: Mapping[str, str]
    networks: Mapping[str, Any]

    def upgrade(self, **settings: str) -> tuple[int, str]:
        """Install the chart, or upgrade it, as the deployment does; the exit code, and what Helm said."""
        values = self.chart.parent / "values.yaml"
        given = {**VALUES, "networkPolicy": dict(self.networks), "settings": {**VALUES["settings"], **settings}}
        values.write_text(yaml.safe_dump(given))
        options = ("--install", "--atomic", "--timeout", "10m", "--values", values)
        done = self.helm.run("upgrade", NAME, self.chart, *options)
        return done.returncode, done.stdout + done.stderr

    @property
    def api(self) -> ClusterApi:
        return self.cluster.plane.api()

    @contextmanager
    def node(self, addresses: NodeAddresses) -> Iterator[Node]:
        """One more node."""
        with self.cluster.node(addresses) as node:
            self.nodes[addresses.name] = node
            yield node

    def node_of(self, pod: Object) -> Node:
        return self.nodes[pod["spec"]["nodeName"]]

    def pods(self, component: str) -> list[Object]:
        """The pods of a component that are not being deleted."""
        found = self.api.list("Pod", NAME)
        return [
            each
            for each in found
            if each["metadata"]["labels"].get("app.kubernetes.io/component") == component
            and "deletionTimestamp" not in each["metadata"]
        ]

    def run(self, component: str, *command: str) -> str:
        """The output of a command in a pod of a component."""
        pod = self.pods(component)[0]
        return self.node_of(pod).run(pod, *command)

    def address(self) -> str:
        """The address of the service of the server."""
        service = self.api.found("Service", "sync-platform-server", NAME)
        assert service is not None
        return str(service["spec"]["clusterIP"])

    def wait_for(self, is_so: Callable[[], Any], within_s: float = 600) -> Any:
        return wait_for(is_so, self.explain, within_s=within_s)

    def explain(self) -> str:
        """The state and the last lines of every pod."""
        pods = [pod for pod in self.api.list("Pod", NAME) if "nodeName" in pod["spec"]]
        return "\n".join(
            f"== {pod['metadata']['name']}: {pod['status'].get('containerStatuses')}\n"
            f"{self.node_of(pod).log(pod)[-1500:]}"
            for pod in pods
        )


@contextmanager
def installed_chart(folder: Path) -> Iterator[InstalledChart]:
    """A release whose installation Helm has ended."""
    image = os.environ.get("IMAGE_ARCHIVE")
    if not image:
        pytest.skip(f"pods on a node {NOT_TESTED}: IMAGE_ARCHIVE names no archive of the image (make image-check)")
    with ExitStack() as stack:
        cluster = stack.enter_context(container_cluster(folder, Path(image)))
        helm = installed_helm(cluster.plane.kubeconfig)
        place = Place(ADDRESS)
        postgres = stack.enter_context(postgres_server_at(place))
        s3 = stack.enter_context(s3_server_at(place))
        settings = fleet_settings(postgres, s3)
        dagster = postgres.url(postgres.create_database()).replace("postgresql:", "postgresql+psycopg2:")
        settings["DAGSTER_POSTGRES_URL"] = dagster
        _make_namespaces(cluster.plane.api())
        _make_secrets(cluster.plane.api(), settings)
        stack.enter_context(network_policies(cluster.plane.api()))
        networks = {
            "databaseCidrs": [f"{ADDRESS}/32"],
            "databasePort": postgres.port,
            "httpsCidrs": [f"{ADDRESS}/32"],
            "httpsPorts": [cluster.plane.ports[0], urlsplit(s3.endpoint).port],
        }
        release = InstalledChart(cluster, {}, helm, earlier_chart(folder), settings, networks)
        stack.enter_context(release.node(FIRST))
        stack.enter_context(cluster.plane.controllers())
        code, said = release.upgrade()
        assert code == 0, f"{said}\n{release.explain()}"
        yield release


def _make_namespaces(api: ClusterApi) -> None:
    """Those of the release and of the ingress controller. Names are answered by this machine, not by pods: every pod
    of the release may ask it."""
    for name in (NAME, INGRESS):
        metadata = {"name": name, "labels": {"kubernetes.io/metadata.name": name}}  # Kubernetes >= 1.21 sets the label
        api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    names = {"to": [{"ipBlock": {"cidr": f"{ADDRESS}/32"}}], "ports": [{"port": 53, "protocol": "UDP"}]}
    api.create(
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "names", "namespace": NAME},
            "spec": {"podSelector": {}, "policyTypes": ["Egress"], "egress": [names]},
        }
    )


def _make_secrets(api: ClusterApi, settings: Mapping[str, str]) -> None:
    """The secrets that the chart reads."""
    services = {name: value for name, value in settings.items() if name != "VAULT"}
    keys = {"master.key": secrets.token_hex(64), "backup.key": secrets.token_hex(64)}
    for name, content in {"runs": settings, "services": services, "keys": keys}.items():
        metadata = {"name": f"{NAME}-{name}", "namespace": NAME}
        api.create({"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": dict(content)})
