"""Turns: one sync of a platform at a time. The ledger decides who shares them: a SQLite ledger has lock files beside
it, a PostgreSQL one an advisory lock, so that machines that share a ledger share its turns.

A turn ends with the process that holds it, however it ends: nobody waits for the dead.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol, Self

import sqlalchemy as sa
from filelock import FileLock, Timeout

from sync_platform.errors import StorageError
from sync_platform.storage.advisory_lock import AdvisoryLock

POLL_S = 0.5


@dataclass(frozen=True)
class Holder:
    """Who has the turn: a Dagster run, since when (UTC, whole seconds)."""

    run_id: str
    since: datetime

    @property
    def label(self) -> str:
        return f"{self.run_id} {self.since:%Y-%m-%dT%H:%M:%S}"

    @classmethod
    def parse(cls, label: str) -> Self | None:
        """None for a label that is not (yet) a holder's: the lock is taken a moment before it is labelled."""
        run_id, _, since = label.partition(" ")
        try:
            return cls(run_id, datetime.fromisoformat(since).replace(tzinfo=UTC))
        except ValueError:
            return None


@contextmanager
def turn(ledger: str, name: str, run_id: str, on_wait: Callable[[Holder | None], None]) -> Iterator[None]:
    """Hold the turn of that name (a platform's) for a run; `ledger` is the ledger's SQLAlchemy URL.

    Waits for as long as somebody else holds it, and says so to `on_wait` again and again, with the holder where known.
    Raises StorageError where the lock cannot be used.
    """
    lock = _lock(ledger, name)
    try:
        while not lock.try_acquire(Holder(run_id, datetime.now(UTC)).label):
            label = lock.holder()
            on_wait(Holder.parse(label) if label else None)
            time.sleep(POLL_S)
        yield
    finally:
        lock.release()


@contextmanager
def turn_if_free(ledger: str, name: str, run_id: str) -> Iterator[bool]:
    """Hold the turn of that name if nobody else does, and say whether; waits for nobody.

    Raises StorageError where the lock cannot be used.
    """
    lock = _lock(ledger, name)
    try:
        yield lock.try_acquire(Holder(run_id, datetime.now(UTC)).label)
    finally:
        lock.release()


class _Lock(Protocol):
    def try_acquire(self, label: str) -> bool: ...

    def holder(self) -> str | None: ...

    def release(self) -> None: ...


def _lock(ledger: str, name: str) -> _Lock:
    address = sa.make_url(ledger)
    if address.get_backend_name() == "sqlite":
        return _LabelledFile(Path(address.database or "").parent / "turns", name)
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    return AdvisoryLock(plain, f"turn/{name}")


class _LabelledFile:
    """A lock on one file, and beside it another that says who holds it: taking a lock empties its file."""

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
            raise StorageError(f"cannot write {self._label.parent}: {error.strerror or error}") from error
        return True

    def holder(self) -> str | None:
        try:
            return self._label.read_text()
        except OSError:
            return None

    def release(self) -> None:
        if self._lock.is_locked:
            self._label.unlink(missing_ok=True)
            self._lock.release()
