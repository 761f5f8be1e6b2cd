"""The lock for a rotation of the master key: one process at a time, by the vault itself.

Two installations may have one vault and two ledgers, so the leases of a ledger do not keep their rotations apart. Two
rotations at once could each propose a key in the key place, and the vault would be left with a key that no place has.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from filelock import FileLock, Timeout

from sync_platform.errors import Busy
from sync_platform.storage.advisory_lock import AdvisoryLock

ADVISORY_NAME = "vault/rotation"
REFUSED = "another process rotates the master key of this vault: try again when it has ended"


@contextmanager
def rotating_alone(engine: sa.Engine) -> Iterator[None]:
    """Hold the lock of a vault's database; Busy where another process holds it. It ends with its process."""
    if engine.dialect.name == "sqlite":
        try:
            with FileLock(f"{engine.url.database}.rotation.lock", timeout=0):
                yield
        except Timeout:
            raise Busy(REFUSED) from None
        return
    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    lock = AdvisoryLock(address, ADVISORY_NAME)
    with lock:
        if not lock.try_acquire("sync-platform rotation"):
            raise Busy(REFUSED)
        yield
