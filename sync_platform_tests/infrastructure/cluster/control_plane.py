"""The control plane: etcd, the API server and the controller manager of Kubernetes 1.20, for one test module.

The binaries are built once, by build-kubernetes.sh. Without them the tests are skipped, and
the summary says so.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from sync_platform_tests.infrastructure.cluster.cluster_api import ClusterApi
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.server.running_server import free_port
from sync_platform_tests.services import NOT_TESTED

NODE_SILENT_S = 8
"""How long a node may be silent; Kubernetes' own 40 s are long for a test."""


@dataclass
class ControlPlane:
    """A control plane. `folder`: for its files; `ports`: of the API server, the controllers, and etcd's two; `address`:
    where all of them listen."""

    folder: Path
    binaries: Path
    etcd: Path
    ports: list[int]
    address: str = "127.0.0.1"
    node_silent_s: int = NODE_SILENT_S
    token: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def url(self) -> str:
        return f"https://{self.address}:{self.ports[0]}"

    @property
    def _etcd_url(self) -> str:
        return f"http://{self.address}:{self.ports[2]}"

    @property
    def certificate(self) -> Path:
        return self.folder / "certificates" / "apiserver.crt"

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig file of the administrator."""
        return self.kubeconfig_of(self.token, self.folder)

    def kubeconfig_of(self, token: str, folder: Path) -> Path:
        """A kubeconfig file in the folder, for the user with this token."""
        cluster = {"server": self.url, "certificate-authority": str(self.certificate)}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": cluster}],
            "users": [{"name": "test", "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "current-context": "test",
        }
        file = folder / "kubeconfig"
        file.write_text(yaml.safe_dump(config))
        return file

    def api(self) -> ClusterApi:
        return ClusterApi(self.url, self.token, self.certificate)

    @contextmanager
    def api_server(self) -> Iterator[None]:
        command = [
            self.binaries / "kube-apiserver",
            f"--etcd-servers={self._etcd_url}",
            f"--bind-address={self.address}",
            "--advertise-address=192.0.2.1",
            f"--secure-port={self.ports[0]}",
            f"--cert-dir={self.certificate.parent}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-signing-key-file={self.folder / 'accounts.key'}",
            f"--service-account-key-file={self.folder / 'accounts.pub'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            "--endpoint-reconciler-type=none",
        ]
        with running_program(self.folder, "kube-apiserver", command, self._has_namespaces):
            yield

    def _has_namespaces(self) -> bool:
        """Whether the API server is ready; it makes its own namespaces a moment later."""
        return self.certificate.exists() and self.api().is_ready() and bool(self.api().found("Namespace", "default"))

    @contextmanager
    def etcd_server(self) -> Iterator[None]:
        own, peers = self._etcd_url, f"http://{self.address}:{self.ports[3]}"
        command = [
            self.etcd,
            f"--data-dir={self.folder / 'etcd'}",
            f"--listen-client-urls={own}",
            f"--advertise-client-urls={own}",
            f"--listen-peer-urls={peers}",
            f"--initial-advertise-peer-urls={peers}",
            f"--initial-cluster=default={peers}",
        ]
        with running_program(self.folder, "etcd", command, lambda: httpx.get(f"{own}/health").status_code == 200):
            yield

    @contextmanager
    def controllers(self) -> Iterator[None]:
        command = [
            self.binaries / "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig}",
            f"--service-account-private-key-file={self.folder / 'accounts.key'}",
            f"--root-ca-file={self.certificate}",
            f"--bind-address={self.address}",
            f"--secure-port={self.ports[1]}",
            "--port=0",
            f"--cert-dir={self.folder / 'of-controllers'}",
            "--leader-elect=false",
            "--kube-api-qps=100",
            "--node-monitor-period=1s",
            f"--node-monitor-grace-period={self.node_silent_s}s",
            "--kube-api-burst=200",
        ]
        default = lambda: self.api().found("ServiceAccount", "default", "default")  # noqa: E731
        with running_program(self.folder, "kube-controller-manager", command, default):
            yield


@contextmanager
def running_program(
    folder: Path, name: str, command: Sequence[Any], answers: Callable[[], object] = lambda: True
) -> Iterator[subprocess.Popen[bytes]]:
    """A program that runs, once it answers. Its log is in the folder, and its end in the message where it does not."""
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        wait_for(answers, lambda: f"{name}:\n{log.read_text()[-3000:]}", lambda: process.poll() is None)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()


def wait_for(
    is_so: Callable[[], Any],
    explain: Callable[[], str],
    may_be: Callable[[], bool] = lambda: True,
    within_s: float = LONGEST_WAIT_S,
) -> Any:
    """What `is_so` returns once that is true; AssertionError with the explanation where it does not become true.

    `may_be`: False once it cannot become true any more.
    """
    end = time.monotonic() + within_s
    while True:
        with suppress(httpx.TransportError, OSError):
            if result := is_so():
                return result
        assert may_be() and time.monotonic() < end, explain()
        time.sleep(0.3)


@contextmanager
def running_control_plane(
    folder: Path, address: str = "127.0.0.1", node_silent_s: int = NODE_SILENT_S
) -> Iterator[ControlPlane]:
    """A control plane that runs; skips where it is not installed."""
    plane = installed_control_plane(folder, address, node_silent_s)
    with plane.etcd_server(), plane.api_server(), plane.controllers():
        yield plane


def installed_control_plane(
    folder: Path, address: str = "127.0.0.1", node_silent_s: int = NODE_SILENT_S
) -> ControlPlane:
    """A control plane of which nothing runs yet; skips where it is not installed."""
    binaries = Path(os.environ.get("KUBERNETES_BINARIES", Path.home() / ".cache/sync-platform-tests/kubernetes"))
    etcd = shutil.which("etcd")
    if not (binaries / "kube-apiserver").exists() or etcd is None:
        pytest.skip(f"Kubernetes {NOT_TESTED}: run sync_platform_tests/infrastructure/cluster/build-kubernetes.sh once")
    plane = ControlPlane(folder, binaries, Path(etcd), [free_port() for _ in range(4)], address, node_silent_s)
    _write_keys(plane)
    return plane


def _write_keys(plane: ControlPlane) -> None:
    """The key that signs tokens of service accounts, and the token of the administrator."""
    key = rsa.generate_private_key(65537, 2048)
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, plain)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    (plane.folder / "accounts.key").write_bytes(private)
    (plane.folder / "accounts.pub").write_bytes(public)
    (plane.folder / "tokens.csv").write_text(f"{plane.token},admin,admin,system:masters\n")
