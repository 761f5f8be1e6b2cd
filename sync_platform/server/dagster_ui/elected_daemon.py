"""Dagster's daemon, of which one runs for all servers that share a ledger. The daemons of the others wait.

    python -m sync_platform.server.dagster_ui.elected_daemon run -w workspace.yaml

Two daemons would launch every scheduled run twice. The lock ends with its process: the daemon of another server goes on
within a second. A daemon that loses its lock, because PostgreSQL was restarted, ends, and its server starts it again.
"""

from __future__ import annotations

import logging
import os
import runpy
import socket
import threading
import time

from dagster import DagsterInstance

from sync_platform.errors import StorageError
from sync_platform.logs.configuration import begin_logging
from sync_platform.settings import load_settings
from sync_platform.storage.platform_lock import Holder, holder_of, platform_lock

logger = logging.getLogger(__name__)
DAEMON = "dagster-daemon"
"""The name of the lock."""
LOOK_EVERY_S = 10.0
SILENT_S = 90.0
"""A running daemon sends a heartbeat every 30 seconds."""


def run_elected() -> None:
    """Wait until no other daemon runs, then be the daemon."""
    begin_logging()
    ledger, label = load_settings().ledger_url, f"{socket.gethostname()[:30]}-{os.getpid()}"
    with platform_lock(ledger, DAEMON, label, WaitReport()):
        threading.Thread(target=_end_without_lock, args=(ledger, label), daemon=True).start()
        runpy.run_module("dagster._daemon", run_name="__main__", alter_sys=True)


class WaitReport:
    """Says once that another daemon runs, and once if that daemon does not serve this instance of Dagster."""

    def __init__(self) -> None:
        self._since: float | None = None
        self._is_silent = False

    def __call__(self, holder: Holder | None) -> None:
        name = holder.run_id if holder else "another server"
        if self._since is None:
            self._since = time.monotonic()
            logger.warning("Dagster's daemon runs at %s: the one of this server waits until that one ends", name)
        elif not self._is_silent and time.monotonic() - self._since > SILENT_S:
            self._is_silent = True
            if not _has_heartbeat():
                logger.error(
                    "the daemon at %s does not serve this instance of Dagster: servers with one ledger need one "
                    "instance, which DAGSTER_HOME names",
                    name,
                )


def _has_heartbeat() -> bool:
    with DagsterInstance.get() as instance:
        newest = max((each.timestamp for each in instance.get_daemon_heartbeats().values()), default=0.0)
    return time.time() - newest < SILENT_S


def _end_without_lock(ledger: str, label: str) -> None:
    while True:
        time.sleep(LOOK_EVERY_S)
        try:
            holder = holder_of(ledger, DAEMON)
        except StorageError:
            continue  # it cannot be known now
        if holder is None or holder.run_id != label:
            logger.error("the daemon has lost its lock, and ends")
            os._exit(1)


if __name__ == "__main__":
    run_elected()
