"""A machine with systemd: a container with a copy of this machine's files, on a host with an address of its own.

What belongs here: starting it, running commands in it, and ending it. What doesn't: what is installed in it.
What it writes is in memory, and is gone when it ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from sync_platform_tests.fleet.hosts import Host
from sync_platform_tests.limits import LONGEST_WAIT_S
from sync_platform_tests.services import NOT_TESTED

PACKAGES = {"systemd-nspawn": "systemd-container", "unshare": "util-linux", "nsenter": "util-linux", "caddy": "caddy"}
"""The programs that it needs, and the packages of Debian that have them."""
TARGET = "basic.target"
"""What is started at first: systemd alone, and no service that this machine has."""
AS_ROOT = 'mount --bind / "$0" && exec systemd-nspawn --directory="$0" "$@"'
"""systemd-nspawn refuses `/` itself, and takes it under another name."""


@dataclass(frozen=True)
class Machine:
    """A running machine. `leader`: the process of its systemd, as this machine numbers it."""

    host: Host
    leader: int
    process: subprocess.Popen[bytes]

    def run(
        self, command: str, *, text: str = "", path: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command of the shell as root. `text`: its input; `path`: a folder with programs that come first."""
        paths = ":".join([*([path] if path else []), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"])
        enter = ["nsenter", f"--target={self.leader}", "--all", "env", "-i", f"PATH={paths}", "LANG=C.UTF-8"]
        done = subprocess.run([*enter, "sh", "-c", command], input=text, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}\n{self.journal()}"
        return done

    def write(self, path: str, text: str) -> None:
        self.run(f"cat > {path}", text=text)

    def state(self, unit: str) -> str:
        """The state of a unit of systemd, such as `active`."""
        return self.run(f"systemctl is-active {unit}", check=False).stdout.strip()

    def main_pid(self, unit: str) -> int:
        return int(self.run(f"systemctl show --property=MainPID --value {unit}").stdout)

    def journal(self, unit: str = "") -> str:
        """The newest lines that a unit has logged, or all units."""
        chosen = f"--unit={unit}" if unit else ""
        command = f"journalctl --no-pager --output=cat --lines=60 {chosen}"
        enter = ["nsenter", f"--target={self.leader}", "--all", "sh", "-c", command]
        return subprocess.run(enter, capture_output=True, text=True, check=False).stdout


@contextmanager
def running_machine(host: Host, folder: Path, binds: Mapping[Path, str]) -> Iterator[Machine]:
    """A machine on a host. `binds`: folders of this machine, and where the machine sees them, read-only.

    The test is skipped where no systemd can be started.
    """
    missing = sorted({package for program, package in PACKAGES.items() if shutil.which(program) is None})
    if missing:
        pytest.skip(f"one server {NOT_TESTED}: apt-get install {' '.join(missing)}")
    name = f"sync-platform-{os.getpid()}"
    root, log = folder / "root", folder / "systemd-nspawn.log"
    root.mkdir()
    options = ["--volatile=overlay", "--boot", "--register=no", "--keep-unit", "--console=pipe", "--link-journal=no"]
    options += [f"--machine={name}", f"--hostname={host.name}", "--resolv-conf=off", "--timezone=off"]
    options += [f"--network-namespace-path=/run/netns/{host.namespace}"]
    options += [f"--bind-ro={source}:{target}" for source, target in binds.items()]
    command = ["unshare", "--mount", "--propagation=private", "sh", "-c", AS_ROOT, str(root), *options]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, f"systemd.unit={TARGET}"], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    try:
        yield Machine(host, _leader(process, log), process)
    finally:
        for leader in _children(process.pid):
            with suppress(ProcessLookupError):
                os.kill(leader, signal.SIGKILL)
        process.wait()
        shutil.rmtree(f"/run/systemd/nspawn/propagate/{name}", ignore_errors=True)


def _leader(process: subprocess.Popen[bytes], log: Path) -> int:
    """The process of the machine's systemd, once it has started everything that it should."""
    limit = time.monotonic() + LONGEST_WAIT_S
    while process.poll() is None and time.monotonic() < limit:
        for pid in _children(process.pid):
            asked = ["nsenter", f"--target={pid}", "--all", "systemctl", "is-system-running"]
            answer = subprocess.run(asked, capture_output=True, text=True, check=False).stdout.strip()
            if answer in ("running", "degraded"):
                return pid
        time.sleep(0.2)
    pytest.skip(f"one server {NOT_TESTED}: no systemd starts in a container here: {log.read_text().strip()}")


def _children(pid: int) -> list[int]:
    with suppress(OSError):
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    return []
