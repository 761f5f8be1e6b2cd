"""A lock that this process holds over more than one transaction, and that it can lose while it lives.

The one rule: who holds such a lock asks `HeldLock.require` before each step that cannot be undone. A lock in PostgreSQL
ends with its session, which a restart or a failover of the server ends. So this process also looks at its lock every
two seconds, and takes a lost one again. Nobody else takes it meanwhile (recorded_lock.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from typing import Protocol

from sync_platform.documents.local_time import local_time
from sync_platform.errors import LockLost, StorageError
from sync_platform.storage.lock_holder import Holder

POLL_S = 0.5
KEPT_EVERY_S = 2.0
"""How often a holder looks at its lock; well within the time for which others leave a lost one to it."""
AWAY_S = 90.0
"""How long a holder waits for a server that is away. By then the server has ended a session without its client too."""


def needs_no_lock() -> None:
    """The question of what needs no lock, or is locked for as long as one transaction takes."""


class Lock(Protocol):
    """A kind of lock. `label` names its holder for people."""

    can_be_lost: bool

    def try_acquire(self, label: str) -> bool:
        """Take the lock if it is free; True if it was."""

    def retake(self, label: str) -> bool:
        """Take the lock again if it was lost; True if this process has it now, False where that is not known yet.

        NotHolder where it was another's meanwhile.
        """

    def holder(self) -> str | None:
        """The holder's label; None where the lock is free."""

    def release(self) -> None: ...


class NotHolder(Exception):
    """The lock was another's meanwhile. `label`: of the one that has it now; None where it has released the lock."""

    def __init__(self, label: str | None) -> None:
        super().__init__(label)
        self.label = label


class HeldLock:
    """A lock that this process has taken, under a label; `name` is the lock's, for people."""

    def __init__(self, lock: Lock, name: str, label: str) -> None:
        self._lock, self._name, self._label = lock, name, label
        self._using = threading.Lock()
        self._loss = ""

    def require(self, away_s: float = AWAY_S) -> None:
        """Return while this process has the lock, which is taken again if it was lost and nobody took it.

        LockLost where another process took it; StorageError where the server does not answer within `away_s` seconds.
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
        """LockLost where another process took the lock. Nothing follows where that cannot be known now.

        To be called every few seconds by a holder that forks processes, and therefore is not `kept`.
        """
        try:
            self._has_it()
        except LockLost:
            raise
        except StorageError:
            return

    @contextmanager
    def kept(self, every_s: float = KEPT_EVERY_S) -> Iterator[None]:
        """Within the block, a thread takes the lock again soon after it was lost."""
        if not self._lock.can_be_lost:
            yield
            return
        ended = threading.Event()
        keeping = threading.Thread(target=self._keep_until, args=(ended, every_s), daemon=True, name="keeps a lock")
        keeping.start()
        try:
            yield
        finally:
            ended.set()
            keeping.join()

    def _keep_until(self, ended: threading.Event, every_s: float) -> None:
        while not ended.wait(every_s):
            with suppress(LockLost):  # the next `require` raises it
                self.require_not_taken()

    def _has_it(self) -> bool:
        """False where it is not known yet: our own session may outlive its connection for a minute."""
        with self._using:
            if not self._loss:
                try:
                    return self._lock.retake(self._label)
                except NotHolder as taken:
                    self._loss = self._reason(taken.label)
            raise LockLost(self._loss)

    def _reason(self, label: str | None) -> str:
        holder = Holder.parse(label or "")
        by = f"run {holder.run_id} has it since {local_time(holder.since)}" if holder else "another process took it"
        return (
            f"the lock of {self._name} was lost, because its session in the ledger's database ended, and {by}: nothing "
            "more is stored by this run"
        )


class Held(Protocol):
    """What is held: a lock, or a lease."""

    def require(self) -> None: ...


class HeldLocks(ExitStack):
    """The locks and leases that an activity holds together, until its block ends."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[Held] = []

    def take(self, lock: AbstractContextManager[Held]) -> None:
        self._held.append(self.enter_context(lock))

    def require(self) -> None:
        """Return while all of them are held; errors as those of `HeldLock.require`."""
        for each in self._held:
            each.require()
