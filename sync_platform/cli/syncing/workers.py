"""Syncs several platforms at once, each in its own process, forked from one that has imported everything.

Processes and not threads, because Dagster's logging and event storage block each other when one process executes
several runs. A worker ends with its parent. A worker that dies does not affect the others.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from sync_platform.cli.runner.runs import Runner
from sync_platform.cli.syncing.display import Display
from sync_platform.cli.syncing.result import PlatformResult
from sync_platform.defs.landing import Mode
from sync_platform.defs.resources import landing_store_of
from sync_platform.emergency.request import EmergencyRequest
from sync_platform.errors import LockLost, MadeByNewer, SyncError
from sync_platform.lake.row_worker import NO_ROW_WORKER, RowWorkerProcess
from sync_platform.lake.syncs import SyncRecord, rows_not_retired, syncs_of_runs
from sync_platform.logs.crash import crash_reported
from sync_platform.logs.log_context import logging_as
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.period import Period
from sync_platform.storage.extensions import check_extensions
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake

logger = logging.getLogger(__name__)
AT_ONCE = 8
SEND_EVERY_S = 0.1  # a message for each page would cost both processes time, and a person cannot see more
LOOK_EVERY_S = 2.0
PR_SET_PDEATHSIG = 1  # prctl(2)


@dataclass(frozen=True)
class Job:
    """What every worker of a sync gets. `request`: the emergency request that the runs belong to, claimed.

    `is_attended`: a person waits for the runs, so that a failure is reported at once and not retried.
    """

    settings: Settings
    mode: Mode
    accept_shrink: str = ""
    request: EmergencyRequest | None = None
    is_attended: bool = True


@dataclass(frozen=True)
class _Worker:
    """A running worker, and when it was started (monotonic seconds)."""

    platform: Platform
    period: Period
    process: BaseProcess
    began: float


def run_all(
    job: Job,
    planned: list[tuple[Platform, Period]],
    display: Display,
    look: Callable[[], None] | None = None,
) -> list[PlatformResult]:
    """Sync every platform, and show the progress. Returns the results in the order of `planned`.

    `look`: called every two seconds. What it raises kills the workers.
    """
    waiting = list(reversed(planned))
    check_extensions(LakeAddress.of(job.settings).extensions)
    has_row_worker = len(planned) < (os.cpu_count() or 1)  # otherwise every core is busy with the run of a platform
    running: dict[Connection, _Worker] = {}
    looked_at = time.monotonic()
    results: dict[str, PlatformResult] = {}
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                platform, period = waiting.pop()
                display.started(platform.name)
                connection, worker = _start(job, platform, period, has_row_worker)
                running[connection] = worker
            if look is not None and time.monotonic() - looked_at >= LOOK_EVERY_S:
                look()
                looked_at = time.monotonic()
            for ready in wait(list(running), None if look is None else LOOK_EVERY_S):
                connection = ready  # type: ignore[assignment] # only connections are waited for
                result = _receive(connection, running[connection], display)
                if result is not None:
                    del running[connection]
                    results[result.platform] = result
                    display.finished(result)
    finally:
        for worker in running.values():
            worker.process.kill()  # what is committed stays
        for worker in running.values():
            worker.process.join()
    return [results[platform.name] for platform, _ in planned]


def _start(job: Job, platform: Platform, period: Period, has_row_worker: bool) -> tuple[Connection, _Worker]:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(theirs, job, platform, period, has_row_worker), name=platform.name)
    process.start()
    theirs.close()
    return ours, _Worker(platform, period, process, time.monotonic())


def _receive(connection: Connection, worker: _Worker, display: Display) -> PlatformResult | None:
    """Show one message of a worker. Returns its result once it has ended, also if it was killed."""
    name = worker.platform.name
    try:
        kind, *values = connection.recv()
    except EOFError:
        worker.process.join()
        error = f"its process ended before its time (exit code {worker.process.exitcode})"
        with logging_as(platform=name):
            logger.error("Sync job failed: %s %s: %s", name, worker.period.key, error)
        fetch_s = time.monotonic() - worker.began
        return PlatformResult(name, worker.period.key, "", error, fetch_s, 0.0, was_killed=True)
    if kind == "pages":
        for page in values[0]:
            display.page(name, *page)
    elif kind == "waiting":
        display.waiting(name, *values)
    elif kind == "landed":
        display.landed(name)
    else:
        worker.process.join()
        connection.close()
        result: PlatformResult = values[0]
        return result
    return None


class _ProgressSender:
    """Sends the progress of a worker to the parent, and measures its phases."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.began = self.landed_at = time.monotonic()
        self._has_waited = self._is_landed = False
        self._unsent: list[tuple[str, int, Gaps]] = []
        self._sent_at = 0.0

    def waiting(self, platform: str, text: str) -> None:
        self._has_waited = True
        self._connection.send(("waiting", text))

    def lock_taken(self, platform: str) -> None:
        if self._has_waited:
            self.began = time.monotonic()  # the time of waiting is not part of fetching

    def page(self, platform: str, dataset: str, records: int, gaps: Gaps) -> None:
        self._unsent.append((dataset, records, gaps))
        if time.monotonic() - self._sent_at >= SEND_EVERY_S:
            self._send_pages()

    def landed(self, platform: str) -> None:
        self._send_pages()
        self.landed_at, self._is_landed = time.monotonic(), True
        self._connection.send(("landed",))

    def unifying(self, text: str) -> None: ...

    def _send_pages(self) -> None:
        self._connection.send(("pages", self._unsent))
        self._unsent, self._sent_at = [], time.monotonic()

    def phases(self) -> tuple[float, float]:
        """The seconds of fetching, and of storing in the lake, until now."""
        now = time.monotonic()
        return (self.landed_at - self.began, now - self.landed_at) if self._is_landed else (now - self.began, 0.0)


def _work(connection: Connection, job: Job, platform: Platform, period: Period, has_row_worker: bool) -> None:
    """The work of a worker: the run of one platform, then its result to the parent."""
    _die_with_parent()
    _collect_garbage_seldom()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its workers
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with logging_as(platform=platform.name), crash_reported():
        _sync(connection, job, platform, period, has_row_worker)


def _sync(connection: Connection, job: Job, platform: Platform, period: Period, has_row_worker: bool) -> None:
    progress = _ProgressSender(connection)
    run_id, error, is_blocked, is_overtaken = "", None, False, False
    records: list[SyncRecord] = []
    not_retired_ids: dict[str, list[str]] = {}
    try:
        with _row_worker(job.settings, platform) if has_row_worker else nullcontext(NO_ROW_WORKER) as row_worker:
            runner = Runner(job.settings, progress, row_worker)
            outcome = runner.run(
                platform, period, job.mode, job.accept_shrink, job.request, is_attended=job.is_attended
            )
        run_id, error, is_blocked = outcome.run_id, outcome.error, outcome.is_blocked
        is_overtaken = outcome.is_overtaken
        records, not_retired_ids = _records_of(job.settings, platform, run_id)
    except SyncError as problem:
        is_overtaken = is_overtaken or isinstance(problem, MadeByNewer | LockLost)
        error = error or str(problem)
    fetch_s, lake_s = progress.phases()
    result = PlatformResult(
        platform.name,
        period.key,
        run_id,
        error,
        fetch_s,
        lake_s,
        records,
        not_retired_ids,
        is_blocked,
        is_overtaken=is_overtaken,
    )
    connection.send(("finished", result))
    connection.close()


def _row_worker(settings: Settings, platform: Platform) -> RowWorkerProcess:
    return RowWorkerProcess(platform, landing_store_of(settings).open, settings.temp)


def _records_of(settings: Settings, platform: Platform, run_id: str) -> tuple[list[SyncRecord], dict[str, list[str]]]:
    """The sync records of a run, in the order of the platform's datasets, and the ids of its rows not retired."""
    order = {dataset.name: number for number, dataset in enumerate(platform.datasets)}
    with Lake(LakeAddress.of(settings), read_only=True) as lake:
        records = syncs_of_runs(lake, [run_id])
        not_retired = {record.dataset or "": rows_not_retired(lake, record) for record in records if record.not_retired}
    return sorted(records, key=lambda record: order.get(record.dataset or "", -1)), not_retired


def _collect_garbage_seldom() -> None:
    """The search for reference cycles costs a fifth of a sync. Decoded pages have none, and this process ends soon."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _die_with_parent() -> None:
    """End this process when its parent dies, also if the parent is killed. Only Linux can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
