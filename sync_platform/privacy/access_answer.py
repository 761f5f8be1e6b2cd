"""The answer to an access request: everything that is stored about chosen persons, in clear, for this purpose only.

What belongs here: the figures of the answer. They are collected in privacy/access.py, and written in
privacy/access_json.py and privacy/access_document.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from sync_platform.privacy.person_search import Candidate
from sync_platform.sources.declaration import Dataset, Platform

RecordState = Literal["live", "removed", "past"]


@dataclass(frozen=True)
class PersonRecord:
    """A row of a table, its sealed values in clear."""

    source_id: str
    state: RecordState
    values: dict[str, Any]


@dataclass(frozen=True)
class PersonChange:
    """A change in the history. `before` and `after`: the changed columns, the person's values in clear."""

    source_id: str
    operation: str
    observed_at: datetime
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass
class ReceivedRecord:
    """One version of a record as the platform sent it, in clear.

    `landing_objects`: the objects of the landing store that have it. `problems`: why it went to quarantine, if it did.
    """

    record: dict[str, Any]
    landing_objects: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class CorrectedValue:
    """A value that was corrected at the request of the person: the platform's wrong one and the right one, in clear.

    `passed_on_at`: when the platform first showed the right one itself; None: not yet. `lifted_at`: when the
    correction was ended.
    """

    source_id: str
    column: str
    wrong: Any
    right: Any
    corrected_at: datetime
    passed_on_at: datetime | None
    lifted_at: datetime | None


@dataclass(frozen=True)
class DatasetAnswer:
    """What one dataset has of the persons."""

    platform: Platform
    dataset: Dataset
    records: Sequence[PersonRecord]
    changes: Sequence[PersonChange]
    received: Sequence[ReceivedRecord]
    corrections: Sequence[CorrectedValue] = ()

    @property
    def name(self) -> str:
        return f"{self.platform.name}.{self.dataset.name}"

    @property
    def is_empty(self) -> bool:
        return not (self.records or self.changes or self.received)

    @property
    def quarantined(self) -> list[ReceivedRecord]:
        """The received records that went to quarantine."""
        return [each for each in self.received if each.problems]


@dataclass(frozen=True)
class RetentionDays:
    """How many days data is kept: landed pages, the history, backups."""

    landing_days: int
    history_days: int
    backup_days: int


@dataclass(frozen=True)
class AccessAnswer:
    """The whole answer. `unsealed`: how many sealed values it has in clear."""

    made_at: datetime
    organisation: str
    contact: str
    persons: Sequence[Candidate]
    datasets: Sequence[DatasetAnswer]
    kept_for: RetentionDays
    unsealed: int

    def figures(self) -> dict[str, Any]:
        """What the audit log says of it: counts only."""
        return {
            "records": sum(len(each.records) for each in self.datasets),
            "changes": sum(len(each.changes) for each in self.datasets),
            "received": sum(len(each.received) for each in self.datasets),
            "corrected": sum(len(each.corrections) for each in self.datasets),
            "quarantined": sum(len(each.quarantined) for each in self.datasets),
            "unsealed": self.unsealed,
        }
