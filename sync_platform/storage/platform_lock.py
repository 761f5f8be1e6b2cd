"""Platform locks: one sync of a platform at a time, across processes and machines. Leases have such a lock too.

The ledger decides who shares the locks; those of the lake itself (`lake_lock`) are shared by all ledgers. With a SQLite
ledger each lock is a file beside it. With a PostgreSQL ledger each lock is an advisory lock of the server, so that
machines with one ledger share the locks.

A lock ends with the process that holds it, however that process ends. An advisory lock also ends with the server's
session, which a restart or a failover of PostgreSQL ends while the holder lives: `HeldLock` notices that.
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

from sync_platform.documents.local_time import local_time
from sync_platform.errors import LockLost, StorageError
from sync_platform.storage.advisory_lock import AdvisoryLock
from sync_platform.storage.full_disk import reason_of

POLL_S = 0.5
AWAY_S = 90.0
"""How long a holder waits for a server that is away. By then the server has ended a session without its client too."""
# Both names are used by programs that are already installed: another name would be another lock.
FOLDER = "turns"
ADVISORY_PREFIX = "turn/"


@dataclass(frozen=True)
class Holder:
    """The holder of a lock: a Dagster run, and since when (UTC, whole seconds)."""

    run_id: str
    since: datetime

    @property
    def label(self) -> str:
        return f"{self.run_id} {self.since:%Y-%m-%dT%H:%M:%S}"

    @classmethod
    def parse(cls, label: str) -> Self | None:
        """None for a label that no holder wrote: the lock is taken a moment before its label is written."""
        run_id, _, since = label.partition(" ")
        try:
            return cls(run_id, datetime.fromisoformat(since).replace(tzinfo=UTC))
        except ValueError:
            return None


class HeldLock:
    """A lock that this process has taken, under a label; `name` is the lock's, for people."""

    def __init__(self, lock: _Lock, name: str, label: str) -> None:
        self._lock, self._name, self._label = lock, name, label

    def require(self, away_s: float = AWAY_S) -> None:
        """Return while this process has the lock, which is taken again if it was lost and is free.

        LockLost where another process has it; StorageError where the server does not answer within `away_s` seconds.
        """
        give_up_at = time.monotonic() + away_s
        while True:
            try:
                if self._has_it():
                    return
                failure = StorageError(f"the lock of {self._name} is not free again")
            except LockLost:
                raise
            except StorageError as error:
                failure = error
            if time.monotonic() >= give_up_at:
                raise failure
            time.sleep(POLL_S)

    def require_not_taken(self) -> None:
        """LockLost where another process has the lock. Nothing follows where that cannot be known now."""
        try:
            self._has_it()
        except LockLost:
            raise
        except StorageError:
            return

    def _has_it(self) -> bool:
        """False where it is not known yet: our own session may outlive its connection for a minute."""
        if self._lock.retake(self._label):
            return True
        label = self._lock.holder()
        if label not in (None, self._label):
            raise self._lost(Holder.parse(label or ""))
        return False

    def _lost(self, holder: Holder | None) -> LockLost:
        by = f"run {holder.run_id} has it since {local_time(holder.since)}" if holder else "another process has it"
        return LockLost(
            f"the lock of {self._name} was lost, because its session in the ledger's database ended, and {by}: nothing "
            "more is stored by this run"
        )


@contextmanager
def platform_lock(
    ledger: str, name: str, run_id: str, on_wait: Callable[[Holder | None], None], poll_s: float = POLL_S
) -> Iterator[HeldLock]:
    """Hold the lock of that name (a platform's) for a run; `ledger` is the ledger's SQLAlchemy URL.

    Waits as long as another run holds it. Meanwhile it calls `on_wait` every `poll_s` seconds with the holder, or with
    None where the holder is not known. Raises StorageError where the lock cannot be used.
    """
    with _holding(_lock(ledger, name), name, run_id, on_wait, poll_s) as held:
        yield held


@contextmanager
def lake_lock(
    catalog: str, name: str, run_id: str, on_wait: Callable[[Holder | None], None], poll_s: float = POLL_S
) -> Iterator[None]:
    """Hold the lock of that name of a lake, which all ledgers share; `catalog`: `sqlite:PATH` or `postgres:CONNINFO`.

    Waits and raises as `platform_lock`.
    """
    with _holding(_lock_of_lake(catalog, name), name, run_id, on_wait, poll_s):
        yield


@contextmanager
def platform_lock_if_free(ledger: str, name: str, run_id: str) -> Iterator[bool]:
    """Hold the lock of that name if it is free; yields True if it was, and never waits.

    Raises StorageError where the lock cannot be used.
    """
    lock = _lock(ledger, name)
    try:
        yield lock.try_acquire(Holder(run_id, datetime.now(UTC)).label)
    finally:
        lock.release()


def holder_of(ledger: str, name: str) -> Holder | None:
    """The holder of the lock of that name; None where it is free, or its label is not written yet."""
    lock = _lock(ledger, name)
    try:
        return Holder.parse(lock.holder() or "")
    finally:
        lock.release()


def holder_of_lake(catalog: str, name: str) -> Holder | None:
    """The holder of the lock of that name of a lake, as `holder_of`."""
    lock = _lock_of_lake(catalog, name)
    try:
        return Holder.parse(lock.holder() or "")
    finally:
        lock.release()


class _Lock(Protocol):
    def try_acquire(self, label: str) -> bool: ...

    def retake(self, label: str) -> bool: ...

    def holder(self) -> str | None: ...

    def release(self) -> None: ...


def _lock(ledger: str, name: str) -> _Lock:
    address = sa.make_url(ledger)
    if address.get_backend_name() == "sqlite":
        return _LabelledFile(Path(address.database or "").parent / FOLDER, name)
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    return AdvisoryLock(plain, f"{ADVISORY_PREFIX}{name}")


def _lock_of_lake(catalog: str, name: str) -> _Lock:
    if catalog.startswith("postgres:"):
        return AdvisoryLock(catalog.removeprefix("postgres:"), f"lake/{name}")
    return _LabelledFile(Path(catalog.removeprefix("sqlite:")).parent / FOLDER, f"lake-{name}")


@contextmanager
def _holding(
    lock: _Lock, name: str, run_id: str, on_wait: Callable[[Holder | None], None], poll_s: float
) -> Iterator[HeldLock]:
    try:
        while not lock.try_acquire(label := Holder(run_id, datetime.now(UTC)).label):
            on_wait(Holder.parse(lock.holder() or ""))
            time.sleep(poll_s)
        yield HeldLock(lock, name, label)
    finally:
        lock.release()


class _LabelledFile:
    """A lock on one file, and beside it a second file with the holder's label: locking a file empties it."""

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
