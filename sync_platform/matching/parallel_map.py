"""A parallel map: the results of a function for many values, computed by several processes.

The processes are those of loky: new interpreters, so the threads, the state and the main module of this process make no
difference. This process computes results too. Each other takes a second of processor time to begin, so few values are
computed by this process alone. The results are the same, also where the other processes end or cannot begin: when the
last unit of systemd with RemoveIPC=yes stops, the semaphores of a run that goes on are removed.

What belongs here: how values are spread over processes. The function is one that a module defines.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from itertools import chain, starmap
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from loky import set_loky_pickler
from loky.backend import get_context
from loky.process_executor import BrokenProcessPool, ProcessPoolExecutor

Result = TypeVar("Result")
FEW_VALUES = 20_000
"""So few values are computed by this process alone."""
MOST_PROCESSES = 4
"""This one included."""
_CHUNK_VALUES = 500
_IDLE_S = 5
"""A process without work ends soon after so many seconds, also where this process was killed."""


class ParallelMap(Generic[Result]):
    """The results of a function for some arguments. Other processes compute while the block of this context runs."""

    def __init__(self, function: Callable[..., Result], arguments: Sequence[tuple[Any, ...]]) -> None:
        self._function = function
        starts = range(0, len(arguments), _CHUNK_VALUES)
        self._chunks = [arguments[start : start + _CHUNK_VALUES] for start in starts]
        others = min(os.cpu_count() or 1, MOST_PROCESSES) - 1 if len(arguments) > FEW_VALUES else 0
        set_loky_pickler("pickle")  # functions of modules are sent by name, and values faster than by loky's own
        self._executor = (
            ProcessPoolExecutor(
                others,
                context=get_context("loky"),
                timeout=_IDLE_S,
                initializer=signal.signal,  # an interrupt reaches this process, which ends the others
                initargs=(signal.SIGINT, signal.SIG_IGN),
            )
            if others
            else None
        )

    def __enter__(self) -> Self:
        self._futures: list[Future[list[Result]] | None] = [
            self._executor.submit(_results, self._function, chunk) if self._executor else None for chunk in self._chunks
        ]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor:
            self._executor.shutdown(kill_workers=True)

    def results(self) -> list[Result]:
        """The results in the order of the arguments. Call it in the block."""
        computed = [self._of_chunk(*each) for each in zip(reversed(self._chunks), reversed(self._futures), strict=True)]
        return list(chain.from_iterable(reversed(computed)))

    def _of_chunk(self, chunk: Sequence[tuple[Any, ...]], future: Future[list[Result]] | None) -> list[Result]:
        """The results of a chunk: of another process, if one has begun with it. The last chunks are begun last."""
        if future and not future.cancel():
            try:
                return future.result()
            except BrokenProcessPool:
                pass  # the process has ended
        return _results(self._function, chunk)


def _results(function: Callable[..., Result], arguments: Sequence[tuple[Any, ...]]) -> list[Result]:
    return list(starmap(function, arguments))
