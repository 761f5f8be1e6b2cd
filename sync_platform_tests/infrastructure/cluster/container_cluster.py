"""A cluster whose nodes run containers: a control plane, the scheduler, kube-proxy, DNS, and the network of the pods.

What belongs here: what the nodes share. A node is in node.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from sync_platform_tests.infrastructure.cluster.cluster_api import Object
from sync_platform_tests.infrastructure.cluster.control_plane import (
    ControlPlane,
    installed_control_plane,
    running_program,
)
from sync_platform_tests.infrastructure.cluster.node import (
    ADDRESS,
    BRIDGE,
    DOMAIN,
    FIRST,
    PAUSE,
    PLUGINS,
    SECOND,
    Node,
    NodeAddresses,
    running_node,
)
from sync_platform_tests.infrastructure.cluster.service_names import service_names
from sync_platform_tests.infrastructure.cluster.small_image import write_image
from sync_platform_tests.server.running_server import free_port
from sync_platform_tests.services import NOT_TESTED

PROGRAMS = {
    "containerd": "containerd",
    "ctr": "containerd",
    str(PLUGINS / "bridge"): "containernetworking-plugins",
    "conntrack": "conntrack",
    "dnsmasq": "dnsmasq-base",
    "iptables": "iptables",
}
"""The programs that a node needs, and the packages of Debian that have them."""
BUILT = ("kubelet", "kube-scheduler", "kube-proxy")
SILENT_S = 40
"""After so many seconds without a sign of a node, its pods are not ready. The kubelet gives one every 10 s."""
SERVICES = "10.96.0.0/16"
"""The addresses of services, as the control plane gives them."""


@dataclass(frozen=True)
class ContainerCluster:
    """A running cluster. `folder`: for its files; `archives`: of the images that its nodes have."""

    plane: ControlPlane
    folder: Path
    archives: Sequence[Path]

    def node(self, addresses: NodeAddresses) -> AbstractContextManager[Node]:
        """One more node."""
        return running_node(addresses, self.plane, self.folder / addresses.name, self.archives)


@contextmanager
def container_cluster(folder: Path, image: Path) -> Iterator[ContainerCluster]:
    """A cluster without a node, whose nodes will have the image; skips where a program is not installed.

    Start its controllers once a node is ready: those of Kubernetes 1.20 that have seen none ready may never evict a pod
    later, because the nodes that were not ready stay at the head of their queue.
    """
    if os.geteuid():
        pytest.skip(f"a node of Kubernetes {NOT_TESTED}: only root may have one")
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            pytest.skip(f"a node of Kubernetes {NOT_TESTED}: there is no {program} (apt-get install {package})")
    with ExitStack() as stack:
        stack.enter_context(_network())
        plane = installed_control_plane(folder, ADDRESS, SILENT_S)
        stack.enter_context(plane.etcd_server())
        stack.enter_context(plane.api_server())
        if missing := [each for each in BUILT if not (plane.binaries / each).exists()]:
            pytest.skip(f"a node of Kubernetes {NOT_TESTED}: build-kubernetes.sh has built no {', '.join(missing)}")
        plane.api().create(_addresses_of_api(plane))
        stack.enter_context(service_names(folder, ADDRESS, DOMAIN, plane.api()))
        stack.enter_context(_proxy(plane))
        stack.enter_context(_scheduler(plane))
        write_image(folder / "pause.tar", PAUSE, plane.binaries / "pause")
        yield ContainerCluster(plane, folder, [folder / "pause.tar", image])


@contextmanager
def _scheduler(plane: ControlPlane) -> Iterator[None]:
    command = [
        str(plane.binaries / "kube-scheduler"),
        f"--kubeconfig={plane.kubeconfig}",
        "--leader-elect=false",
        "--port=0",
        "--secure-port=0",
    ]
    with running_program(plane.folder, "kube-scheduler", command):
        yield


@contextmanager
def _proxy(plane: ControlPlane) -> Iterator[None]:
    """Services: connections to their addresses reach a pod. All nodes are this machine, so one is enough."""
    port = free_port()
    program = str(plane.binaries / "kube-proxy")
    command = [
        program,
        f"--kubeconfig={plane.kubeconfig}",
        f"--hostname-override={FIRST.name}",
        "--proxy-mode=iptables",
        "--masquerade-all",
        "--conntrack-max-per-core=0",
        "--conntrack-tcp-timeout-established=0",
        "--conntrack-tcp-timeout-close-wait=0",
        f"--healthz-bind-address={ADDRESS}:{port}",
        f"--metrics-bind-address={ADDRESS}:{free_port()}",
    ]
    answers = lambda: httpx.get(f"http://{ADDRESS}:{port}/healthz").status_code == 200  # noqa: E731
    try:
        with running_program(plane.folder, "kube-proxy", command, answers):
            yield
    finally:
        subprocess.run([program, "--cleanup"], capture_output=True, check=False)


@contextmanager
def _network() -> Iterator[None]:
    """The bridge of the pods, on which this machine and its nodes have addresses."""
    commands = [f"link add {BRIDGE} type bridge", f"link set {BRIDGE} up"]
    commands += [f"addr add {each.own}/24 dev {BRIDGE}" for each in (FIRST, SECOND)]
    commands.append(f"route add {SERVICES} dev {BRIDGE}")  # what reaches no pod leaves this machine neither
    for command in commands:
        subprocess.run(["ip", *command.split()], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "delete", BRIDGE], check=True)


def _addresses_of_api(plane: ControlPlane) -> Object:
    """Where the service `kubernetes` leads, which pods know."""
    ports = [{"name": "https", "port": plane.ports[0], "protocol": "TCP"}]
    return {
        "apiVersion": "v1",
        "kind": "Endpoints",
        "metadata": {"name": "kubernetes", "namespace": "default"},
        "subsets": [{"addresses": [{"ip": plane.address}], "ports": ports}],
    }
