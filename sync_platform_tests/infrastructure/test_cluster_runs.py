"""Runs as pods: Dagster's launcher with the configuration of the chart, a real API server, and records in PostgreSQL.

The daemon asks Kubernetes with the token of its own service account. Nodes are those of cluster/nodes.py: a pod of a
run is a process of its command.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import dagster as dg
import pytest

from sync_platform_tests.infrastructure.chart import NAME
from sync_platform_tests.infrastructure.cluster.cluster_api import Object
from sync_platform_tests.infrastructure.cluster.control_plane import ControlPlane, installed_control_plane, wait_for
from sync_platform_tests.infrastructure.cluster.earlier_chart import earlier_manifest
from sync_platform_tests.infrastructure.cluster.nodes import Nodes
from sync_platform_tests.infrastructure.cluster.run_definitions import BEGUN, FOLDER, LET_END
from sync_platform_tests.infrastructure.cluster.run_queue import (
    UNFINISHED,
    RunQueue,
    chart_instance,
    records_in,
    run_queue,
)
from sync_platform_tests.services import PostgresServer
from sync_platform_tests.tree import ROOT

pytestmark = pytest.mark.full

FAILURE, SUCCESS, CANCELED = dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.CANCELED
QUEUED, STARTED = dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.STARTED


@dataclass
class Cluster:
    """The chart in a cluster, with two nodes and the daemon. `folder`: where runs say that they have begun."""

    plane: ControlPlane
    nodes: Nodes
    queue: RunQueue
    folder: Path
    api_server: ExitStack

    def pod(self, run_id: str) -> Object:
        """The pod of a run, once its step has begun."""
        self.wait_until(lambda: (self.folder / f"{BEGUN}{run_id}").exists(), run_id)
        return self.nodes.pods_of(run_id)[-1]

    def launched(self) -> str:
        """The id of a new run that has begun."""
        run_id = self.queue.submit()
        self.pod(run_id)
        return run_id

    def wait_until(self, is_so: Callable[[], object], run_id: str) -> None:
        """Let the daemon work until it is so."""

        def after_a_round() -> object:
            self.queue.round()
            return is_so()

        wait_for(after_a_round, lambda: self.explain(run_id))

    def explain(self, run_id: str) -> str:
        pods = [pod["metadata"]["name"] for pod in self.nodes.pods_of(run_id)]
        return self.queue.log(run_id) + "".join(f"\n--- {pod}\n{self.nodes.log(pod)}" for pod in pods)

    def retried(self, run_id: str) -> str:
        """The id of the run that repeats a run that has failed, once it has begun."""
        self.wait_until(lambda: self.queue.state(run_id) is FAILURE, run_id)
        self.wait_until(lambda: self.queue.retry_of(run_id), run_id)
        retry = self.queue.retry_of(run_id)
        self.pod(retry)
        return retry

    def let_end(self, run_id: str) -> None:
        (self.folder / LET_END).touch()
        self.wait_until(lambda: self.queue.state(run_id) not in UNFINISHED, run_id)
        (self.folder / LET_END).unlink()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("runs")
    with ExitStack() as stack:
        plane = installed_control_plane(tmp_path_factory.mktemp("cluster"))
        stack.enter_context(plane.etcd_server())
        api_server = stack.enter_context(ExitStack())
        api_server.enter_context(plane.api_server())
        stack.enter_context(plane.controllers())
        for each in earlier_manifest():
            plane.api().create(each)
        variables = stack.enter_context(records_in(postgres_server))
        variables |= {FOLDER: str(folder), "PYTHONPATH": str(ROOT)}
        daemon = kubeconfig_of(plane, "sync-platform-daemon", folder)
        queue = stack.enter_context(run_queue(folder / "daemon", daemon))
        variables["DAGSTER_HOME"] = str(folder / "daemon")
        nodes = Nodes(plane.api(), NAME, folder, ["node-1", "node-2", "node-3"], variables)
        stack.enter_context(nodes.running())
        yield Cluster(plane, nodes, queue, folder, api_server)


def kubeconfig_of(plane: ControlPlane, account: str, folder: Path) -> Path:
    """A kubeconfig file with the token of a service account, whose rights are those of the chart."""
    own = folder / account
    own.mkdir()
    return plane.kubeconfig_of(plane.api().token_of(account, NAME), own)


def test_a_run_is_a_job_with_the_resources_of_its_platform(cluster: Cluster) -> None:
    run_id = cluster.launched()
    pod = cluster.pod(run_id)
    (container,) = pod["spec"]["containers"]
    assert container["resources"]["limits"] == {"memory": "4Gi"}
    assert pod["spec"]["serviceAccountName"] == "sync-platform-runs"
    assert "sync-platform-runs-token" not in str(pod["spec"].get("volumes"))
    cluster.let_end(run_id)
    assert cluster.queue.state(run_id) is SUCCESS


def test_a_run_whose_pod_is_taken_is_repeated_at_most_twice(cluster: Cluster) -> None:
    first = cluster.launched()
    cluster.nodes.kill(cluster.pod(first)["metadata"]["name"])
    second = cluster.retried(first)
    cluster.nodes.evict(cluster.pod(second)["metadata"]["name"])
    third = cluster.retried(second)
    cluster.nodes.kill(cluster.pod(third)["metadata"]["name"])
    cluster.wait_until(lambda: cluster.queue.state(third) is FAILURE, third)
    for _ in range(3):
        cluster.queue.round()
    runs = {run.run_id: run.status for run in cluster.queue.instance.get_runs() if run.root_run_id == first}
    assert runs | {first: cluster.queue.state(first)} == dict.fromkeys((first, second, third), FAILURE)
    assert "The node was low on ephemeral-storage" in cluster.queue.log(second)


@pytest.mark.parametrize("is_node_gone", [False, True], ids=["deleted pod", "node that is gone"])
def test_a_run_whose_pod_is_replaced_fails_once_and_its_retry_ends_well(cluster: Cluster, is_node_gone: bool) -> None:
    """Kubernetes 1.20 makes a second pod for the job of a deleted one; Dagster fails the run that begins again."""
    first = cluster.launched()
    pod = cluster.pod(first)
    if is_node_gone:
        cluster.nodes.lose(pod["spec"]["nodeName"])
    else:
        cluster.plane.api().delete("Pod", pod["metadata"]["name"], NAME, grace_s=0)
    retry = cluster.retried(first)
    assert cluster.pod(retry)["spec"]["nodeName"] != pod["spec"]["nodeName"] or not is_node_gone
    cluster.let_end(retry)
    assert (cluster.queue.state(first), cluster.queue.state(retry)) == (FAILURE, SUCCESS)


def test_a_person_ends_a_run_with_the_rights_of_the_server(cluster: Cluster) -> None:
    run_id = cluster.launched()
    pod = cluster.pod(run_id)["metadata"]["name"]
    server = kubeconfig_of(cluster.plane, "sync-platform-server", cluster.folder)
    with chart_instance(cluster.folder / "server", server) as instance:
        assert instance.run_launcher.terminate(run_id)
    cluster.wait_until(lambda: cluster.queue.state(run_id) is CANCELED, run_id)
    cluster.wait_until(lambda: not cluster.nodes.pods_of(run_id), run_id)
    assert cluster.nodes.processes[pod].poll() is not None
    assert cluster.queue.retry_of(run_id) == ""


def test_while_the_api_server_is_away_no_run_is_lost(cluster: Cluster) -> None:
    under_way, waiting = cluster.launched(), cluster.queue.submit()
    cluster.api_server.close()
    cluster.queue.round()
    assert not cluster.queue.instance.run_launcher.terminate(under_way)
    assert (cluster.queue.state(under_way), cluster.queue.state(waiting)) == (STARTED, QUEUED)
    cluster.api_server.enter_context(cluster.plane.api_server())
    cluster.pod(waiting)
    for run_id in (under_way, waiting):
        cluster.let_end(run_id)
        assert (cluster.queue.state(run_id), cluster.queue.retry_of(run_id)) == (SUCCESS, "")


def test_no_run_is_left_unfinished(cluster: Cluster) -> None:
    assert not [run.run_id for run in cluster.queue.instance.get_runs() if run.status in UNFINISHED]
