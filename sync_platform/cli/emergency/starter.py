"""`sync-platform emergency starter`: starts emergency requests as soon as they are made, until it is interrupted.

It looks into the ledger several times a second, so that a request of any interface is started at once: of the command
line, of the API, of a request file, of another machine with the same ledger.
"""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import NoReturn

from sync_platform.cli.emergency.emergency_alerts import EmergencyAlerts
from sync_platform.cli.emergency.own_run import planned_runs, run_own
from sync_platform.cli.emergency.worker_forker import WorkerForker
from sync_platform.cli.exit_codes import OK
from sync_platform.cli.output import write_line
from sync_platform.cli.runner.instance import prepare
from sync_platform.cli.runner.late_imports import import_all
from sync_platform.cli.syncing.display import NoDisplay
from sync_platform.defs.emergency import request_lock_name
from sync_platform.emergency.request import EmergencyRequest, PlatformRun
from sync_platform.emergency.request_store import RequestStore
from sync_platform.emergency.starter_presence import only_starter
from sync_platform.errors import LockLost, StorageError, SyncError
from sync_platform.logs.log_context import logging_as
from sync_platform.platforms import load_platforms
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.held_lock import HeldLock
from sync_platform.storage.lock_holder import Holder
from sync_platform.storage.platform_lock import platform_lock_if_free

LOOK_EVERY_S = 0.2
AGAIN_AFTER_S = 5.0
"""How long a worker has to claim the runs of its request before another one is started."""
MAX_WORKERS = 3
"""How many workers a request gets. If each of them dies, the request is left to Dagster's sensor."""
LEDGER_PAUSE_S = 2.0
logger = logging.getLogger(__name__)


def start_requests() -> int:
    """Start requests until the process gets SIGINT or SIGTERM. Workers that run then go on to their ends."""
    settings = load_settings()
    import_all(settings)  # a wrong setting is reported now too, not at the first emergency
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), closing(WorkerForker(lambda request_id: work(settings, request_id))) as forker:
        _start_for_ever(settings, forker)
    return OK


def _start_for_ever(settings: Settings, forker: WorkerForker) -> NoReturn:
    """Be the starter, once no other one is; again after the lock was lost to another one."""
    while True:
        with (
            suppress(LockLost),
            only_starter(settings.ledger_url, f"starter-{os.getpid()}", _report_wait()) as lock,
        ):
            prepare(settings, [])  # the first request must not wait for new databases
            write_line("Emergency requests are started as soon as they are made (Ctrl-C ends it).")
            _look_for_ever(Starter(settings, forker, lock))


def _look_for_ever(starter: Starter) -> NoReturn:
    while True:
        try:
            starter.look()
            time.sleep(LOOK_EVERY_S)
        except LockLost as lost:
            logger.error("this process starts no emergency requests any more: %s", lost)
            raise
        except StorageError as error:
            logger.error("emergency requests cannot be started: %s", error)
            time.sleep(LEDGER_PAUSE_S)


class Starter:
    """Starts a worker for each open request that has something to launch."""

    def __init__(self, settings: Settings, forker: WorkerForker, lock: HeldLock) -> None:
        self._ledger, self._forker, self._lock = settings.ledger_url, forker, lock
        self._requests = RequestStore(settings.ledger_url)
        self._alerts = EmergencyAlerts(settings)
        self._looked_at: dict[str, float] = {}
        self._workers: dict[str, int] = {}

    def look(self) -> None:
        """Look at every open request once; StorageError where the ledger cannot be used, LockLost as `HeldLock`."""
        requests = self._requests.open_requests()
        for request in requests:
            request_id = request.request_id
            if time.monotonic() - self._looked_at.get(request_id, -AGAIN_AFTER_S) < AGAIN_AFTER_S:
                continue
            self._looked_at[request_id] = time.monotonic()
            count = self._workers.get(request_id, 0)
            if count < MAX_WORKERS and any(self._is_to_launch(request, run) for run in request.runs):
                self._lock.require()
                self._workers[request_id] = count + 1
                self._forker.start(request_id)
        self._alerts.look(requests)

    def _is_to_launch(self, request: EmergencyRequest, run: PlatformRun) -> bool:
        """True if nothing has launched the run, or the process that claimed it has died."""
        if run.state in ("requested", "finished") or run.launched_by != "process":
            return run.state == "requested"
        with platform_lock_if_free(self._ledger, request_lock_name(run.platform), request.request_id) as lock:
            return lock is not None


def work(settings: Settings, request_id: str) -> None:
    """What a worker does: run what is left of a request. A request that cannot be run at all ends as failed.

    One that only this program may not run stays open: for a starter of the newer version, or for Dagster's sensor.
    """
    platforms = load_platforms(settings.platform_path)
    requests = RequestStore(settings.ledger_url)
    request = requests.find(request_id)
    with logging_as(trace_id=request_id):
        try:
            planned = planned_runs(settings, platforms, request)
        except SyncError as error:
            logger.error("emergency request %s cannot be run: %s", request_id, error)
            for name in request.platforms:
                requests.refuse(request_id, name, str(error))
            return
        try:
            run_own(settings, planned, requests, request, NoDisplay(), lambda _: _wait_quietly, is_attended=False)
        except SyncError as error:
            logger.error("emergency request %s is not run by this process: %s", request_id, error)


def _wait_quietly(_: Holder | None) -> None: ...


def _report_wait() -> Callable[[Holder | None], None]:
    """A function that reports once that another starter works on this ledger."""
    reported: list[str] = []

    def waiting(holder: Holder | None) -> None:
        if not reported:
            write_line(
                f"Another process starts emergency requests ({holder.run_id if holder else 'unknown'}): waiting."
            )
            reported.append("")

    return waiting
