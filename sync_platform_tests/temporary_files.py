"""Where temporary files of the tests lie: in memory, if there is room.

One sync commits to SQLite some 200 times, and each commit waits for the disk. No test needs its files after the power
fails. `TMPDIR` names another folder.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

MEMORY = Path("/dev/shm")
ROOM_BYTES = 3 * 2**30  # all tests together write less than half of it


def keep_in_memory() -> None:
    """Make this process and its children write their temporary files into memory."""
    if "TMPDIR" not in os.environ and _has_room():
        os.environ["TMPDIR"] = tempfile.tempdir = str(MEMORY)


def public_folder() -> Path:
    """A folder that every user can reach."""
    return MEMORY if _has_room() else Path("/tmp")


def _has_room() -> bool:
    return os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > ROOM_BYTES
