"""A process that has imported everything and forks a worker for each emergency request.

The import of Dagster takes seconds, a fork milliseconds. The forker is forked itself before its parent opens anything:
no worker ever shares a connection, a lock or a thread with another process.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
from collections.abc import Callable

from sync_platform.errors import StorageError

logger = logging.getLogger(__name__)


class WorkerForker:
    """The forker's process, and the pipe to it. `work`: what a worker does with the id of a request."""

    def __init__(self, work: Callable[[str], None]) -> None:
        reading, self._writing = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            os.close(self._writing)
            _fork_workers(reading, work)
            os._exit(0)
        os.close(reading)

    def start(self, request_id: str) -> None:
        """Start a worker for a request; StorageError where the forker has died."""
        try:
            os.write(self._writing, f"{request_id}\n".encode())
        except OSError as error:
            raise StorageError(f"the process that starts emergency requests has died: {error}") from None

    def close(self) -> None:
        """End the forker. Its workers go on: each ends with its request."""
        os.close(self._writing)
        os.waitpid(self._pid, 0)


def _fork_workers(reading: int, work: Callable[[str], None]) -> None:
    """Fork a worker for each line of the pipe, until it is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # workers that have ended leave nothing behind
    with os.fdopen(reading, "r") as lines:
        for line in lines:
            if os.fork() == 0:
                _work(work, line.strip())


def _work(work: Callable[[str], None], request_id: str) -> None:
    """Do the work of one request in this process, and end it."""
    os.setsid()  # what ends the starter does not end its workers
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    code = 1
    try:
        work(request_id)
        code = 0
    except BaseException:  # the process ends here, whatever it was
        logger.exception("the worker of emergency request %s failed", request_id)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
