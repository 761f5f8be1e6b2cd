"""The rows of one landed dataset as a stream, whoever makes them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa

from sync_platform.lake.row_maker import Remarks, RowMaker
from sync_platform.lake.typist import NOBODY, Typist
from sync_platform.landing.reader import Landed
from sync_platform.quality.contract_counts import ContractCounts
from sync_platform.quality.shape import Shape
from sync_platform.sources.declaration import Dataset, Platform


@dataclass
class TypedRows:
    """The rows of one landed dataset, streamed; what is told of its records is known once the stream is read.

    Taken from the typist who made them while the dataset was fetched, or made here where nobody did.
    """

    landed: Landed
    platform: Platform
    typist: Typist = NOBODY
    _remarks: Remarks | None = field(default=None, init=False)

    @property
    def dataset(self) -> Dataset:
        return self.platform.dataset(self.landed.manifest.dataset)

    @property
    def tally(self) -> ContractCounts:
        return self._told.tally

    @property
    def not_ours(self) -> int:
        return self._told.not_ours

    @property
    def shape(self) -> Shape:
        return self._told.shape

    def reader(self) -> pa.RecordBatchReader:
        """The rows as Arrow batches (row_maker.row_schema), in landing order; read once."""
        made = self.typist.rows_of(self.landed.manifest)
        if made is not None:
            self._remarks = made.remarks
            return made.rows
        maker = RowMaker(self.dataset)
        return pa.RecordBatchReader.from_batches(maker.schema, self._batches(maker))

    def _batches(self, maker: RowMaker) -> Iterator[pa.RecordBatch]:
        for key, body in self.landed.objects():
            yield from maker.take(key, body)
        yield from maker.rest()
        self._remarks = maker.remarks()

    @property
    def _told(self) -> Remarks:
        if self._remarks is None:
            raise ValueError("what is told of the records is known once their rows are read")
        return self._remarks
