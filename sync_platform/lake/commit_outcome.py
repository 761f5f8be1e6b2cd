"""The outcome of a commit."""

from __future__ import annotations

from dataclasses import dataclass, field

from sync_platform.lake.syncs import SyncRecord
from sync_platform.quality.drift import Drift
from sync_platform.quality.score import WHOLE, Score


@dataclass(frozen=True)
class CommitOutcome:
    """The outcome of one commit: its sync record, its snapshot, its scores, and the problems of its records.

    `not_retired`: source_ids of the first rows that were not seen and stayed live. `quarantined`: descriptions of the
    first records that went to quarantine.
    """

    record: SyncRecord
    snapshot_id: int
    live_rows: int
    scores: list[Score] = field(default_factory=list)
    not_retired: list[str] = field(default_factory=list)
    unknown_fields: list[str] = field(default_factory=list)
    drift: list[Drift] = field(default_factory=list)
    quarantined: list[str] = field(default_factory=list)

    @property
    def wholes(self) -> list[Score]:
        """The scores of the dimensions, and the overall one."""
        return [score for score in self.scores if score.measure == WHOLE]
