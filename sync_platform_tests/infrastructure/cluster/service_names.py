"""The names of the services of a cluster: what CoreDNS does in a real one, dnsmasq does here."""

from __future__ import annotations

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx

from sync_platform_tests.infrastructure.cluster.cluster_api import ApiRefusal, ClusterApi, Object
from sync_platform_tests.infrastructure.cluster.control_plane import running_program

LOOK_EVERY_S = 0.5


@contextmanager
def service_names(folder: Path, address: str, domain: str, api: ClusterApi) -> Iterator[None]:
    """A server of names at the address, which knows each service by the name that pods use."""
    hosts, ended = folder / "hosts", threading.Event()
    hosts.touch()
    command = ["dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", f"--addn-hosts={hosts}"]
    command += [f"--listen-address={address}", "--bind-interfaces", "--user=root", "--conf-file=/dev/null"]
    command += [f"--local=/{domain}/", "--pid-file="]

    def follow(process: subprocess.Popen[bytes]) -> None:
        while not ended.wait(LOOK_EVERY_S):
            with suppress(httpx.TransportError, ApiRefusal):
                text = "".join(_line_of(each, domain) for each in api.list("Service", ""))
                if text != hosts.read_text():
                    hosts.write_text(text)
                    process.send_signal(signal.SIGHUP)

    with running_program(folder, "dnsmasq", command) as process:
        following = threading.Thread(target=follow, args=(process,))
        following.start()
        try:
            yield
        finally:
            ended.set()
            following.join()


def _line_of(service: Object, domain: str) -> str:
    metadata, address = service["metadata"], service["spec"]["clusterIP"]
    return f"{address} {metadata['name']}.{metadata['namespace']}.svc.{domain}\n"
