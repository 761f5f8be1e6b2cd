"""The lease that makes one watcher do the rounds: the command `watch`, a cron job, or Dagster's sensor.

A watcher holds it for as long as it does rounds, and renews it before each one. When its process ends, the lease is
free at once; when it hangs, the lease expires within five minutes.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from sync_platform.errors import StorageError
from sync_platform.storage.lease import Lease, Leases
from sync_platform.storage.platform_lock import platform_lock_if_free

ROUNDS = "rounds of the watch"
"""The name of the lease."""


@contextmanager
def only_watcher(ledger_url: str) -> Iterator[Lease | None]:
    """Hold the lease within the block. Busy where another watcher has it.

    None where the ledger is unusable: the round still runs, because it sends the alert about that.
    """
    with ExitStack() as held:
        try:
            lease = _acquired(held, ledger_url)
        except StorageError:
            lease = None
        yield lease


def is_still_ours(lease: Lease) -> bool:
    """Renew the lease; False where another watcher has it by now, or where the ledger is unusable."""
    try:
        lease.renew()
        lease.require()
    except StorageError:
        return False
    return True


def _acquired(held: ExitStack, ledger_url: str) -> Lease:
    lock = held.enter_context(platform_lock_if_free(ledger_url, f"lease of {ROUNDS}", "watch"))
    leases = Leases(ledger_url)
    held.callback(leases.close)
    lease = leases.acquire("watch", ROUNDS, lock)
    held.callback(_release, lease)
    return lease


def _release(lease: Lease) -> None:
    with suppress(StorageError):  # it expires
        lease.release()
