"""Whether the audit log goes back to the lake's first commit. A ledger that is lost is replaced by an empty one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from sync_platform.documents.local_time import local_time
from sync_platform.errors import StorageError
from sync_platform.lake.chain import Batch, batches, has_chain
from sync_platform.lineage.restored_lake import restored_lakes
from sync_platform.storage.audit_log import AuditEntry, AuditLog
from sync_platform.storage.lake_address import LakeAddress
from sync_platform.storage.lake_connection import Lake

WHAT_TO_DO = (
    "put a copy of the ledger back; without one, restore the newest backup into a new home, whose log begins with that "
    "restore"
)


def lost_beginning(entries: Sequence[AuditEntry], chain: Iterable[Batch]) -> str | None:
    """In words, that the beginning of the audit log is gone; None where it is there. `entries`: the whole log.

    Every operation is on record before it commits anything. A restored lake has commits from before its ledger, and a
    lake from before there was an audit log has them in batches of the kind `opening`.
    """
    first = min((batch.committed_from for batch in chain if batch.kind == "changes"), default=None)
    if first is None or restored_lakes(entries) or (entries and entries[0].at <= first):
        return None
    begins = f"it begins on {local_time(entries[0].at)}" if entries else "it is empty"
    return f"{begins}, though the lake has a commit of {local_time(first)}: the ledger was lost; {WHAT_TO_DO}"


def beginning_lost_beside(lake: LakeAddress, log: AuditLog) -> str | None:
    """See `lost_beginning`; None too where there is no lake, or where it cannot be read now."""
    chain: list[Batch] = []
    if lake.exists:
        with suppress(StorageError), Lake(lake, read_only=True) as opened, opened.session() as session:
            chain = batches(session) if has_chain(session) else []
    return lost_beginning(list(log.entries()), chain) if chain else None  # the lake first: commits go on meanwhile
