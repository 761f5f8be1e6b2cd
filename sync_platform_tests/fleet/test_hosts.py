"""Hosts are made although a test process that was killed has left its own behind."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sync_platform_tests.fleet.hosts import Host, hosts
from sync_platform_tests.tree import ROOT

NETWORK, PORT = "10.99.79", 4000
LISTENS = f"import socket, time; server = socket.create_server(('', {PORT})); time.sleep(600)"
KILLED = f"""
import os, signal, sys
from pathlib import Path
from sync_platform_tests.fleet.hosts import hosts
with hosts("of-the-killed", network="{NETWORK}") as made:
    made["of-the-killed"].start(["sleep", "600"], Path("sleep.log"))
    while not made["of-the-killed"].pids():
        pass
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.full
def test_a_host_is_reached_although_a_killed_process_left_a_bridge_and_a_host(tmp_path: Path) -> None:
    with hosts("of-the-test", network=NETWORK):  # skips the test where no hosts can be made
        pass
    left = subprocess.run([sys.executable, "-c", KILLED], cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, check=False)
    assert left.returncode == -signal.SIGKILL
    with hosts("of-the-test", network=NETWORK) as made:
        host = made["of-the-test"]
        listening = host.start([sys.executable, "-c", LISTENS], tmp_path / "listens.log")
        while not _answers(host):
            assert listening.poll() is None, (tmp_path / "listens.log").read_text()
            time.sleep(0.1)


def _answers(host: Host) -> bool:
    try:
        socket.create_connection((host.place.address, PORT), timeout=2).close()
    except OSError:
        return False
    return True
