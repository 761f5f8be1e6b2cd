"""The processes beside the server, as its children: Dagster's code server and daemon, and the emergency starter.

The code server listens on a socket in a folder that only this user can open: it has no login, and runs any code that it
is sent. Runs are children of the code server: it ends only after them.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sync_platform.errors import StorageError
from sync_platform.server.processes.child_process import ChildProcess, Relay, keep_running

MODULE = "sync_platform.definitions"
CODE_SERVER = "sync_platform.server.dagster_ui.code_server"
DAEMON = "sync_platform.server.dagster_ui.elected_daemon"
WORKER = "sync_platform.server.dagster_ui.run_worker"
SERVER_FILES = "sync-serve-"
"""How the name of the folder begins in which the socket and the workspace file are; the path of a socket is short."""
READY_WITHIN_S = 120.0
STOPS_WITHIN_S = 20.0


def code_server_command(listening: Sequence[str], log_format: str) -> list[str]:
    """The module and the arguments of a code server; `listening`: its options that say where."""
    command = [CODE_SERVER, "api", "grpc", "-m", MODULE, "--location-name", MODULE, *listening]
    return [*command, "--log-level", "warning", "--log-format", log_format]


def daemon_command(folder: Path, code_server: Mapping[str, str | int], log_format: str) -> list[str]:
    """The module and the arguments of the daemon; its workspace file is written into the folder.

    `code_server`: a `socket`, or a `host` and a `port`.
    """
    workspace = folder / "workspace.yaml"
    lines = [f"    {name}: {json.dumps(value)}\n" for name, value in {**code_server, "location_name": MODULE}.items()]
    workspace.write_text("load_from:\n- grpc_server:\n" + "".join(lines), encoding="utf-8")
    return [DAEMON, "run", "-w", str(workspace), "--log-level", "warning", "--log-format", log_format]


class DagsterProcesses:
    """The three children. `folder`: for the socket and the workspace file; only this user may open it."""

    def __init__(
        self, folder: Path, environment: Mapping[str, str], log_format: str = "colored", relay: Relay | None = None
    ) -> None:
        self.socket = folder / "code.sock"
        listening, place = ["--socket", str(self.socket)], {"socket": str(self.socket)}
        self.code_server = ChildProcess(
            "the code server", code_server_command(listening, log_format), environment, relay
        )
        self.daemon = ChildProcess("the daemon", daemon_command(folder, place, log_format), environment, relay)
        self.starter = ChildProcess(
            "the emergency starter", ["sync_platform", "emergency", "starter"], environment, relay
        )
        self._is_stopping = threading.Event()

    @property
    def children(self) -> list[ChildProcess]:
        return [self.code_server, self.daemon, self.starter]

    def start(self, is_serving: Callable[[str], bool]) -> None:
        """Start all, the others once the code server answers; StorageError if it does not.

        `is_serving`: True if a code server answers on this socket.
        """
        self.code_server.start()
        end = time.monotonic() + READY_WITHIN_S
        while not is_serving(str(self.socket)):
            if not self.code_server.is_running or time.monotonic() > end:
                raise StorageError("Dagster's code server did not start: its messages are above")
            time.sleep(0.1)
        self.daemon.start()
        self.starter.start()

    def watch(self, on_given_up: Callable[[], None]) -> None:
        """Restart a child that ends, in a thread of its own; `on_given_up` is called if that does not help."""
        arguments = (self.children, self._is_stopping, on_given_up)
        threading.Thread(target=keep_running, args=arguments, daemon=True).start()

    def problems(self) -> list[str]:
        """The children that do not run now."""
        return [f"{child.name} does not run" for child in self.children if not child.is_running]

    def stop(self) -> bool:
        """Stop what begins runs, then the code server. False if runs go on, and the code server ends after them."""
        self._is_stopping.set()
        self.starter.stop(STOPS_WITHIN_S)
        self.daemon.stop(STOPS_WITHIN_S)
        return self.code_server.stop(STOPS_WITHIN_S)
