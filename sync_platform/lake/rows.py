"""The rows of one landed dataset as a stream, parsed by the row worker or by the caller's process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from sync_platform.lake.corrected_values import NO_CORRECTIONS, Corrections, ValueCorrection
from sync_platform.lake.row_maker import RecordSummary, RowMaker
from sync_platform.lake.row_worker import NO_ROW_WORKER, RowWorker
from sync_platform.landing.reader import LandedDataset
from sync_platform.quality.contract_counts import ContractCounts
from sync_platform.quality.drift import Drift
from sync_platform.quality.loose_readings import loose_drift
from sync_platform.quality.shape import Shape
from sync_platform.sources.declaration import Dataset, Platform
from sync_platform.sources.gaps import most_left_out
from sync_platform.vault.erased_values import ReadErased, nobody_erased


@dataclass
class TypedRows:
    """The rows of one landed dataset as a stream. The summary of its records is known once the stream is read.

    The row worker parses the rows while the dataset is fetched; if it did not, they are parsed here. `erased`: the
    persons whose rows get the erased form. `corrections`: the values that are wrong at the source. `restricted`:
    the persons whose rows no reader is shown.
    """

    landed: LandedDataset
    platform: Platform
    row_worker: RowWorker = NO_ROW_WORKER
    erased: ReadErased = nobody_erased
    corrections: Corrections = NO_CORRECTIONS
    restricted: ReadErased = nobody_erased
    _summary: RecordSummary | None = field(default=None, init=False)

    @property
    def dataset(self) -> Dataset:
        return self.platform.dataset(self.landed.manifest.dataset)

    def applied_corrections(self) -> Sequence[ValueCorrection]:
        """The corrections of this dataset that apply now."""
        if self.dataset.personal is None:
            return ()
        return self.corrections.read(self.platform.name, self.dataset.name)

    @property
    def contract_counts(self) -> ContractCounts:
        return self._known.contract_counts

    @property
    def not_ours(self) -> int:
        return self._known.not_ours

    @property
    def filter_faults(self) -> list[str]:
        """What is wrong where the dataset's filter leaves out most of the records, in words."""
        because = self.dataset.out_of_scope_because
        fault = most_left_out(self.not_ours, self.landed.manifest.records, "records", because)
        return [fault] if fault else []

    @property
    def loose(self) -> list[Drift]:
        """The fields that were read although they have another form than declared: of answers, and of records."""
        pages = len(self.landed.manifest.pages)
        in_answers = [loose_drift(reading, count, pages) for reading, count in self.landed.manifest.loose_readings]
        return [*in_answers, *self._known.loose]

    @property
    def shape(self) -> Shape:
        return self._known.shape

    def reader(self) -> pa.RecordBatchReader:
        """The rows as Arrow batches (row_maker.row_schema), in landing order; can be read once."""
        parsed = self.row_worker.rows_of(self.landed.manifest)
        if parsed is not None:
            self._summary = parsed.summary
            return parsed.rows
        maker = RowMaker(self.dataset)
        return pa.RecordBatchReader.from_batches(maker.schema, self._batches(maker))

    def _batches(self, maker: RowMaker) -> Iterator[pa.RecordBatch]:
        for key, body in self.landed.objects():
            yield from maker.take(key, body)
        yield from maker.rest()
        self._summary = maker.summary()

    @property
    def _known(self) -> RecordSummary:
        if self._summary is None:
            raise ValueError("the summary of the records is known once their rows are read")
        return self._summary
