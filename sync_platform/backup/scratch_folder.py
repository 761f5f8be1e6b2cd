"""A folder for the temporary files of one activity; what a killed process left is removed by the next one."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from sync_platform.storage.full_disk import full_disk_named


@contextmanager
def scratch_folder(temp: Path, activity: str) -> Iterator[Path]:
    """An empty folder below `temp`, removed at the end. StorageError where a disk is full meanwhile."""
    with full_disk_named(temp), _locked_folder(temp, activity) as folder:
        yield folder


@contextmanager
def _locked_folder(temp: Path, activity: str) -> Iterator[Path]:
    temp.mkdir(parents=True, exist_ok=True)
    _remove_left(temp, activity)
    folder = temp / f"{activity}-{secrets.token_hex(4)}"
    lock = FileLock(f"{folder}.lock")
    with lock:  # before its folder, which is then never without a lock
        try:
            folder.mkdir(mode=0o700)
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            Path(lock.lock_file).unlink(missing_ok=True)


def _remove_left(temp: Path, activity: str) -> None:
    """Remove the folders whose lock nobody has: their processes are dead."""
    for lock_file in temp.glob(f"{activity}-*.lock"):
        lock = FileLock(lock_file)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            continue
        shutil.rmtree(lock_file.with_suffix(""), ignore_errors=True)
        lock.release()
        lock_file.unlink(missing_ok=True)
