"""The findings of a verification: every break, in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from sync_platform.documents.local_time import local_time
from sync_platform.storage.audit_log import AuditEntry

BREAKS, FIRST_BREAKS, LANDING = "breaks", "first_breaks", "landing"
"""What the audit log says of a verification: how many breaks it found, the first of them in words, and whether it also
read landed objects."""
MAX_FIRST = 5


def last_verification(entries: Iterable[AuditEntry]) -> AuditEntry | None:
    """The verification in the audit log that counts; None for none. `entries`: those of verifications, in order.

    It is the newest that read everything. After breaks in a verification of landed objects too, one that did not look
    at them and finds none proves nothing.
    """
    last: AuditEntry | None = None
    for entry in entries:
        subject = entry.details
        if entry.outcome == "begun" or BREAKS not in subject:
            continue
        before = last.details if last else {}
        if not (before.get(BREAKS) and before.get(LANDING) and not subject[BREAKS] and not subject.get(LANDING)):
            last = entry
    return last


@dataclass(frozen=True)
class Break:
    """One break: the chain, table or anchor, the number of the entry, and what is wrong in words."""

    where: str
    what: str
    number: int | None = None
    platform: str | None = None
    dataset: str | None = None
    at: datetime | None = None

    def __str__(self) -> str:
        number = "" if self.number is None else f" number {self.number}"
        about = ".".join(part for part in (self.platform, self.dataset) if part)
        named = ", ".join(part for part in (about, local_time(self.at) if self.at else "") if part)
        return f"{self.where}{number}{f' ({named})' if named else ''}: {self.what}"


@dataclass
class Findings:
    """The number of verified items of each kind, and every break in the order of the chain. `holds`: there is no break.

    `not_compared`: tables whose dataset is no longer declared by a platform file; they cannot be replayed.
    `anchors_elsewhere`: anchors that the audit log names in other stores, such as the folder of another machine; they
    were not read. `anchors_before_restore`: anchors from before this lake was restored, which have more than it got.
    `anchors_without_key`: anchors whose signature was checked only with the key in them, because the vault has no key.
    `files_unrecorded`: files of the lake whose SHA-256 no run has recorded yet.
    """

    batches: int = 0
    changes: int = 0
    tables: int = 0
    audit_entries: int = 0
    anchors: int = 0
    files: int = 0
    files_unrecorded: int = 0
    landed_objects: int | None = None
    not_compared: list[str] = field(default_factory=list)
    anchors_elsewhere: list[str] = field(default_factory=list)
    anchors_before_restore: list[str] = field(default_factory=list)
    anchors_without_key: int = 0
    breaks: list[Break] = field(default_factory=list)

    @property
    def holds(self) -> bool:
        return not self.breaks

    @property
    def first_breaks(self) -> list[str]:
        return [str(broken_place) for broken_place in self.breaks[:MAX_FIRST]]

    def logged(self) -> dict[str, Any]:
        """What the audit log says of the verification."""
        landing = {} if self.landed_objects is None else {LANDING: True}
        return {BREAKS: len(self.breaks), FIRST_BREAKS: self.first_breaks, **landing}

    def document(self) -> dict[str, Any]:
        return {"holds": self.holds, **asdict(self)}
