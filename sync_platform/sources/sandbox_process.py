"""The built-in sandbox as a child process, started on a free port when a platform has no address of its own.

There is one per process, and it ends with that process: the child watches its standard input, so that it ends even when
its parent is killed.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from datetime import date
from functools import cache

from sync_platform.errors import StorageError

_starting = threading.Lock()


def sandbox_url(places: int, seed: int, today: date | None) -> str:
    """The address of this process's sandbox with that city, started on first use; StorageError if it does not start."""
    with _starting:
        return _started(places, seed, today)


@cache
def _started(places: int, seed: int, today: date | None) -> str:
    command = [sys.executable, "-m", "sync_platform.sandbox", "--lifeline", "--port", "0"]
    command += ["--places", str(places), "--seed", str(seed)]
    if today:
        command += ["--today", today.isoformat()]
    try:
        process = subprocess.Popen(  # noqa: S603 - our own module, numbers and a date
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    except OSError as error:
        raise StorageError(f"the sandbox cannot be started: {error}") from error
    assert process.stdout is not None and process.stderr is not None  # noqa: S101 - both are pipes
    line = process.stdout.readline()
    if not line:
        raise StorageError(f"the sandbox did not start: {process.stderr.read().strip()}")
    threading.Thread(target=process.stderr.read, daemon=True).start()  # a full pipe would stop it
    url: str = json.loads(line)["url"]
    _children.append(process)
    return url


_children: list[subprocess.Popen[str]] = []  # keeps their standard input open as long as this process runs
