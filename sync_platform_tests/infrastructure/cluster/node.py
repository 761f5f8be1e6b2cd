"""A node on which containers run: containerd, the kubelet, the scheduler and kube-proxy.

What belongs here: starting them, giving them images, and the processes of pods. What doesn't: what is installed.
"""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml

from sync_platform_tests.infrastructure.cluster.cluster_api import Object
from sync_platform_tests.infrastructure.cluster.control_plane import (
    ControlPlane,
    running_control_plane,
    running_program,
    wait_for,
)
from sync_platform_tests.infrastructure.cluster.service_names import service_names
from sync_platform_tests.server.running_server import free_port
from sync_platform_tests.services import NOT_TESTED

NAME = "node-1"
BRIDGE, NETWORK = "sync-node", "10.244.0"
ADDRESS = f"{NETWORK}.1"
"""The address of this machine in the network of the pods; DNS answers there."""
DOMAIN = "cluster.local"
PAUSE = "localhost/pause:1"
"""The image of the container that holds the namespaces of a pod."""
PLUGINS = Path("/usr/lib/cni")
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
"""After so many seconds without a sign of the node, its pods are not ready. The kubelet gives one every 10 s."""
SERVICES = "10.96.0.0/16"
"""The addresses of services, as the control plane gives them."""
ROUTES = [{"dst": "0.0.0.0/0"}]
CONTAINERD = """\
version = 2
root = "{folder}/images"
state = "{folder}/containers"
[grpc]
  address = "{socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{pause}"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "{plugins}"
    conf_dir = "{folder}/network"
"""


@dataclass(frozen=True)
class Node:
    """A running node. `folder`: for its files."""

    plane: ControlPlane
    folder: Path

    def load(self, archive: Path) -> None:
        """Give the node the images of an archive, as a registry would."""
        self.containers("images", "import", str(archive))

    def containers(self, *arguments: str) -> str:
        """The output of containerd's own command."""
        done = self._ctr(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _ctr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = ["ctr", "--address", str(self._socket), "--namespace", "k8s.io", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def kill(self, pod: Object) -> None:
        """Kill the processes of a pod's container, as the kernel does where memory ends."""
        os.kill(self.process_of(pod), signal.SIGKILL)

    def process_of(self, pod: Object) -> int:
        """The first process of a pod's container, as this machine counts."""
        return int(self._tasks()[_container_of(pod)])

    def _tasks(self) -> dict[str, str]:
        """The first process of each container, by the container's id."""
        return dict(line.split()[:2] for line in self.containers("tasks", "list").splitlines()[1:])

    def run(self, pod: Object, *command: str) -> str:
        """The output of a command in the container of a pod, with its user and its settings."""
        done = self.done(pod, *command)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def done(self, pod: Object, *command: str) -> subprocess.CompletedProcess[str]:
        """How such a command ended."""
        return self._ctr("tasks", "exec", "--exec-id", secrets.token_hex(8), _container_of(pod), *command)

    def log(self, pod: Object) -> str:
        """What the containers of a pod have printed."""
        metadata = pod["metadata"]
        folder = Path(f"/var/log/pods/{metadata['namespace']}_{metadata['name']}_{metadata['uid']}")
        return "\n".join(file.read_text() for file in sorted(folder.glob("*/*.log")))

    @property
    def _socket(self) -> Path:
        return self.folder / "containerd.sock"

    @contextmanager
    def containerd(self) -> Iterator[None]:
        config = self.folder / "containerd.toml"
        config.write_text(CONTAINERD.format(folder=self.folder, socket=self._socket, pause=PAUSE, plugins=PLUGINS))
        with self._running("containerd", ["containerd", f"--config={config}"], self._socket.exists):
            yield

    @contextmanager
    def kubelet(self) -> Iterator[None]:
        """The kubelet, once the node is ready. The node must have its images."""
        config = self.folder / "kubelet.yaml"
        document = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {"anonymous": {"enabled": False}, "webhook": {"enabled": False}},
            "authorization": {"mode": "AlwaysAllow"},
            "address": ADDRESS,
            "readOnlyPort": 0,
            "healthzPort": 0,
            "cgroupDriver": "cgroupfs",
            "failSwapOn": False,
            "clusterDNS": [ADDRESS],
            "clusterDomain": DOMAIN,
            "resolvConf": str(self.folder / "resolv.conf"),
            "evictionHard": {"memory.available": "100Mi"},
            "imageGCHighThresholdPercent": 100,
            "protectKernelDefaults": False,
        }
        config.write_text(yaml.safe_dump(document))
        (self.folder / "resolv.conf").write_text(f"nameserver {ADDRESS}\n")
        command = [
            str(self.plane.binaries / "kubelet"),
            f"--config={config}",
            f"--kubeconfig={self.plane.kubeconfig}",
            f"--root-dir={self.folder / 'kubelet'}",
            f"--cert-dir={self.folder / 'certificates'}",
            f"--hostname-override={NAME}",
            "--container-runtime=remote",
            f"--container-runtime-endpoint=unix://{self._socket}",
            f"--pod-infra-container-image={PAUSE}",
        ]
        with self._running("kubelet", command, self._is_ready):
            try:
                yield
            finally:
                self._end_pods()

    def _end_pods(self) -> None:
        """Have the kubelet end every pod, so that none of its processes, mounts and networks is left."""
        api = self.plane.api()
        for kind in ("Deployment", "Job", "Pod"):
            for each in api.list(kind, ""):
                grace_s = 1 if kind == "Pod" else None
                api.delete(kind, each["metadata"]["name"], each["metadata"]["namespace"], grace_s)
        # a controller may have made a pod before it saw that its object was deleted
        wait_for(lambda: not api.list("Pod", "") and not self._tasks(), lambda: f"pods are left: {self._tasks()}")

    @contextmanager
    def scheduler(self) -> Iterator[None]:
        command = [
            str(self.plane.binaries / "kube-scheduler"),
            f"--kubeconfig={self.plane.kubeconfig}",
            "--leader-elect=false",
            "--port=0",
            "--secure-port=0",
        ]
        with self._running("kube-scheduler", command):
            yield

    @contextmanager
    def proxy(self) -> Iterator[None]:
        """Services: connections to their addresses reach a pod."""
        port = free_port()
        command = [
            str(self.plane.binaries / "kube-proxy"),
            f"--kubeconfig={self.plane.kubeconfig}",
            f"--hostname-override={NAME}",
            "--proxy-mode=iptables",
            "--masquerade-all",
            "--conntrack-max-per-core=0",
            "--conntrack-tcp-timeout-established=0",
            "--conntrack-tcp-timeout-close-wait=0",
            f"--healthz-bind-address={ADDRESS}:{port}",
            f"--metrics-bind-address={ADDRESS}:{free_port()}",
        ]
        try:
            with self._running(
                "kube-proxy", command, lambda: httpx.get(f"http://{ADDRESS}:{port}/healthz").status_code == 200
            ):
                yield
        finally:
            subprocess.run([str(self.plane.binaries / "kube-proxy"), "--cleanup"], capture_output=True, check=False)

    def _is_ready(self) -> bool:
        found = self.plane.api().found("Node", NAME) or {"status": {}}
        conditions = {each["type"]: each["status"] for each in found["status"].get("conditions", [])}
        return conditions.get("Ready") == "True"

    def _running(
        self, name: str, command: list[str], answers: Callable[[], object] = lambda: True
    ) -> AbstractContextManager[subprocess.Popen[bytes]]:
        return running_program(self.folder, name, command, answers)


@contextmanager
def running_node(folder: Path) -> Iterator[Node]:
    """A control plane and its node; skips where a program is not installed. PAUSE must be among the node's images."""
    if os.geteuid():
        pytest.skip(f"a node of Kubernetes {NOT_TESTED}: only root may have one")
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            pytest.skip(f"a node of Kubernetes {NOT_TESTED}: there is no {program} (apt-get install {package})")
    with ExitStack() as stack:
        stack.enter_context(_network(folder))
        plane = stack.enter_context(running_control_plane(folder, ADDRESS, SILENT_S))
        if missing := [each for each in BUILT if not (plane.binaries / each).exists()]:
            pytest.skip(f"a node of Kubernetes {NOT_TESTED}: build-kubernetes.sh has built no {', '.join(missing)}")
        plane.api().create(_addresses_of_api(plane))
        node = Node(plane, folder)
        stack.enter_context(service_names(folder, ADDRESS, DOMAIN, plane.api()))
        for part in (node.containerd, node.proxy, node.scheduler):
            stack.enter_context(part())
        yield node


@contextmanager
def _network(folder: Path) -> Iterator[None]:
    """The bridge of the pods, on which this machine has an address."""
    (folder / "network").mkdir()
    ranges = [[{"subnet": f"{NETWORK}.0/24", "rangeStart": f"{NETWORK}.10"}]]
    pods = {
        "cniVersion": "0.3.1",
        "name": "pods",
        "type": "bridge",
        "bridge": BRIDGE,
        "isGateway": True,
        "hairpinMode": True,
        "ipam": {"type": "host-local", "ranges": ranges, "dataDir": str(folder / "addresses"), "routes": ROUTES},
    }
    (folder / "network" / "10-pods.conf").write_text(json.dumps(pods))
    commands = [f"link add {BRIDGE} type bridge", f"addr add {ADDRESS}/24 dev {BRIDGE}", f"link set {BRIDGE} up"]
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


def _container_of(pod: Object) -> str:
    (status,) = pod["status"]["containerStatuses"]
    return str(status["containerID"]).removeprefix("containerd://")
