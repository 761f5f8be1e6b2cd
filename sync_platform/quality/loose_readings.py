"""What was read although it has another form than declared, and informational times that could not be read.

The first is drift: the value is right, but the source has changed. The second is a breach of a soft rule: the column is
left empty, and the record is stored.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from sync_platform.quality.contract import LONGEST_VALUE, Breach
from sync_platform.quality.drift import Drift
from sync_platform.quality.shape import ExampleValue
from sync_platform.sources.declaration import Dataset
from sync_platform.sources.loose_records import LooseReading, LooseValue, UnreadableDate

READABLE_TIME = "a time that can be read"


class LooseReadings:
    """Counts the loose readings of one dataset's records; memory grows with the fields, and with unreadable times."""

    def __init__(self, dataset: Dataset) -> None:
        columns = dataset.record_decoding.columns
        self._columns = {column.paths[0]: column.name for column in columns if column.is_informational_time}
        self._records = 0
        self._counts: dict[LooseReading, int] = {}
        self._examples: dict[LooseReading, ExampleValue] = {}
        self._unreadable: dict[tuple[str, int], list[UnreadableDate]] = {}

    def add(self, key: str, line: int, loose: LooseValue) -> None:
        """Count what was read of one record; `key` and `line` say where it is landed."""
        for reading in set(loose.readings):
            self._counts[reading] = self._counts.get(reading, 0) + 1
            self._examples.setdefault(reading, ExampleValue(None, key, line))
        self.add_unreadable(key, line, loose.unreadable)

    def add_unreadable(self, key: str, line: int, unreadable: Iterable[UnreadableDate]) -> None:
        unreadable_dates = [each for each in unreadable if each.path in self._columns]
        if unreadable_dates:
            self._unreadable.setdefault((key, line), []).extend(unreadable_dates)

    def breaches(self, batch: pa.RecordBatch) -> list[Breach]:
        """The breaches of a batch's rows (with `landing_object`, `landing_line`); each is returned once."""
        self._records += batch.num_rows
        if not self._unreadable:
            return []
        places = zip(batch["landing_object"].to_pylist(), batch["landing_line"].to_pylist(), strict=True)
        return [
            Breach(row, self._columns[each.path], READABLE_TIME, False, each.value[:LONGEST_VALUE])
            for row, place in enumerate(places)
            for each in self._unreadable.pop(place, ())
        ]

    def drift(self) -> list[Drift]:
        """One finding per field and form."""
        return [
            loose_drift(reading, count, self._records, (self._examples[reading],))
            for reading, count in sorted(self._counts.items())
        ]


def loose_drift(reading: LooseReading, records: int, of: int, examples: tuple[ExampleValue, ...] = ()) -> Drift:
    """The finding that a field came in another form than declared in `records` of `of` records, and was read."""
    details: dict[str, Any] = {"share_before": None, "share_now": None, "records": records, "of": of}
    return Drift("loose", reading.path, (reading.declared,), (reading.received,), examples=examples, **details)
