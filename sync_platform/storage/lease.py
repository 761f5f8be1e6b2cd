"""Leases: exclusive use of something across processes and machines, stored in the ledger.

The holder renews its lease while it lives, and asks `Lease.require` before each step that cannot be undone. It also has
a lock that ends with its process, so the lease of a killed process is free at once. Where the lock is not enough, as
for a machine that sleeps, the lease expires. The clocks of machines that share a ledger must differ by less than the
duration of a lease.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from sync_platform.documents.local_time import local_time
from sync_platform.errors import Busy, LockLost, StorageError
from sync_platform.storage.held_lock import HeldLock
from sync_platform.storage.ledger import MIGRATIONS, metadata
from sync_platform.storage.platform_lock import platform_lock_if_free
from sync_platform.storage.relational import open_database, transaction, upsert
from sync_platform.storage.stored_types import StoredTime
from sync_platform.storage.utc_time import in_utc, utc_now

STORED_DATA = "stored data"
"""The lease that maintenance, backup and restore each need: exclusive use of lake and landing."""
LASTS = timedelta(minutes=5)
RENEWED_EVERY_S = 60.0
PAUSE_S = 0.5
"""The time between two attempts of an activity that waits for a lease."""

leases = sa.Table(
    "leases",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("acquired_at", StoredTime(), nullable=False),
    sa.Column("expires_at", StoredTime(), nullable=False),
    sa.Column("ends_with_process", sa.Boolean, nullable=False, server_default=sa.false()),
)


def _ignore_reason(why: str) -> None: ...


@dataclass(frozen=True)
class LeaseHolder:
    """A lease that has not expired: its name, who holds it, and since when."""

    name: str
    holder: str
    acquired_at: datetime


class Leases:
    """The leases in the ledger at a SQLAlchemy URL; StorageError where it cannot be used."""

    def __init__(self, url: str, clock: Callable[[], datetime] = utc_now) -> None:
        self._url, self._engine, self._clock = url, open_database(url, MIGRATIONS), clock

    @contextmanager
    def hold(self, activity: str, name: str = STORED_DATA, renewed_every_s: float = RENEWED_EVERY_S) -> Iterator[Lease]:
        """Hold the lease `name` for an activity such as `backup` until the block ends.

        Raises Busy where another activity holds it; the message names the holder and the time.
        """
        with platform_lock_if_free(self._url, f"lease of {name}", activity) as lock:
            lease = self.acquire(activity, name, lock)
            ended = threading.Event()
            renewing = threading.Thread(target=_renew_until, args=(lease, ended, renewed_every_s), daemon=True)
            renewing.start()
            try:
                yield lease
            finally:
                ended.set()
                renewing.join()
                lease.release()

    @contextmanager
    def hold_when_free(
        self, activity: str, name: str, at_most_s: float, on_wait: Callable[[str], None] = lambda why: None
    ) -> Iterator[Lease]:
        """Hold the lease as `hold` does, as soon as others release it; Busy after `at_most_s`.

        `on_wait` is called once, with the reason, if there is a wait.
        """
        give_up_at = time.monotonic() + at_most_s
        with ExitStack() as stack:
            while True:
                try:
                    lease = stack.enter_context(self.hold(activity, name))
                    break
                except Busy as busy:
                    if time.monotonic() >= give_up_at:
                        raise
                    on_wait(f"waiting: {busy}")
                    on_wait = _ignore_reason
                time.sleep(PAUSE_S)
            yield lease

    def acquire(self, activity: str, name: str = STORED_DATA, lock: HeldLock | None = None) -> Lease:
        """The lease `name` for an activity, without renewal and release; Busy as in `hold`.

        `lock`: that of the lease, if the caller has it; then a lease that ends with its process has no living holder.
        """
        now = self._clock()
        holder = f"{activity} (process {os.getpid()} on {os.uname().nodename})"
        has_lock = lock is not None
        values = {"holder": holder, "acquired_at": now, "expires_at": now + LASTS, "ends_with_process": has_lock}
        is_free = leases.c.expires_at < now
        if has_lock:
            is_free = sa.or_(is_free, leases.c.ends_with_process)
        take = upsert(self._engine, leases).values(name=name, **values)
        take = take.on_conflict_do_update(index_elements=["name"], set_=values, where=is_free)
        with transaction(self._engine) as connection:
            if connection.execute(take.returning(leases.c.name)).first() is not None:
                return Lease(self._engine, self._clock, name, holder, now, lock)
            row = connection.execute(sa.select(leases).where(leases.c.name == name)).one()
        raise Busy(
            f"{activity} cannot start: {row.holder} has the {name} reserved since {local_time(row.acquired_at)}; "
            f"try again when it has ended (if it crashed, its lease expires at {local_time(row.expires_at)})"
        )

    def close(self) -> None:
        self._engine.dispose()

    def holders(self) -> list[LeaseHolder]:
        """The leases that have not expired. That of a process that was killed expires within five minutes."""
        wanted = sa.select(leases).where(leases.c.expires_at >= self._clock())
        with transaction(self._engine) as connection:
            rows = connection.execute(wanted).all()
        return [LeaseHolder(each.name, each.holder, in_utc(each.acquired_at)) for each in rows]


class Lease:
    """One lease that this process holds."""

    def __init__(
        self,
        engine: sa.Engine,
        clock: Callable[[], datetime],
        name: str,
        holder: str,
        acquired_at: datetime,
        lock: HeldLock | None = None,
    ) -> None:
        self._engine, self._clock, self.name, self.holder, self._lock = engine, clock, name, holder, lock
        self._expires_at = acquired_at + LASTS
        self._ours = sa.and_(leases.c.name == name, leases.c.holder == holder, leases.c.acquired_at == acquired_at)

    def renew(self) -> None:
        """Extend the lease; does nothing where another holder has it by now."""
        expires_at = self._clock() + LASTS
        with transaction(self._engine) as connection:
            renewed = connection.execute(sa.update(leases).where(self._ours).values(expires_at=expires_at)).rowcount
        if renewed:
            self._expires_at = expires_at

    def require(self) -> None:
        """Return while this process has the lease; to be asked before each step that cannot be undone.

        LockLost where the lease has expired (the machine slept), or where another activity has it; StorageError where
        the ledger does not answer.
        """
        if self._clock() >= self._expires_at:
            raise LockLost(
                f"{self.holder} lost its hold on the {self.name}, which ran out at {local_time(self._expires_at)}"
            )
        taken = LockLost(f"{self.holder} lost its hold on the {self.name}: another activity has it")
        if self._lock is not None:
            try:
                self._lock.require()
            except LockLost:
                raise taken from None
        with transaction(self._engine) as connection:
            if connection.execute(sa.select(leases.c.name).where(self._ours)).first() is None:
                raise taken

    def release(self) -> None:
        """Release the lease, unless it has expired and another holder has it."""
        with transaction(self._engine) as connection:
            connection.execute(sa.delete(leases).where(self._ours))


def _renew_until(lease: Lease, ended: threading.Event, every_s: float) -> None:
    while not ended.wait(every_s):
        try:
            lease.renew()
        except StorageError:
            continue  # the next attempt follows; `require` raises once the lease has expired
