"""`sync-platform watch`: rounds of the watch for ever, or one of them.

What belongs here: when a round is made, the end by a signal, and who makes the rounds. What a round does belongs in
monitoring/watch_round.py.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime

from sync_platform.cli.exit_codes import OK
from sync_platform.cli.monitoring.watch_output import WatchOutput
from sync_platform.cli.runner.watched_dagster import dagster_reader
from sync_platform.errors import Busy, UsageError
from sync_platform.monitoring.bounded_calls import BoundedCalls
from sync_platform.monitoring.watch_lease import is_still_ours, only_watcher
from sync_platform.monitoring.watch_round import WatchRound, watch_once
from sync_platform.settings import Settings, load_settings
from sync_platform.storage.lease import Lease

PROBLEMS_FOUND, INCOMPLETE = 1, 2
"""The exit codes of `--once`, beside 0."""
LEAST_EVERY_S, MOST_EVERY_S = 5, 3600
RENEWED_EVERY_S = 60.0


def watch(every_s: int, *, is_once: bool, as_json: bool) -> int:
    """Make one round, or rounds until a signal comes; the exit code. UsageError for a wrong interval."""
    if not LEAST_EVERY_S <= every_s <= MOST_EVERY_S:
        raise UsageError(f"--every {every_s}: must be between {LEAST_EVERY_S} and {MOST_EVERY_S} seconds")
    settings, is_stopping = load_settings(), threading.Event()
    calls = BoundedCalls(is_stopping=is_stopping)
    read_dagster = dagster_reader(settings)
    output = WatchOutput(as_json=as_json, stays=not is_once)
    watcher = _Watcher(settings, lambda: watch_once(settings, read_dagster, calls), output)
    if is_once:
        return watcher.one_round()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: is_stopping.set())
    watcher.rounds(every_s, is_stopping)
    return OK


class _Watcher:
    """Makes rounds, alone among all watchers of a ledger."""

    def __init__(self, settings: Settings, round_of: Callable[[], WatchRound], output: WatchOutput) -> None:
        self._settings, self._round, self._output = settings, round_of, output

    def one_round(self) -> int:
        """0: nothing is wrong, or another watcher makes the rounds. 1: there are problems. 2: it is incomplete."""
        try:
            with only_watcher(self._settings.ledger_url):
                done = self._round()
        except Busy as error:
            self._output.write_waiting(str(error), datetime.now(UTC))
            return OK
        self._output.write_round(done)
        if not done.is_complete:
            return INCOMPLETE
        return PROBLEMS_FOUND if any(problem.severity != "low" for problem in done.problems) else OK

    def rounds(self, every_s: int, is_stopping: threading.Event) -> None:
        """Rounds until a signal comes. Where another watcher makes them, wait until it is gone."""
        self._output.write_start(every_s, self._settings)
        while not is_stopping.is_set():
            try:
                with only_watcher(self._settings.ledger_url) as lease:
                    self._rounds_with(lease, every_s, is_stopping)
            except Busy as error:
                self._output.write_waiting(str(error), datetime.now(UTC))
                is_stopping.wait(min(every_s, RENEWED_EVERY_S))
        self._output.write_end()

    def _rounds_with(self, lease: Lease | None, every_s: int, is_stopping: threading.Event) -> None:
        """Rounds for as long as the lease is ours. Without a lease one round is made, and the lease is tried again."""
        while not is_stopping.is_set():
            due = time.monotonic() + every_s
            self._output.write_changes(self._round())
            while not is_stopping.wait(max(0.0, min(RENEWED_EVERY_S, due - time.monotonic()))):
                if lease is not None and not is_still_ours(lease):
                    return
                if time.monotonic() >= due:
                    break
            if lease is None:
                return
