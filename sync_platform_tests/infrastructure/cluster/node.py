"""A node on which containers run: containerd and a kubelet, with an address, mounts and control groups of their own.

What belongs here: starting them, giving them images, and the processes of pods. What doesn't: what nodes share
(container_cluster.py), and what is installed.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path

import yaml

from sync_platform_tests.infrastructure.cluster.cluster_api import Object
from sync_platform_tests.infrastructure.cluster.control_plane import ControlPlane, running_program, wait_for

BRIDGE = "sync-node"
NETWORK = "10.244.0"
ADDRESS = f"{NETWORK}.1"
"""The address of this machine in the network of the pods: of the API server, of DNS, and of the first node."""
DOMAIN = "cluster.local"
PAUSE = "localhost/pause:1"
"""The image of the container that holds the namespaces of a pod."""
PLUGINS = Path("/usr/lib/cni")
GROUPS = Path("/sys/fs/cgroup")
SHARES = "20480"
"""Of processor time: as much as twenty processes of this machine, whatever else runs on it."""
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
class NodeAddresses:
    """The name and the address of a node, and the network of its pods."""

    name: str
    own: str
    pods: IPv4Network


FIRST = NodeAddresses("node-1", ADDRESS, IPv4Network(f"{NETWORK}.64/26"))
SECOND = NodeAddresses("node-2", f"{NETWORK}.2", IPv4Network(f"{NETWORK}.128/26"))


@dataclass(frozen=True)
class Node:
    """A running node. `folder`: for its files; `machine`: the process whose mounts are those of the node."""

    addresses: NodeAddresses
    plane: ControlPlane
    folder: Path
    machine: int

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
        logs = Path(f"/proc/{self.machine}/root/var/log/pods")
        folder = logs / f"{metadata['namespace']}_{metadata['name']}_{metadata['uid']}"
        return "\n".join(file.read_text() for file in sorted(folder.glob("*/*.log")))

    def power_off(self) -> None:
        """Kill every process of the node at once, as a loss of power does: the cluster gets no message of it."""
        os.kill(self.machine, signal.SIGKILL)
        while running := self._processes():
            for process in running:
                with suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)

    def _processes(self) -> list[int]:
        groups = self._groups("pids").rglob("cgroup.procs")
        return [int(process) for group in groups for process in group.read_text().split()]

    def _groups(self, controller: str) -> Path:
        """The control groups of all that runs on the node."""
        return GROUPS / controller / self.addresses.name

    @property
    def _socket(self) -> Path:
        return self.folder / "containerd.sock"

    @contextmanager
    def containerd(self) -> Iterator[None]:
        (self.folder / "network").mkdir()
        first, *_, last = [str(address) for address in self.addresses.pods.hosts()]
        ranges = [[{"subnet": f"{NETWORK}.0/24", "rangeStart": first, "rangeEnd": last}]]
        pods = {
            "cniVersion": "0.3.1",
            "name": "pods",
            "type": "bridge",
            "bridge": BRIDGE,
            "isGateway": True,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": ranges,
                "dataDir": str(self.folder / "addresses"),
                "routes": ROUTES,
            },
        }
        (self.folder / "network" / "10-pods.conf").write_text(json.dumps(pods))
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
            "address": self.addresses.own,
            "readOnlyPort": 0,
            "healthzPort": 0,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{self.addresses.name}",
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
            f"--hostname-override={self.addresses.name}",
            f"--node-ip={self.addresses.own}",
            "--container-runtime=remote",
            f"--container-runtime-endpoint=unix://{self._socket}",
            f"--pod-infra-container-image={PAUSE}",
        ]
        with self._running("kubelet", command, self._is_ready):
            try:
                yield
            finally:
                if self.plane.api().found("Node", self.addresses.name):
                    self._end_pods()

    def _end_pods(self) -> None:
        """Have the kubelet end every pod, so that none of its processes and networks is left."""
        api = self.plane.api()
        for kind in ("Deployment", "Job", "Pod"):
            for each in api.list(kind, ""):
                grace_s = 1 if kind == "Pod" else None
                api.delete(kind, each["metadata"]["name"], each["metadata"]["namespace"], grace_s)
        # a controller may have made a pod before it saw that its object was deleted
        wait_for(lambda: not self._pods() and not self._tasks(), lambda: f"pods are left: {self._tasks()}")

    def _pods(self) -> list[Object]:
        return [pod for pod in self.plane.api().list("Pod", "") if pod["spec"].get("nodeName") == self.addresses.name]

    def _is_ready(self) -> bool:
        found = self.plane.api().found("Node", self.addresses.name) or {"status": {}}
        conditions = {each["type"]: each["status"] for each in found["status"].get("conditions", [])}
        return conditions.get("Ready") == "True"

    def _running(
        self, name: str, command: list[str], answers: Callable[[], object]
    ) -> AbstractContextManager[subprocess.Popen[bytes]]:
        """A program of the node: it sees the node's mounts, and is in its control groups."""
        enter = f'echo $$ > {self._groups("pids")}/cgroup.procs; exec "$@"'
        there = ["nsenter", f"--target={self.machine}", "--mount", "sh", "-c", enter, "sh", *command]
        return running_program(self.folder, name, there, answers)


@contextmanager
def running_node(
    addresses: NodeAddresses, plane: ControlPlane, folder: Path, archives: Sequence[Path]
) -> Iterator[Node]:
    """A node of the control plane, with the images of the archives, PAUSE among them."""
    folder.mkdir()
    own = "mount -t tmpfs logs /var/log/pods && echo ready && exec sleep infinity"
    Path("/var/log/pods").mkdir(parents=True, exist_ok=True)
    machine = subprocess.Popen(
        ["unshare", "--mount", "--propagation=private", "sh", "-c", own], stdout=subprocess.PIPE, text=True
    )
    try:
        assert machine.stdout and machine.stdout.readline() == "ready\n"
        with ExitStack() as stack:
            stack.enter_context(_control_groups(addresses.name))
            node = Node(addresses, plane, folder, machine.pid)
            stack.enter_context(node.containerd())
            for archive in archives:
                node.load(archive)
            stack.enter_context(node.kubelet())
            yield node
    finally:
        machine.kill()
        machine.wait()


@contextmanager
def _control_groups(name: str) -> Iterator[None]:
    """Empty groups of this name, one for each controller, which the kubelet puts those of pods into."""
    controllers = [each for each in GROUPS.iterdir() if (each / "tasks").exists() and not each.is_symlink()]
    for controller in controllers:
        (controller / name).mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):
            if (controller / setting).exists():
                (controller / name / setting).write_text((controller / setting).read_text())
        if (shares := controller / name / "cpu.shares").exists():
            shares.write_text(SHARES)
    try:
        yield
    finally:
        for controller in controllers:
            for folder, _, _ in os.walk(controller / name, topdown=False):
                with suppress(OSError):  # a process of the node still ends
                    Path(folder).rmdir()


def _container_of(pod: Object) -> str:
    (status,) = pod["status"]["containerStatuses"]
    return str(status["containerID"]).removeprefix("containerd://")
