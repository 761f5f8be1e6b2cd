"""A parallel map: the results of a function for many values, computed by several processes.

This process computes results too, so it does not wait while there is something to do. The others are new interpreters,
so the threads, the state and the main module of this one make no difference. Each takes a second of processor time to
begin, so few values are computed by this process alone. The results are the same.

What belongs here: processes and what is sent to them. The function is one that a module defines.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import starmap
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

from sync_platform.matching.garbage_collection import without_garbage_collection

Result = TypeVar("Result")
FEW_VALUES = 20_000
"""So few values are computed by this process alone."""
MOST_PROCESSES = 4
"""This one included."""
_CHUNK_VALUES = 500


class ParallelMap(Generic[Result]):
    """The results of a function for some arguments. Other processes compute while the block of this context runs."""

    def __init__(self, function: Callable[..., Result], arguments: Sequence[tuple[Any, ...]]) -> None:
        self._function = function
        starts = range(0, len(arguments), _CHUNK_VALUES)
        self._chunks = deque((start, arguments[start : start + _CHUNK_VALUES]) for start in starts)
        self._found: dict[int, list[Result]] = {}
        others = min(os.cpu_count() or 1, MOST_PROCESSES) - 1 if len(arguments) > FEW_VALUES else 0
        self._processes = [_Process() for _ in range(others)]
        self._threads = [threading.Thread(target=self._compute_in, args=(each,)) for each in self._processes]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._chunks.clear()
        for process in self._processes:
            process.kill()
        for thread in self._threads:
            thread.join()

    def results(self) -> list[Result]:
        """The results in the order of the arguments. Call it once, in the block."""
        self._compute_here()
        for thread in self._threads:
            thread.join()
        self._compute_here()  # what a process left that ended early
        return [result for start in sorted(self._found) for result in self._found[start]]

    def _compute_here(self) -> None:
        with suppress(IndexError):
            while True:
                start, arguments = self._chunks.pop()
                self._found[start] = list(starmap(self._function, arguments))

    def _compute_in(self, process: _Process) -> None:
        """Let a process compute until no chunk is left, or until the process ends."""
        with suppress(IndexError):
            while True:
                chunk = self._chunks.popleft()
                try:
                    self._found[chunk[0]] = process.ask(self._function, chunk[1])
                except (OSError, EOFError):
                    self._chunks.append(chunk)
                    return


class _Process:
    """A new interpreter that computes results. It ends where this process ends."""

    def __init__(self) -> None:
        self._connection, theirs = Pipe()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [sys.executable, "-P", "-m", __name__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)},
            )

    def ask(self, function: Callable[..., Result], arguments: Sequence[tuple[Any, ...]]) -> list[Result]:
        """The results for these arguments; EOFError or OSError where the process has ended."""
        self._connection.send((function, arguments))
        found: list[Result] = self._connection.recv()
        return found

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


def _answer(connection: Connection) -> None:
    """Compute what is asked for, until nobody asks any more."""
    with without_garbage_collection(), suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            function, arguments = connection.recv()
            connection.send(list(starmap(function, arguments)))


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asks is interrupted too, and ends this one
    _answer(Connection(int(sys.argv[1])))
