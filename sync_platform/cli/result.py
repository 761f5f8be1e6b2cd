"""What a `sync` did, platform by platform: the figures behind the summary, the JSON document and the exit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sync_platform.lake.syncs import WORST_FIRST, Status, SyncRecord

COUNTS = ("records", "rows", "inserted", "updated", "removed", "restored", "unchanged", "quarantined", "not_retired")


@dataclass
class PlatformResult:
    """One platform's sync; seconds are wall time of this platform's run.

    `let_be`: per dataset the first source_ids of rows that were not seen, and not retired.
    """

    platform: str
    partition: str
    run_id: str
    error: str | None
    fetch_s: float
    lake_s: float
    records: list[SyncRecord] = field(default_factory=list)
    let_be: dict[str, list[str]] = field(default_factory=dict)

    @property
    def status(self) -> Status:
        if self.error or not self.records:
            return "failed"
        return worst(record.status for record in self.records)

    @property
    def reasons(self) -> list[str]:
        """Why it is not complete, in words."""
        told = [f"{record.dataset}: {reason}" for record in self.records if record.dataset for reason in record.reasons]
        return ([self.error] if self.error else []) + told

    def total(self, count: str) -> int:
        return sum(getattr(record, count) for record in self.records)

    def document(self) -> dict[str, Any]:
        return {
            "platform": self.platform,
            "partition": self.partition,
            "run_id": self.run_id,
            "status": self.status,
            "reasons": self.reasons,
            "fetch_s": round(self.fetch_s, 2),
            "lake_s": round(self.lake_s, 2),
            "datasets": [
                {
                    "dataset": record.dataset,
                    "sync_id": record.sync_id,
                    "status": record.status,
                    **{count: getattr(record, count) for count in COUNTS},
                    "not_retired_ids": self.let_be.get(record.dataset, []),
                    "shrink_accepted": record.shrink_accepted,
                }
                for record in self.records
                if record.dataset
            ],
        }


def worst(statuses: Any) -> Status:
    """The least complete of some statuses; complete where there is none."""
    present = set(statuses)
    return next((status for status in WORST_FIRST if status in present), "complete")
