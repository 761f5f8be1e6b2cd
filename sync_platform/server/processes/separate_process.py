"""Runs one of Dagster's processes alone: in a pod, or as a unit of systemd."""

from __future__ import annotations

import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from sync_platform.errors import SettingsError
from sync_platform.server.processes.child_process import ChildProcess, Relay, keep_running
from sync_platform.server.processes.dagster_processes import (
    SERVER_FILES,
    STOPS_WITHIN_S,
    WORKER,
    code_server_command,
    daemon_command,
)
from sync_platform.server.processes.server_part import ServerPart
from sync_platform.settings import Settings
from sync_platform.storage.process_files import process_folder


def require_code_server(settings: Settings) -> None:
    """Raise SettingsError where no setting says where the code server is."""
    if not settings.code_server:
        raise SettingsError("CODE_SERVER is not set: it is the address of the code server, such as 127.0.0.1:4266")


def run_alone(part: ServerPart, settings: Settings, dagster_home: Path, relay: Relay | None = None) -> bool:
    """Run the daemon, the code server or a worker until interrupted; False if it was given up.

    `relay` gets its output. Runs that are children of the code server or of a worker go on if they last longer than
    20 s after a stop.
    """
    stop = threading.Event()
    for each in (signal.SIGINT, signal.SIGTERM):
        signal.signal(each, lambda *_: stop.set())
    environment = {"DAGSTER_HOME": str(dagster_home), "SYNC_HOME": str(settings.home)}
    with process_folder(SERVER_FILES) as folder:
        command = _command(part, settings, folder, "json" if relay else "colored")
        child = ChildProcess(f"the {part.replace('-', ' ')}", command, environment, relay)
        keep_running([child], stop, lambda: None)
        is_well = not child.is_given_up
        child.stop(STOPS_WITHIN_S)
    return is_well


def _command(part: ServerPart, settings: Settings, folder: Path, log_format: str) -> Sequence[str]:
    if part is ServerPart.worker:
        return [WORKER]
    host, _, port = settings.code_server.rpartition(":")
    if part is ServerPart.daemon:
        return daemon_command(folder, {"host": host, "port": int(port)}, log_format)
    return code_server_command(["--host", settings.serve_address, "--port", port], log_format)
