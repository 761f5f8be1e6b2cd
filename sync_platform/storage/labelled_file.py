"""A lock on one file, and beside it a second file with the holder's label: locking a file empties it."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout

from sync_platform.errors import StorageError
from sync_platform.storage.full_disk import reason_of


class LabelledFile:
    """The lock of that name in a folder."""

    can_be_lost = False

    def __init__(self, folder: Path, name: str) -> None:
        self._lock, self._label = FileLock(folder / f"{name}.lock", timeout=0), folder / f"{name}.holder"

    def try_acquire(self, label: str) -> bool:
        try:
            self._label.parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
            self._label.write_text(label)
        except Timeout:
            return False
        except OSError as error:
            raise StorageError(f"cannot write {self._label.parent}: {reason_of(error)}") from error
        return True

    def retake(self, label: str) -> bool:
        """True: a locked file stays locked as long as its process lives."""
        return True

    def holder(self) -> str | None:
        """The holder's label; None where the lock is free: a killed holder leaves its label."""
        try:
            label = self._label.read_text()
        except OSError:
            return None
        return None if self._is_free() else label

    def _is_free(self) -> bool:
        try:
            with self._lock:
                return True
        except (Timeout, OSError):
            return False

    def release(self) -> None:
        if self._lock.is_locked:
            self._label.unlink(missing_ok=True)
            self._lock.release()
