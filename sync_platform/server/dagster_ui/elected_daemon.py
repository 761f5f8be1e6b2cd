"""Dagster's daemon, of which one runs for all servers that share a ledger. The daemons of the others wait.

    python -m sync_platform.server.dagster_ui.elected_daemon run -w workspace.yaml

Two daemons would launch every scheduled run twice. The lock ends with its process: the daemon of another server goes on
within a second. A daemon that loses its lock to another one ends, and its server starts it again.

A daemon of another deployment is refused (daemon_election.py).
"""

from __future__ import annotations

import logging
import os
import runpy
import sys
import threading
import time

from dagster import DagsterInstance
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

from sync_platform.errors import AnotherDeployment, LockLost, StorageError
from sync_platform.logs.configuration import OWN, begin_logging, line_handler
from sync_platform.server.dagster_ui.daemon_election import DaemonLabel, elected
from sync_platform.server.dagster_ui.lost_retries import keep_retries
from sync_platform.server.dagster_ui.lost_runs import keep_ending_lost_runs
from sync_platform.server.dagster_ui.slow_launches import wait_for_slow_launches
from sync_platform.settings import load_settings
from sync_platform.storage.held_lock import HeldLocks

logger = logging.getLogger(__name__)
LOOK_EVERY_S = 10.0
BACKFILLS_WAIT = "DAGSTER_BACKFILL_RETRY_DEFINITION_CHANGED_ERROR"
"""With this variable a backfill waits while the code server cannot be reached. Otherwise it fails for good."""


def run_elected() -> None:
    """Wait until no other daemon runs, then be the daemon. Ends with code 1 where another deployment runs one."""
    begin_logging()
    if line_handler() is None and logging.lastResort:
        # for people; Python shows warnings by itself only until Dagster has set up its own logging
        logging.getLogger(OWN).addHandler(logging.lastResort)
    settings, label = load_settings(), DaemonLabel.of_this_process(_instance_id())
    try:
        with elected(settings, label) as locks:
            threading.Thread(target=_end_without_lock, args=(locks,), daemon=True).start()
            threading.Thread(target=keep_ending_lost_runs, daemon=True).start()
            keep_retries()
            wait_for_slow_launches()
            os.environ.setdefault(BACKFILLS_WAIT, "1")
            runpy.run_module("dagster._daemon", run_name="__main__", alter_sys=True)
    except AnotherDeployment as refusal:
        logger.error("%s", refusal)
        sys.exit(1)


def _instance_id() -> str:
    """What tells Dagster's instance from every other one: the id of its records; empty for other kinds of storage."""
    with DagsterInstance.get() as instance:
        storage = instance.run_storage
        return storage.get_run_storage_id() if isinstance(storage, SqlRunStorage) else ""


def _end_without_lock(locks: HeldLocks) -> None:
    while True:
        time.sleep(LOOK_EVERY_S)
        try:
            locks.require()
        except LockLost as lost:
            logger.error("the daemon ends: %s", lost)
            os._exit(1)
        except StorageError:
            continue  # it cannot be known now


if __name__ == "__main__":
    run_elected()
