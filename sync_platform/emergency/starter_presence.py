"""Whether a starter lives: the process that starts emergency requests as soon as they are made.

While one lives, Dagster's sensor leaves young requests to it. One starter at a time works on a ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta

from sync_platform.emergency.request import EmergencyRequest
from sync_platform.storage.held_lock import HeldLock
from sync_platform.storage.lock_holder import Holder
from sync_platform.storage.platform_lock import holder_of, platform_lock

STARTER_LOCK = "emergency-starter"
STARTED_WITHIN = timedelta(seconds=10)
"""A request that no starter has started within this time is left to Dagster's sensor."""


def only_starter(
    ledger_url: str, name: str, on_wait: Callable[[Holder | None], None]
) -> AbstractContextManager[HeldLock]:
    """The lock of the only starter. A second one waits for the end of the first, and calls `on_wait` meanwhile."""
    return platform_lock(ledger_url, STARTER_LOCK, name, on_wait)


def has_starter(ledger_url: str) -> bool:
    """True if a starter lives and is ready; StorageError where the lock cannot be read."""
    return holder_of(ledger_url, STARTER_LOCK) is not None


def is_left_to_starter(ledger_url: str, request: EmergencyRequest, now: datetime | None = None) -> bool:
    """True if the request is young and a starter lives; StorageError where the lock cannot be read."""
    age = (now or datetime.now(UTC)) - request.requested_at
    return age < STARTED_WITHIN and has_starter(ledger_url)
