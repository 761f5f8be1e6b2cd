"""Recorded locks: locks in PostgreSQL of which the ledger also records the holder.

A restart or a failover of the server ends every session, and with it the lock of a holder that lives. Its record stays;
a holder that releases its lock deletes the record. So a free lock with a record is one that a dead holder left, or one
that a living holder takes again within seconds (held_lock.py). The record of a dead process of this machine counts no
more. Any other is doubted first: it counts no more once the lock was found free twice, DOUBTED_S apart, under one start
of the server.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple

from sync_platform.errors import StorageError
from sync_platform.storage.advisory_lock import AdvisoryLock
from sync_platform.storage.held_lock import NotHolder
from sync_platform.storage.process_identity import is_dead_here, own_process

DOUBTED_S = 30.0
"""How long a lost lock is left to its holder, which looks every two seconds (held_lock.py), gives up a silent primary
after MAX_SILENT_MS, and then has to find the new one."""
MAX_SILENT_MS = 10_000
READ = """SELECT label, process, coalesce(doubted_start = pg_postmaster_start_time()
        AND doubted_at < clock_timestamp() - make_interval(secs => %s), false)
    FROM lock_holders WHERE name = %s"""
WRITE = """INSERT INTO lock_holders (name, label, process) VALUES (%s, %s, %s) ON CONFLICT (name) DO UPDATE
    SET label = excluded.label, process = excluded.process, doubted_at = NULL, doubted_start = NULL"""
DOUBT = """UPDATE lock_holders SET doubted_at = clock_timestamp(), doubted_start = pg_postmaster_start_time()
    WHERE name = %s AND doubted_start IS DISTINCT FROM pg_postmaster_start_time()"""
DELETE = "DELETE FROM lock_holders WHERE name = %s AND label = %s AND process = %s"


class _Record(NamedTuple):
    """What is recorded of a holder. `is_past_doubt`: the doubt about it has lasted long enough."""

    label: str
    process: str
    is_past_doubt: bool

    @property
    def counts(self) -> bool:
        return not (self.is_past_doubt or is_dead_here(self.process))


class RecordedLock:
    """The lock of that name in the ledger at a libpq address. `migrate`: makes the ledger's tables.

    Every method but `release` raises StorageError where the server cannot be used.
    """

    can_be_lost = True

    def __init__(self, address: str, name: str, migrate: Callable[[], None]) -> None:
        self._lock, self._name, self._migrate = AdvisoryLock(address, name, MAX_SILENT_MS), name, migrate
        self._own: tuple[str, str] | None = None

    def try_acquire(self, label: str) -> bool:
        """Take the lock if it is free, and if nobody may have lost it that takes it again; True if it was."""
        if not self._lock.try_acquire(label):
            return False
        if not self._has_table():
            self._migrate()
        if self._doubted() is not None:
            self._lock.release()
            return False
        self._write(label)
        return True

    def retake(self, label: str) -> bool:
        """Take the lock again if it was lost; see `Lock`."""
        if self._lock.is_held():
            return True
        is_ours = self._lock.try_acquire(label)
        record = self._read()
        if record is None or (record.label, record.process) != self._own:
            self._lock.release()
            raise NotHolder(record and record.label)
        if is_ours:
            self._write(label)
        return is_ours

    def holder(self) -> str | None:
        """The label of the holder, also of one that has perhaps only lost its lock."""
        label = self._lock.holder()
        if label is not None or not self._has_table():
            return label
        record = self._read()
        if record is None or not record.counts:
            return None
        if not self._lock.try_acquire(record.label):
            return self._lock.holder()
        try:
            return self._doubted()
        finally:
            self._lock.release()

    def release(self) -> None:
        """Release the lock; it is free when this returns. While the server is away its record stays, and is doubted."""
        if self._own is not None:
            with suppress(StorageError):
                self._lock.ask(DELETE, self._name, *self._own)
            self._own = None
        self._lock.release()

    def _doubted(self) -> str | None:
        """The label of a holder that may take the lock again, which is doubted now; None if there is none.

        This session has the lock, so that no other one takes it.
        """
        record = self._read()
        if record is None or not record.counts:
            return None
        self._lock.ask(DOUBT, self._name)
        return record.label

    def _read(self) -> _Record | None:
        rows = self._lock.ask(READ, DOUBTED_S, self._name)
        return _Record(*rows[0]) if rows else None

    def _write(self, label: str) -> None:
        self._own = label, own_process()
        self._lock.ask(WRITE, self._name, *self._own)

    def _has_table(self) -> bool:
        return bool(self._lock.ask("SELECT to_regclass('lock_holders') IS NOT NULL")[0][0])
