"""The restores into a new lake, from the audit log: an earlier anchor may name entries that this lake does not have.

A restore into the lake in use is a new commit, and shortens no chain: it is not meant here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_platform.storage.audit_log import AuditEntry
from sync_platform.storage.operation_name import OperationName

NEW_LAKE = "new_lake"
"""In the subject of a restore that made the lake of this ledger, and not one elsewhere."""


@dataclass(frozen=True)
class RestoredLake:
    """A restore into a new lake: when it ended, the last batch that it restored, and the first entry of the ledger.

    `ledger_began`: the time of that entry. A ledger is never restored, so a new one has other chains than before.
    """

    at: datetime
    batch: int
    ledger_began: datetime


def restored_lakes(entries: Sequence[AuditEntry]) -> list[RestoredLake]:
    """The restores in the audit log that made a new lake, in order."""
    lakes = []
    for entry in entries:
        if entry.operation == OperationName.restore and entry.outcome == "complete":
            subject = entry.details
            if subject.get(NEW_LAKE):
                lakes.append(RestoredLake(entry.at, subject["batch"], entries[0].at))
    return lakes


def is_replaced(anchored_at: datetime, chain: str, number: int, restores: Sequence[RestoredLake]) -> bool:
    """True if a restore explains that the lake or its ledger does not have entry `number`, anchored then, any more."""
    later = [restored_lake for restored_lake in restores if restored_lake.at > anchored_at]
    if chain == "batches":
        return any(restored_lake.batch < number for restored_lake in later)
    return any(restored_lake.ledger_began > anchored_at for restored_lake in later)
