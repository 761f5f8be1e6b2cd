"""What changes while an extraction runs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import date, datetime
from typing import Protocol

from sync_platform.errors import SyncError
from sync_platform.sources.gaps import Gaps
from sync_platform.sources.loose_records import LooseReading
from sync_platform.sources.received import Record
from sync_platform.sources.reply import Reply


class IdentifiedDataset(Protocol):
    """A dataset, as far as an extraction needs it."""

    @property
    def name(self) -> str: ...

    def source_id(self, record: Record) -> str | None: ...


class ExtractionState:
    """Everything that changes while an extraction runs; its parts share it.

    `observed_at`: the moment that the records show. `fixed_day`: the day that the source shows, if it is not the day of
    that moment. `unchanged`: per dataset that the source calls unchanged, its replies. `first_loss`: the error of the
    first lost page. `left_out`: per dataset, how many listed records were not requested, because the list shows that
    they are out of scope. `loose_readings`: per dataset, how many answers have a field that was read although it has
    another form than declared.
    """

    def __init__(
        self, datasets: Iterable[IdentifiedDataset], observed_at: datetime, fixed_day: date | None = None
    ) -> None:
        self.observed_at, self.fixed_day = observed_at, fixed_day
        self.datasets = {dataset.name: dataset for dataset in datasets}
        self.gaps = {name: Gaps() for name in self.datasets}
        self.left_out: Counter[str] = Counter()
        self.loose_readings: dict[str, Counter[LooseReading]] = {name: Counter() for name in self.datasets}
        self.unchanged: dict[str, tuple[Reply, ...]] = {}
        self.first_loss: SyncError | None = None
        self.reported_stop: SyncError | None = None
