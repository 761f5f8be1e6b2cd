"""Files and folders of one process, which locks them while it lives: what killed processes left is removed by the next.

What belongs here: temporary files that only the process that made them uses. What doesn't: temporary objects of an
object store, which have no process (`ObjectStore.sweep`).
"""

from __future__ import annotations

import fcntl
import glob
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

_HEX = "[0-9a-f]" * 8


class ProcessFolder:
    """A new folder `path` below `parent`, whose name begins with the prefix. OSError where it cannot be made.

    It removes those of killed processes with the same prefix, so that no other program may use the prefix there.
    """

    def __init__(self, parent: Path, prefix: str) -> None:
        remove_left(parent, f"{prefix}*")
        self.path, self._handle = _locked_folder(parent, prefix)

    def remove(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._handle)


@contextmanager
def process_folder(prefix: str) -> Iterator[Path]:
    """A folder in the system's temporary folder, which only this user can open. See `ProcessFolder`."""
    folder = ProcessFolder(Path(tempfile.gettempdir()), prefix)
    try:
        yield folder.path
    finally:
        folder.remove()


@contextmanager
def draft_of(path: Path, mode: int = 0o666) -> Iterator[tuple[Path, BinaryIO]]:
    """The path of a new file beside `path`, and the open file; it is removed at the end, unless it was renamed.

    OSError where it cannot be made.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    while (handle := _locked(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), draft)) is None:
        pass
    with os.fdopen(handle, "wb") as file:
        try:
            yield draft, file
        finally:
            draft.unlink(missing_ok=True)


def remove_left_drafts(path: Path) -> None:
    """Remove the drafts of that file that killed processes left."""
    remove_left(path.parent, f".{glob.escape(path.name)}.{_HEX}")


def remove_left_drafts_below(folder: Path) -> None:
    """Remove the drafts that killed processes left anywhere below the folder."""
    remove_left(folder, f"**/.*.{_HEX}")


def remove_left(parent: Path, pattern: str) -> None:
    """Remove the files and folders of killed processes whose names match the pattern. What cannot be removed stays."""
    for path in parent.glob(pattern):
        with suppress(OSError):  # it is gone, or its process lives
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            finally:
                os.close(handle)


def _locked_folder(parent: Path, prefix: str) -> tuple[Path, int]:
    while True:
        path = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
        with suppress(FileNotFoundError):  # another process has removed it, because it was not locked yet
            handle = _locked(os.open(path, os.O_RDONLY), path)
            if handle is not None:
                return path, handle


def _locked(handle: int, path: Path) -> int | None:
    """The handle, locked; None, and it is closed, where another process has removed the path meanwhile."""
    with suppress(OSError):  # a file system without locks: nobody removes what it cannot lock
        fcntl.flock(handle, fcntl.LOCK_EX)
    with suppress(FileNotFoundError):
        if os.path.samestat(os.fstat(handle), path.stat()):
            return handle
    os.close(handle)
    return None
