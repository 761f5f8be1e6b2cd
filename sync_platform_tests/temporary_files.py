"""Where temporary files of the tests lie: in memory, if there is room.

One sync commits to SQLite some 200 times, and each commit waits for the disk. No test needs its files after the power
fails. `TMPDIR` names another folder.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

MEMORY = Path("/dev/shm")
DISK = Path("/var/tmp")
ROOM_BYTES = 3 * 2**30  # all tests together write less than half of it
PROCESSES_BYTES = 6 * 2**30  # what the processes of the tests take at most: workers, servers, browsers


def keep_in_memory() -> None:
    """Make this process and its children write their temporary files into memory."""
    if "TMPDIR" not in os.environ and _has_room():
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def public_folder() -> Path:
    """A folder that every user can reach."""
    return MEMORY if _has_room() else Path("/tmp")


@contextmanager
def folder_on_disk() -> Iterator[Path]:
    """A folder for what is too large for memory, such as the unpacked images of a node."""
    with tempfile.TemporaryDirectory(dir=DISK, ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _has_room() -> bool:
    """Whether the files and the processes of the tests both find memory: the files of others may have taken it."""
    if not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < ROOM_BYTES:
        return False
    available = re.search(r"^MemAvailable: +(\d+) kB", Path("/proc/meminfo").read_text(), re.M)
    return available is not None and int(available[1]) * 1024 > ROOM_BYTES + PROCESSES_BYTES
