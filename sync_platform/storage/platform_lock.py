"""Platform locks: one sync of a platform at a time, across processes and machines. Leases have such a lock too.

The ledger decides who shares the locks; those of the lake itself (`lake_lock`) are shared by all ledgers. With a SQLite
ledger each lock is a file beside it. With a PostgreSQL ledger each lock is an advisory lock of the server, so that
machines with one ledger share the locks, and the ledger has a record of its holder (recorded_lock.py).

A lock ends with the process that holds it, however that process ends.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from sync_platform.errors import StorageError
from sync_platform.storage.advisory_lock import AdvisoryLock
from sync_platform.storage.held_lock import AWAY_S, POLL_S, HeldLock, Lock
from sync_platform.storage.labelled_file import LabelledFile
from sync_platform.storage.ledger import MIGRATIONS
from sync_platform.storage.lock_holder import Holder
from sync_platform.storage.recorded_lock import RecordedLock
from sync_platform.storage.relational import open_database

# Both names are used by programs that are already installed: another name would be another lock.
FOLDER = "turns"
ADVISORY_PREFIX = "turn/"
OnWait = Callable[[Holder | None], None]
"""Is called with the holder that is waited for, or with None where the holder is not known."""


@contextmanager
def platform_lock(
    ledger: str, name: str, run_id: str, on_wait: OnWait, poll_s: float = POLL_S, *, is_kept: bool = True
) -> Iterator[HeldLock]:
    """Hold the lock of that name (a platform's) for a run; `ledger` is the ledger's SQLAlchemy URL.

    Waits as long as another run holds it, and meanwhile calls `on_wait` every `poll_s` seconds. `is_kept`: False where
    the caller forks processes meanwhile, and looks at the lock itself. Raises StorageError where the lock cannot be
    used.
    """
    with _holding(_lock(ledger, name), name, run_id, on_wait, poll_s, is_kept=is_kept) as held:
        yield held


@contextmanager
def lake_lock(catalog: str, name: str, run_id: str, on_wait: OnWait, poll_s: float = POLL_S) -> Iterator[HeldLock]:
    """Hold the lock of that name of a lake, which all ledgers share; `catalog`: `sqlite:PATH` or `postgres:CONNINFO`.

    Waits and raises as `platform_lock`.
    """
    with _holding(_lock_of_lake(catalog, name), name, run_id, on_wait, poll_s) as held:
        yield held


@contextmanager
def brief_lock(ledger: str, name: str, run_id: str, poll_s: float) -> Iterator[None]:
    """Hold the lock of that name for a moment, for which nothing is recorded; waits and raises as `platform_lock`."""
    with _holding(_lock(ledger, name, is_recorded=False), name, run_id, lambda _: None, poll_s, is_kept=False):
        yield


@contextmanager
def platform_lock_if_free(ledger: str, name: str, run_id: str) -> Iterator[HeldLock | None]:
    """Hold the lock of that name if it is free; yields None if it was not, and never waits.

    It is not free for 30 seconds after PostgreSQL has ended the session of a holder that may live on. Raises
    StorageError where the lock cannot be used.
    """
    lock, label = _lock(ledger, name), Holder(run_id, datetime.now(UTC)).label
    with ExitStack() as stack:
        stack.callback(lock.release)
        held = HeldLock(lock, name, label) if lock.try_acquire(label) else None
        if held is not None:
            stack.enter_context(held.kept())
        yield held


def holder_of(ledger: str, name: str) -> Holder | None:
    """The holder of the lock of that name; None where it is free, or its label is not written yet."""
    return _holder(_lock(ledger, name))


def holder_of_lake(catalog: str, name: str) -> Holder | None:
    """The holder of the lock of that name of a lake, as `holder_of`."""
    return _holder(_lock_of_lake(catalog, name))


def _holder(lock: Lock) -> Holder | None:
    try:
        return Holder.parse(lock.holder() or "")
    finally:
        lock.release()


def _lock(ledger: str, name: str, *, is_recorded: bool = True) -> Lock:
    address = sa.make_url(ledger)
    if address.get_backend_name() == "sqlite":
        return LabelledFile(Path(address.database or "").parent / FOLDER, name)
    plain = address.set(drivername="postgresql").render_as_string(hide_password=False)
    if not is_recorded:
        return AdvisoryLock(plain, f"{ADVISORY_PREFIX}{name}")
    return RecordedLock(plain, f"{ADVISORY_PREFIX}{name}", lambda: open_database(ledger, MIGRATIONS).dispose())


def _lock_of_lake(catalog: str, name: str) -> Lock:
    if catalog.startswith("postgres:"):
        return AdvisoryLock(catalog.removeprefix("postgres:"), f"lake/{name}")
    return LabelledFile(Path(catalog.removeprefix("sqlite:")).parent / FOLDER, f"lake-{name}")


@contextmanager
def _holding(
    lock: Lock, name: str, run_id: str, on_wait: OnWait, poll_s: float, *, is_kept: bool = True
) -> Iterator[HeldLock]:
    with ExitStack() as stack:
        stack.callback(lock.release)
        held = HeldLock(lock, name, _acquired(lock, run_id, on_wait, poll_s))
        if is_kept:
            stack.enter_context(held.kept())
        yield held


def _acquired(lock: Lock, run_id: str, on_wait: OnWait, poll_s: float) -> str:
    """Wait for the lock, also while a server is away that was there before; the label under which it is taken."""
    give_up_at = 0.0
    while True:
        label = Holder(run_id, datetime.now(UTC)).label
        try:
            if lock.try_acquire(label):
                return label
            holder = lock.holder()
        except StorageError:
            if time.monotonic() >= give_up_at:
                raise
        else:
            give_up_at = time.monotonic() + AWAY_S
            on_wait(Holder.parse(holder or ""))
        time.sleep(poll_s)
