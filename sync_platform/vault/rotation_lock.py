"""The lock for a rotation of the master key: one process at a time, by the vault itself.

Two installations may have one vault and two ledgers, so the leases of a ledger do not keep their rotations apart. Two
rotations at once could each propose a key in the key place, and the vault would be left with a key that no place has.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from sync_platform.errors import Busy
from sync_platform.storage.advisory_lock import AdvisoryLock
from sync_platform.storage.held_lock import HeldLock, Lock
from sync_platform.storage.labelled_file import LabelledFile
from sync_platform.storage.lock_holder import Holder

ADVISORY_NAME = "vault/rotation"
REFUSED = "another process rotates the master key of this vault: try again when it has ended"


@contextmanager
def rotating_alone(engine: sa.Engine) -> Iterator[HeldLock]:
    """Hold the lock of a vault's database; Busy where another process holds it. It ends with its process."""
    lock, label = _lock(engine), Holder(f"rotation-{os.getpid()}", datetime.now(UTC)).label
    try:
        if not lock.try_acquire(label):
            raise Busy(REFUSED)
        held = HeldLock(lock, "the rotation", label)
        with held.kept():
            yield held
    finally:
        lock.release()


def _lock(engine: sa.Engine) -> Lock:
    if engine.dialect.name == "sqlite":
        database = Path(engine.url.database or "")
        return LabelledFile(database.parent, f"{database.name}.rotation")
    return AdvisoryLock(engine.url.set(drivername="postgresql").render_as_string(hide_password=False), ADVISORY_NAME)
