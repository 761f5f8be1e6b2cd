"""Series: one quantity of one dataset over its syncs. Only points that can be compared are in one series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sync_platform.monitoring.quantity import DURATION, THROUGHPUT, Quantity
from sync_platform.sources.declaration import YearlyFall


@dataclass(frozen=True)
class Point:
    """The value of one sync.

    `at`: the moment observed (UTC). `period`: the partition, for a full sync; of several syncs of a period, only the
    last counts for the baseline. `of`: the number of records that a share is a share of. `is_incomplete`: records are
    known to be missing, which the sync itself reports. `is_accepted`: an operator accepted the shrink of the list.
    """

    at: datetime
    value: float
    period: str
    sync_id: str
    committed_at: datetime
    of: int | None = None
    is_incomplete: bool = False
    is_accepted: bool = False


@dataclass(frozen=True)
class Series:
    """Points in the order of `at`.

    `column`: the column of a null rate, else empty. `basis`: what its points have in common, in words: the mode and the
    cadence of the syncs, and the kind of day or the measured dimensions where they matter.
    `yearly_fall`: the fall of the dataset that comes each year, if this quantity has it.
    """

    platform: str
    dataset: str
    quantity: Quantity
    column: str
    mode: str
    basis: str
    points: Sequence[Point]
    yearly_fall: YearlyFall | None = None

    @property
    def name(self) -> str:
        """`platform.dataset.quantity`, with the column of a null rate."""
        parts = (self.platform, self.dataset, self.quantity.name, self.column)
        return ".".join(part for part in parts if part)

    @property
    def cause(self) -> str:
        """What makes anomalies of several series one: the platform, for what all its datasets share, or the dataset."""
        if self.quantity in (DURATION, THROUGHPUT):
            return f"{self.platform}.{self.quantity.name}"
        return f"{self.platform}.{self.dataset}.{self.quantity.name}"
