"""Hosts on one machine: network namespaces on a bridge, each with an address and a host name of its own.

What belongs here: making hosts, running commands on them, and taking one away. What doesn't: what runs there.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sync_platform_tests.services import NOT_TESTED, Place

NETWORK = "10.99.77"
NAMESPACES = Path("/run/netns")
BRIDGE = 254
"""The last number of the address of the tests themselves."""
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
ENTER = 'echo "$0" > /proc/sys/kernel/hostname && exec "$@"'


@dataclass
class Host:
    """A host: its name, its last number in the network, and the first three of it."""

    name: str
    number: int
    network: str = NETWORK
    namespace: str = field(init=False)
    started: list[subprocess.Popen[str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.namespace = f"sync-{os.getpid()}-{self.network}.{self.number}"

    @property
    def place(self) -> Place:
        enter = ("nsenter", f"--net=/run/netns/{self.namespace}", "unshare", "--uts", "sh", "-c", ENTER, self.name)
        return Place(f"{self.network}.{self.number}", enter)

    @property
    def link(self) -> str:
        """The end of its cable at the bridge; the name of an interface has at most 15 characters."""
        return f"{_bridge(self.network)}p{self.number}"

    def start(self, command: list[str], log: Path, **options: Any) -> subprocess.Popen[str]:
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*self.place.enter, *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
                **options,
            )
        self.started.append(process)
        return process

    def pids(self) -> list[int]:
        return _pids(self.namespace)

    def cpu_s(self) -> float:
        """The processor time of all its processes, and of those that they have waited for."""
        ticks = 0
        for pid in self.pids():
            with suppress(OSError):
                fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
                ticks += sum(map(int, fields[11:15]))
        return ticks / TICKS_PER_S

    def cut_off(self) -> None:
        """No packet leaves or reaches it any more. Its connections stay open for the other hosts."""
        _ip("link", "set", self.link, "down")

    def kill(self) -> None:
        """Kill all its processes at once."""
        while pids := self.pids():
            _kill(pids)
            for process in self.started:
                process.wait()


@contextmanager
def hosts(*names: str, network: str = NETWORK) -> Iterator[dict[str, Host]]:
    """Hosts that reach each other and the tests. The test is skipped where they cannot be made.

    A machine has one network of a kind at a time: another test process waits for its end.
    """
    missing = [each for each in ("ip", "nsenter", "unshare", "setpriv") if shutil.which(each) is None]
    if os.geteuid() != 0 or missing:
        pytest.skip(f"fleet {NOT_TESTED}: network namespaces need root, and {missing or 'nothing else'}")
    with _only_user_of(network):
        _remove_leftovers(network)
        bridge = _bridge(network)
        made = {name: Host(name, number, network) for number, name in enumerate(names, 1)}
        try:
            try:
                _ip("link", "add", bridge, "type", "bridge")
            except subprocess.CalledProcessError as error:
                pytest.skip(f"fleet {NOT_TESTED}: this machine makes no bridge: {error.stderr.strip()}")
            _ip("addr", "add", f"{network}.{BRIDGE}/24", "dev", bridge)
            _ip("link", "set", bridge, "up")
            for host in made.values():
                _connect(host, bridge)
            yield made
        finally:
            for host in made.values():
                if (NAMESPACES / host.namespace).exists():
                    host.kill()
            _remove_leftovers(network)


@contextmanager
def _only_user_of(network: str) -> Iterator[None]:
    """The lock of a network, which ends with its process."""
    with Path(f"/run/sync-platform-tests-{network}.lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _remove_leftovers(network: str) -> None:
    """Remove all hosts and interfaces, also of a process that was killed: packets would go to its bridge.

    The kernel removes the interfaces of a namespace some time after the namespace; here they are gone at once.
    """
    for namespace in NAMESPACES.glob(f"sync-*-{network}.*"):
        while pids := _pids(namespace.name):
            _kill(pids)
        _ip("netns", "del", namespace.name)
    for interface in Path("/sys/class/net").glob(f"sp*n{network.rpartition('.')[2]}*"):
        subprocess.run(["ip", "link", "del", interface.name], capture_output=True, check=False)


def _pids(namespace: str) -> list[int]:
    """The processes of a host."""
    found = subprocess.run(["ip", "netns", "pids", namespace], capture_output=True, text=True, check=True)
    return [int(each) for each in found.stdout.split()]


def _kill(pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _bridge(network: str) -> str:
    """The name of a network's bridge in this process."""
    return f"sp{os.getpid() % 10**7}n{network.rpartition('.')[2]}"


def _connect(host: Host, bridge: str) -> None:
    _ip("netns", "add", host.namespace)
    _ip("link", "add", host.link, "type", "veth", "peer", "name", "eth0", "netns", host.namespace)
    _ip("link", "set", host.link, "master", bridge, "up")
    for command in (
        ["link", "set", "lo", "up"],
        ["addr", "add", f"{host.place.address}/24", "dev", "eth0"],
        ["link", "set", "eth0", "up"],
    ):
        _ip("-n", host.namespace, *command)


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True, text=True)
