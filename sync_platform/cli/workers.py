"""Several platforms at once, each in a process of its own, forked from one that has already imported everything.

Processes and not threads: Dagster's logging and event storage lock each other out when one process executes several
runs. A worker dies with its parent, and one that dies takes no other with it.
"""

from __future__ import annotations

import ctypes
import gc
import multiprocessing
import os
import signal
import sys
import time
from contextlib import nullcontext
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess

from sync_platform.cli.display import Display
from sync_platform.cli.result import PlatformResult
from sync_platform.cli.run import Runner
from sync_platform.defs.landing import Mode
from sync_platform.defs.resources import landing_store_of
from sync_platform.emergency.request import Request
from sync_platform.errors import SyncError
from sync_platform.lake.row_worker import NO_ROW_WORKER, RowWorkerProcess
from sync_platform.lake.syncs import SyncRecord, rows_not_retired, syncs_of_runs
from sync_platform.settings import Settings
from sync_platform.sources.declaration import Platform
from sync_platform.sources.extraction import Gaps
from sync_platform.sources.period import Period
from sync_platform.storage.lake_connection import Lake, LakeAddress

AT_ONCE = 8
TELL_EVERY_S = 0.1  # a message per page is work for two processes, and nobody sees more
PR_SET_PDEATHSIG = 1  # prctl(2)
Planned = tuple[Platform, Period]


def run_all(
    settings: Settings,
    planned: list[Planned],
    mode: Mode,
    accept_shrink: str,
    display: Display,
    request: Request | None = None,
) -> list[PlatformResult]:
    """Sync every platform, showing progress; results in the order asked for, whatever happened to any of them.

    `request`: the emergency request that the runs are a part of, claimed.
    """
    waiting = list(reversed(planned))
    has_row_worker = len(planned) < (os.cpu_count() or 1)  # else every core has a platform's own work to do
    running: dict[Connection, tuple[BaseProcess, Planned, float]] = {}
    results: dict[str, PlatformResult] = {}
    try:
        while waiting or running:
            while waiting and len(running) < AT_ONCE:
                chosen = waiting.pop()
                display.started(chosen[0].name)
                ours, process = _start(settings, chosen, mode, accept_shrink, request, has_row_worker)
                running[ours] = (process, chosen, time.monotonic())
            for ready in wait(list(running)):
                process, chosen, began = running[ready]  # type: ignore[index] # only connections are waited for
                result = _hear(ready, process, chosen, began, display)  # type: ignore[arg-type]
                if result is not None:
                    del running[ready]  # type: ignore[arg-type]
                    results[result.platform] = result
                    display.finished(result)
    finally:
        for process, _, _ in running.values():
            process.kill()  # every commit survives it
        for process, _, _ in running.values():
            process.join()
    return [results[platform.name] for platform, _ in planned]


def _start(
    settings: Settings,
    chosen: Planned,
    mode: Mode,
    accept_shrink: str,
    request: Request | None,
    has_row_worker: bool,
) -> tuple[Connection, BaseProcess]:
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(
        target=_work,
        args=(theirs, settings, *chosen, mode, accept_shrink, request, has_row_worker),
        name=chosen[0].name,
    )
    process.start()
    theirs.close()
    return ours, process


def _hear(
    connection: Connection, process: BaseProcess, chosen: Planned, began: float, display: Display
) -> PlatformResult | None:
    """Pass on what a worker says; its result once it has ended, by itself or not."""
    platform, period = chosen
    try:
        kind, *told = connection.recv()
    except EOFError:
        process.join()
        error = f"its process ended before its time (exit code {process.exitcode})"
        return PlatformResult(platform.name, period.key, "", error, time.monotonic() - began, 0.0)
    if kind == "pages":
        for page in told[0]:
            display.page(platform.name, *page)
    elif kind == "waiting":
        display.waiting(platform.name, *told)
    elif kind == "landed":
        display.landed(platform.name)
    else:
        process.join()
        connection.close()
        result: PlatformResult = told[0]
        return result
    return None


class _Told:
    """A worker's progress: passed to the parent, and timed."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.began = self.landed_at = time.monotonic()
        self._has_waited = self._is_landed = False
        self._untold: list[tuple[str, int, Gaps]] = []
        self._told_at = 0.0

    def waiting(self, platform: str, text: str) -> None:
        self._has_waited = True
        self._connection.send(("waiting", text))

    def took_turn(self, platform: str) -> None:
        if self._has_waited:
            self.began = time.monotonic()  # waiting is no fetching

    def page(self, platform: str, dataset: str, records: int, gaps: Gaps) -> None:
        self._untold.append((dataset, records, gaps))
        if time.monotonic() - self._told_at >= TELL_EVERY_S:
            self._tell_pages()

    def landed(self, platform: str) -> None:
        self._tell_pages()
        self.landed_at, self._is_landed = time.monotonic(), True
        self._connection.send(("landed",))

    def unifying(self, text: str) -> None: ...

    def _tell_pages(self) -> None:
        self._connection.send(("pages", self._untold))
        self._untold, self._told_at = [], time.monotonic()

    def phases(self) -> tuple[float, float]:
        """Seconds of fetching, and of taking into the lake, up to now."""
        now = time.monotonic()
        return (self.landed_at - self.began, now - self.landed_at) if self._is_landed else (now - self.began, 0.0)


def _work(
    connection: Connection,
    settings: Settings,
    platform: Platform,
    period: Period,
    mode: Mode,
    accept_shrink: str,
    request: Request | None,
    has_row_worker: bool,
) -> None:
    """What a worker does: one platform's run, then its result to the parent."""
    _die_with_parent()
    _collect_seldom()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends us
    told = _Told(connection)
    run_id, error = "", None
    records: list[SyncRecord] = []
    let_be: dict[str, list[str]] = {}
    try:
        with _row_worker(settings, platform) if has_row_worker else nullcontext(NO_ROW_WORKER) as row_worker:
            outcome = Runner(settings, told, row_worker).run(platform, period, mode, accept_shrink, request)
        run_id, error = outcome.run_id, outcome.error
        records, let_be = _on_record(settings, platform, run_id)
    except SyncError as problem:
        error = error or str(problem)
    fetch_s, lake_s = told.phases()
    result = PlatformResult(platform.name, period.key, run_id, error, fetch_s, lake_s, records, let_be)
    connection.send(("finished", result))
    connection.close()


def _row_worker(settings: Settings, platform: Platform) -> RowWorkerProcess:
    return RowWorkerProcess(platform, landing_store_of(settings).open, settings.temp)


def _on_record(settings: Settings, platform: Platform, run_id: str) -> tuple[list[SyncRecord], dict[str, list[str]]]:
    """What the run put on record, in the order in which the platform declares its datasets; and per dataset the rows
    that it did not see and let be."""
    order = {dataset.name: number for number, dataset in enumerate(platform.datasets)}
    with Lake(LakeAddress.of(settings), read_only=True) as lake:
        found = syncs_of_runs(lake, [run_id])
        let_be = {record.dataset or "": rows_not_retired(lake, record) for record in found if record.not_retired}
    return sorted(found, key=lambda record: order.get(record.dataset or "", -1)), let_be


def _collect_seldom() -> None:
    """Decoded pages hold no cycles, and searching them for some costs a fifth of a sync; this process soon ends."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _die_with_parent() -> None:
    """Where the system can do it: a killed parent must not leave workers behind that nobody watches."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
