"""Whether a process holds the lake's write lock, or the lease on the stored data, for too long."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from sync_platform.documents.local_time import local_time
from sync_platform.monitoring.problem import Problem, ProblemName
from sync_platform.storage.lease import STORED_DATA, LeaseHolder
from sync_platform.storage.lock_holder import Holder

WRITE_LOCK_FOR = timedelta(minutes=5)
"""A write transaction takes seconds; after ten minutes the other writers give up."""
LEASE_FOR = timedelta(hours=6)
"""A backup or a maintenance that takes longer keeps the next one from starting."""


def lock_problems(writer: Holder | None, leases: Sequence[LeaseHolder], now: datetime) -> Iterator[Problem]:
    """`writer`: the holder of the write lock now. `leases`: those that have not expired."""
    if writer is not None and now - writer.since > WRITE_LOCK_FOR:
        yield Problem(
            ProblemName.lake_locked,
            "write lock",
            f"The process {writer.run_id} (machine/process) holds the lake's write lock since "
            f"{local_time(writer.since)}.",
            "No other process can write to the lake; each fails after ten minutes. Readers are not concerned.",
            "Look at what this process does. If it hangs, end it: a killed writer leaves nothing half-written.",
            ("status",),
        )
    for lease in leases:
        if lease.name == STORED_DATA and now - lease.acquired_at > LEASE_FOR:
            yield Problem(
                ProblemName.lake_locked,
                "lease",
                f"{lease.holder} has the {lease.name} reserved since {local_time(lease.acquired_at)}.",
                "No backup, maintenance or restore can start. Syncs are not concerned.",
                "Look at what this process does, and end it if it hangs.",
                ("audit",),
            )
