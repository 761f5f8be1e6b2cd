"""The backups that the audit log says were made in a store: so a manifest that was deleted there is noticed.

A log that is itself lost, or that is of another installation, names none.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sync_platform.storage.audit_log import AuditEntry, AuditLog
from sync_platform.storage.operation_name import OperationName
from sync_platform.storage.relational import database_exists


@dataclass(frozen=True)
class MadeBackup:
    """A backup that was made. `entry`: the number of its entry in the audit log. `sources`: empty for all.

    `digest`: of its manifest; empty where the entry does not say.
    """

    id: str
    digest: str
    sources: frozenset[str]
    entry: int

    @property
    def in_words(self) -> str:
        return f"entry {self.entry} of the audit log says that it was made"


def made_backups(audit_log: Iterable[AuditEntry], store_url: str) -> list[MadeBackup]:
    """The backups that were made in a store, in the order of the log."""
    made = []
    for entry in audit_log:
        if entry.operation == OperationName.backup and entry.outcome == "complete":
            subject = entry.details
            if subject.get("backup") and subject.get("store") == store_url:
                sources = frozenset(subject.get("sources", ()))
                made.append(MadeBackup(subject["backup"], subject.get("manifest", ""), sources, entry.number))
    return made


def read_made_backups(ledger_url: str, store_url: str) -> list[MadeBackup]:
    """See `made_backups`, by the log in a ledger; none where there is no ledger yet."""
    if not database_exists(ledger_url):
        return []
    log = AuditLog(ledger_url)
    try:
        return made_backups(log.entries(operation=OperationName.backup), store_url)
    finally:
        log.close()
