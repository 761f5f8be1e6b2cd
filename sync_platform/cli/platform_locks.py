"""The locks of platforms for a command that syncs must not run beside."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sync_platform.cli.output import write_line
from sync_platform.storage.held_lock import HeldLocks
from sync_platform.storage.lock_holder import Holder
from sync_platform.storage.platform_lock import platform_lock

UNIFIED = "unified"


def take_platform_locks(locks: HeldLocks, ledger_url: str, platforms: Iterable[str], activity: str) -> None:
    """Wait for syncs of these platforms and for unification, in the order in which syncs take the locks.

    `activity`: who has the locks, in words.
    """
    for name in sorted([*platforms, UNIFIED]):
        locks.take(platform_lock(ledger_url, name, activity, _reported_once(name)))


def _reported_once(name: str) -> Callable[[Holder | None], None]:
    reported: list[Holder | None] = []

    def waiting(holder: Holder | None) -> None:
        if holder not in reported:
            reported.append(holder)
            write_line(f"waiting for a sync of {name} to end" + (f" (run {holder.run_id})" if holder else ""))

    return waiting
