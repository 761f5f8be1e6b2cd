"""Calls that end within a limit: one that hangs is abandoned, so that a round goes on without it.

A call that hangs cannot be ended from outside, so it stays in its thread. Until it ends it is not begun again.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")
LIMIT_S = 30.0
STOPPED_WITHIN_S = 5.0
LOOKS_EVERY_S = 0.2


class BoundedCalls:
    """Calls by name, one at a time. `is_stopping`: once it is set, a call has only five more seconds."""

    def __init__(self, limit_s: float = LIMIT_S, is_stopping: threading.Event | None = None) -> None:
        self.limit_s, self._is_stopping = limit_s, is_stopping or threading.Event()
        self._abandoned: dict[str, threading.Thread] = {}

    def run(self, name: str, call: Callable[[], Result], limit_s: float | None = None) -> Result:
        """The result of the call, or its error. TimeoutError where it takes too long, or has done so and still runs."""
        earlier = self._abandoned.get(name)
        if earlier is not None and earlier.is_alive():
            raise TimeoutError(f"{name} still does not answer")
        limit = limit_s or self.limit_s
        results: list[Result] = []
        errors: list[BaseException] = []
        thread = threading.Thread(target=_keep, args=(call, results, errors), name=name, daemon=True)
        thread.start()
        self._wait(thread, limit)
        if thread.is_alive():
            self._abandoned[name] = thread
            raise TimeoutError(f"{name} does not answer within {limit:.0f} seconds")
        if errors:
            raise errors[0]
        return results[0]

    def _wait(self, thread: threading.Thread, limit_s: float) -> None:
        until = time.monotonic() + limit_s
        while thread.is_alive() and time.monotonic() < until:
            thread.join(LOOKS_EVERY_S)
            if self._is_stopping.is_set():
                until = min(until, time.monotonic() + STOPPED_WITHIN_S)
                thread.join(max(0.0, until - time.monotonic()))
                return


def _keep(call: Callable[[], Result], results: list[Result], errors: list[BaseException]) -> None:
    try:
        results.append(call())
    except BaseException as error:  # it belongs to the caller's thread
        errors.append(error)
