"""The outcome of a commit."""

from __future__ import annotations

from dataclasses import dataclass, field

from sync_platform.lake.syncs import SyncRecord
from sync_platform.quality.drift import Drift
from sync_platform.quality.score import WHOLE, Score


@dataclass(frozen=True)
class Outcome:
    """What one commit did: its record, the snapshot it made, its scores, and what was wrong with what came.

    `not_retired`: source_ids of the first rows that were not seen and stayed live. `quarantined`: the first records
    that went to quarantine, in words.
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
