"""The chart installed, upgraded and rolled back by Helm itself, with its hooks, in a real API server of Kubernetes.

No container runs: the nodes of the tests say of each pod that it is ready, or that it is not (cluster/nodes.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync_platform_tests.infrastructure.chart import NAME
from sync_platform_tests.infrastructure.cluster.cluster_api import ClusterApi, Object
from sync_platform_tests.infrastructure.cluster.control_plane import running_control_plane, wait_for
from sync_platform_tests.infrastructure.cluster.earlier_chart import earlier_chart
from sync_platform_tests.infrastructure.cluster.helm import Helm, installed_helm
from sync_platform_tests.infrastructure.cluster.nodes import RUN, Nodes

pytestmark = pytest.mark.full

SERVICES = ("code-server", "daemon", "server", "watch")
RUN_UNDER_WAY = "dagster-run-under-way"


@dataclass
class Release:
    """A cluster in which Helm installs the chart."""

    helm: Helm
    chart: Path
    nodes: Nodes
    api: ClusterApi

    def upgrade(self, version: str, timeout: str = "5m") -> tuple[int, str]:
        """As the deployment does it: the exit code, and what Helm said."""
        self.nodes.begun.clear()
        options = ("--install", "--create-namespace", "--atomic", "--timeout", timeout, "--set", f"image.tag={version}")
        done = self.helm.run("upgrade", NAME, self.chart, *options)
        return done.returncode, done.stdout + done.stderr

    def images(self) -> dict[str, str]:
        """The version of the image of each deployment, and of the run that is under way."""
        run = self.api.found("Job", RUN_UNDER_WAY, NAME)
        return {
            each["metadata"]["name"]: each["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")[2]
            for each in [*self.api.list("Deployment", NAME), *([run] if run else [])]
        }

    def are_available(self) -> bool:
        deployments = self.api.list("Deployment", NAME)
        return all(each["status"].get("availableReplicas") == each["spec"]["replicas"] for each in deployments)

    def run_pods(self) -> list[Object]:
        return [
            each for each in self.api.list("Pod", NAME) if each["metadata"]["labels"].get("job-name") == RUN_UNDER_WAY
        ]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Release]:
    """The chart, installed with version 1, and a run under way."""
    folder = tmp_path_factory.mktemp("release")
    with running_control_plane(tmp_path_factory.mktemp("cluster")) as plane:
        api = plane.api()
        helm = installed_helm(plane.kubeconfig)
        api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}})
        nodes = Nodes(plane.api(), NAME, folder, ["node-1", "node-2"])
        with nodes.running():
            release = Release(helm, earlier_chart(folder), nodes, api)
            code, said = release.upgrade("1.0.0")
            assert code == 0, said
            assert installed(release)
            api.create(run_under_way("1.0.0"))
            wait_for(lambda: [each for each in release.run_pods() if each["status"]["phase"] == "Running"], str)
            yield release


def installed(release: Release) -> bool:
    """True if every service runs, and the migrations have run once."""
    begun = [component for component, _ in release.nodes.begun]
    return (
        sorted(begun) == ["code-server", "daemon", "migrate", "server", "server", "watch"] and release.are_available()
    )


def run_under_way(version: str) -> Object:
    """The job of a run, as the launcher makes it, whose process sleeps."""
    labels = {"app.kubernetes.io/component": RUN}
    container = {
        "name": "run",
        "image": f"sync-platform:{version}",
        "args": ["python", "-c", "import time; time.sleep(900)"],
    }
    pod = {"restartPolicy": "Never", "serviceAccountName": "sync-platform-runs", "containers": [container]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": RUN_UNDER_WAY, "namespace": NAME},
        "spec": {"backoffLimit": 0, "template": {"metadata": {"labels": labels}, "spec": pod}},
    }


def test_a_release_is_upgraded_goes_back_by_itself_and_is_rolled_back(release: Release) -> None:
    """One test, because each step begins with what the one before has left."""
    (before,) = release.run_pods()
    deployments = [f"sync-platform-{each}" for each in SERVICES]

    # an upgrade: migrations first, then the pods; the run goes on with its image
    assert release.upgrade("1.0.1")[0] == 0
    assert release.nodes.begun[0] == ("migrate", "sync-platform:1.0.1")
    assert {image for _, image in release.nodes.begun} == {"sync-platform:1.0.1"}
    assert release.images() == {**dict.fromkeys(deployments, "1.0.1"), RUN_UNDER_WAY: "1.0.0"}

    # its migrations fail: no pod is replaced
    release.nodes.fails = {"migrate"}
    code, said = release.upgrade("1.0.2", "2m")
    assert code != 0, said
    assert {component for component, _ in release.nodes.begun} == {"migrate"}
    assert release.images() == {**dict.fromkeys(deployments, "1.0.1"), RUN_UNDER_WAY: "1.0.0"}

    # its server does not become ready: Helm goes back, and the server of before has been there all the time
    release.nodes.fails = {"server"}
    served = [each["metadata"]["name"] for each in of_server(release)]
    code, said = release.upgrade("1.0.3", "40s")
    assert code != 0, said
    assert release.images() == {**dict.fromkeys(deployments, "1.0.1"), RUN_UNDER_WAY: "1.0.0"}
    assert {each["metadata"]["name"] for each in of_server(release)} >= set(served)
    assert wait_for(release.are_available, str)

    # what the deployment does where a check after an upgrade fails
    release.nodes.fails = set()
    (revision,) = [number for number, state in release.helm.history() if state == "deployed"]
    assert release.upgrade("1.0.4")[0] == 0
    done = release.helm.run("rollback", NAME, str(revision), "--wait", "--timeout", "5m")
    assert done.returncode == 0, done.stderr
    assert release.images() == {**dict.fromkeys(deployments, "1.0.1"), RUN_UNDER_WAY: "1.0.0"}
    assert release.are_available()

    # no step has touched the run
    (after,) = release.run_pods()
    assert after["metadata"]["uid"] == before["metadata"]["uid"] and after["status"]["phase"] == "Running"

    # the end: what Helm has made is gone; a run ends by itself
    assert release.helm.run("uninstall", NAME, "--wait").returncode == 0
    assert [
        kind for kind in ("Deployment", "ConfigMap", "Role", "NetworkPolicy", "Service") if of_chart(release, kind)
    ] == []
    assert release.run_pods()


def of_server(release: Release) -> list[Object]:
    pods = release.api.list("Pod", NAME)
    return [each for each in pods if each["metadata"]["labels"].get("app.kubernetes.io/component") == "server"]


def of_chart(release: Release, kind: str) -> list[str]:
    """The names of the objects of a kind that have the labels of the chart."""
    found = release.api.list(kind, NAME)
    return [each["metadata"]["name"] for each in found if "helm.sh/chart" in each["metadata"].get("labels", {})]
