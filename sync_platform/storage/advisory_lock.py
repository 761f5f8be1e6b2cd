"""Advisory locks of PostgreSQL: a lock has one holder at a time, on any number of machines.

A lock belongs to a session. It ends with the process that holds it, however that process ends, and a minute after its
machine went silent. It needs its own connection to the server, not one that a pooler shares between transactions.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from sync_platform.documents.wording import in_one_line
from sync_platform.errors import StorageError
from sync_platform.storage.held_lock import NotHolder

if TYPE_CHECKING:
    import psycopg

# The server asks a silent client whether it is alive, so that the locks and transactions of a dead machine end.
KEEPALIVE = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"
MAX_SILENT_MS = 60_000  # the client closes the connection if the server acknowledges nothing for so long
AGAIN = {"connect_timeout": 5}
"""Seconds for each host of the address, once the session has ended: the host of a lost primary does not answer."""
MAX_LABEL = 63  # bytes of application_name
GRANTED = """SELECT application_name FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND classid = %s AND objid = %s AND objsubid = 1
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"""


class AdvisoryLock:
    """The lock of that name in the database at a libpq address (`host=... dbname=...` or `postgresql://...`).

    Every method but `release` raises StorageError where the server cannot be used.
    """

    can_be_lost = True

    def __init__(self, address: str, name: str, max_silent_ms: int = MAX_SILENT_MS) -> None:
        self._address, self._name, self._max_silent_ms = address, name, max_silent_ms
        self._key = int.from_bytes(hashlib.sha256(f"sync-platform/{name}".encode()).digest()[:8], signed=True)
        self._halves = ((self._key >> 32) & 0xFFFFFFFF, self._key & 0xFFFFFFFF)
        self._connection: psycopg.Connection[Any] | None = None
        self._limits: dict[str, Any] = {}

    def try_acquire(self, label: str) -> bool:
        """Take the lock if it is free; True if it was. `label` names its holder (at most 63 bytes of ASCII)."""
        got = bool(self.ask("SELECT pg_try_advisory_lock(%s)", self._key)[0][0])
        if got:
            self._write_label(label)
        return got

    def is_held(self) -> bool:
        """True if this session still has the lock. A lock is lost with its session.

        That ends when the server restarts, or is replaced by its standby.
        """
        import psycopg

        held: list[tuple[Any, ...]] = []
        if self._connection is not None:
            with suppress(psycopg.Error):  # the session has ended
                # a server that has become a standby gives the same lock to another session of the primary
                query = f"{GRANTED} AND pid = pg_backend_pid() AND NOT pg_is_in_recovery()"
                held = self._connection.execute(query, self._halves).fetchall()
            if not held:
                self.release()
        return bool(held)

    def retake(self, label: str) -> bool:
        """Take the lock again if it was lost; True if this session has it now. NotHolder where another has it."""
        if self.is_held() or self.try_acquire(label):
            return True
        if (holder := self.holder()) and holder != label:
            raise NotHolder(holder)
        return False

    def acquire(self, wait_s: float, label: Callable[[], str]) -> None:
        """Wait for the lock; StorageError where it is not free within `wait_s` seconds.

        `label` makes the holder's label, once it has the lock.
        """
        self.ask("SELECT set_config('lock_timeout', %s, false)", f"{wait_s * 1000:.0f}ms")
        self.ask("SELECT pg_advisory_lock(%s)", self._key)
        self._write_label(label())

    def _write_label(self, label: str) -> None:
        self.ask("SELECT set_config('application_name', %s, false)", label[:MAX_LABEL])

    def holder(self) -> str | None:
        """The holder's label; None where the lock is free."""
        rows = self.ask(GRANTED, *self._halves)
        return str(rows[0][0]) if rows else None

    def release(self) -> None:
        """Release the lock; it is free when this returns.

        The server ends a closed connection's session a moment later, on a loaded machine much later, and until then the
        session holds its locks. So this method first unlocks, and waits for the server's answer.
        """
        import psycopg

        if self._connection is not None:
            connection, self._connection = self._connection, None
            with suppress(psycopg.Error):  # a broken connection has no session that could hold a lock
                connection.execute("SELECT pg_advisory_unlock_all()")
            connection.close()

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        self.release()

    def ask(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """The rows that a statement returns in the lock's own session, which is begun again where it has ended."""
        import psycopg

        try:
            if self._connection is None:
                limits = {"tcp_user_timeout": self._max_silent_ms, **self._limits}
                self._connection = psycopg.connect(self._address, autocommit=True, options=KEEPALIVE, **limits)
                self._limits = AGAIN
            done = self._connection.execute(statement, values)
            return done.fetchall() if done.description else []
        except psycopg.errors.LockNotAvailable:
            self.release()
            raise StorageError(f"another process holds the lock {self._name!r} and does not release it") from None
        except psycopg.Error as error:
            self.release()
            raise StorageError(f"the lock {self._name!r} cannot be used: {in_one_line(error)}") from None
