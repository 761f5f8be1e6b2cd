"""`serve` as processes over a home: to ask it, to find its processes, and to start it again after it was killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property

import httpx

from sync_platform.api_client import ApiClient
from sync_platform.permissions.role import Role
from sync_platform.permissions.token_store import TokenStore
from sync_platform.settings import load_settings
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.relational import open_database
from sync_platform_tests.cli.conftest import Shell, wait_until
from sync_platform_tests.warm import StartedProcess


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class RunningServer:
    """A server and its children."""

    shell: Shell
    port: int = field(default_factory=free_port)

    def __post_init__(self) -> None:
        self.process = self._start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def token(self) -> str:
        """The token of an admin."""
        tokens = TokenStore(open_database(load_settings(sync_home=self.shell.home).ledger_url, MIGRATIONS))
        return tokens.create("tester", Role.admin, (), timedelta(days=1), "test")[1]

    @cached_property
    def client(self) -> ApiClient:
        return ApiClient(self.url, token=self.token)

    def _start(self) -> StartedProcess:
        process = self.shell.start("serve", "--port", str(self.port))
        wait_until(self.is_ready, process)
        return process

    def is_ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz", timeout=30).status_code == 200
        except httpx.TransportError:  # it does not listen yet
            return False

    def wait_until(self, is_so: Callable[[], object]) -> None:
        wait_until(is_so, self.process)

    def child(self, text: str) -> int:
        """The child whose command has this text."""
        assert self.process.process.pid is not None
        return children_of(self.process.process.pid, text)[0]

    def kill_and_start_again(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process = self._start()

    def stop(self) -> subprocess.CompletedProcess[str]:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait()


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def children_of(parent: int, text: str = "") -> list[int]:
    """The processes of a parent whose command has this text."""
    listed = subprocess.run(["ps", "-ww", "-eo", "pid,ppid,args"], capture_output=True, text=True, check=True).stdout
    found = [line.split(None, 2) for line in listed.splitlines()[1:]]
    return [int(pid) for pid, of, command in found if int(of) == parent and text in command]
