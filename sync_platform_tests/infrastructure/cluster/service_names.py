"""The names of the services of a cluster: what CoreDNS does in a real one, dnsmasq does here."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sync_platform_tests.infrastructure.cluster.cluster_api import ClusterApi, Object
from sync_platform_tests.infrastructure.cluster.control_plane import running_program
from sync_platform_tests.infrastructure.cluster.repeated_look import repeated_look


@contextmanager
def service_names(folder: Path, address: str, domain: str, api: ClusterApi) -> Iterator[None]:
    """A server of names at the address, which knows each service by the name that pods use."""
    hosts = folder / "hosts"
    hosts.touch()
    command = ["dnsmasq", "--keep-in-foreground", "--no-resolv", "--no-hosts", f"--addn-hosts={hosts}"]
    command += [f"--listen-address={address}", "--bind-interfaces", "--user=root", "--conf-file=/dev/null"]
    command += [f"--local=/{domain}/", "--pid-file="]

    with running_program(folder, "dnsmasq", command) as process:

        def write_changes() -> None:
            text = "".join(_line_of(each, domain) for each in api.list("Service", ""))
            if text != hosts.read_text():
                hosts.write_text(text)
                process.send_signal(signal.SIGHUP)

        with repeated_look(write_changes):
            yield


def _line_of(service: Object, domain: str) -> str:
    metadata, address = service["metadata"], service["spec"]["clusterIP"]
    return f"{address} {metadata['name']}.{metadata['namespace']}.svc.{domain}\n"
