"""The result of a `sync` per platform: the figures of the summary, the JSON document and the exit code."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain, zip_longest
from typing import Any, Literal

from sync_platform.cli.next_steps import steps_after
from sync_platform.documents.states import state_of
from sync_platform.lake.syncs import COUNTS, Status, SyncRecord, worst_status
from sync_platform.storage.audit_log import GAPS_DETAIL


@dataclass
class PlatformResult:
    """The sync of one platform. Seconds are the wall time of its run.

    `not_retired_ids`: per dataset the first source_ids of rows that stayed live although they were not seen.
    `is_blocked`: the error is only that a blocking check did not pass. What was fetched is stored, so the sync is
    degraded and has not failed. `was_killed`: its process ended without a result. `is_overtaken`: it may not write any
    more, because a newer program does, or another run.
    """

    platform: str
    partition: str
    run_id: str
    error: str | None
    fetch_s: float
    lake_s: float
    records: list[SyncRecord] = field(default_factory=list)
    not_retired_ids: dict[str, list[str]] = field(default_factory=dict)
    is_blocked: bool = False
    was_killed: bool = False
    is_overtaken: bool = False

    @property
    def status(self) -> Status:
        if self._has_failed:
            return "failed"
        return (
            "degraded"
            if self.is_blocked
            else worst_status((record.status for record in self.records), default="failed")
        )

    @property
    def state(self) -> str:
        """The status in the word that people read."""
        gaps = any(record.gaps for record in self.records)
        return state_of(self.status, has_gaps=gaps)

    @property
    def _has_failed(self) -> bool:
        return not self.records or (self.error is not None and not self.is_blocked)

    @property
    def reasons(self) -> list[str]:
        """Why it is not complete, the most important first: the error of the run, then causes before their effects."""
        return ([self.error] if self.error else []) + self._texts("reasons")

    @property
    def gaps(self) -> list[str]:
        """What is known to be missing within the gap tolerance."""
        return self._texts("gaps")

    def _texts(self, kind: Literal["reasons", "gaps", "notes"]) -> list[str]:
        """The first text of each dataset, then the second of each, and so on.

        A text that several datasets have is listed once, with all their names.
        """
        texts = [
            [(record.dataset, text) for text in getattr(record, kind)] for record in self.records if record.dataset
        ]
        datasets: dict[str, list[str]] = {}
        for dataset, text in filter(None, chain.from_iterable(zip_longest(*texts))):
            datasets.setdefault(text, []).append(dataset)
        return [f"{', '.join(names)}: {text}" for text, names in datasets.items()]

    @property
    def notes(self) -> list[str]:
        """What was odd and cost nothing."""
        return self._texts("notes")

    @property
    def next_steps(self) -> list[str]:
        """The commands that help if it is not complete."""
        return steps_after(self.platform, self.partition, self.status, self.records)

    def total(self, count: str) -> int:
        return sum(getattr(record, count) for record in self.records)

    def document(self) -> dict[str, Any]:
        return {
            "platform": self.platform,
            "partition": self.partition,
            "run_id": self.run_id,
            "status": self.status,
            "reasons": self.reasons,
            "gaps": self.gaps,
            "notes": self.notes,
            "fetch_s": round(self.fetch_s, 2),
            "lake_s": round(self.lake_s, 2),
            "datasets": [
                {
                    "dataset": record.dataset,
                    "sync_id": record.sync_id,
                    "status": record.status,
                    **{count: getattr(record, count) for count in COUNTS},
                    "already_known": record.already_known,
                    "out_of_scope": record.out_of_scope,
                    "not_retired_ids": self.not_retired_ids.get(record.dataset, []),
                    "shrink_accepted": record.shrink_accepted,
                }
                for record in self.records
                if record.dataset
            ],
        }


def details_of(results: list[PlatformResult]) -> dict[str, Any]:
    """What the audit log keeps of finished syncs: the runs, and which platforms have gaps within the tolerance."""
    gaps = list(dict.fromkeys(result.platform for result in results if result.gaps))
    return {"run_ids": [result.run_id for result in results], **({GAPS_DETAIL: gaps} if gaps else {})}
